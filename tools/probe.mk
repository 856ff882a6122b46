# What this machine has, found by compiling small programs that use the very calls that we need.
# Results are kept in $(B)/features.mk; remove it (or `make clean`) to probe again.
$(B)/features.mk: tools/probe.sh $(wildcard tools/probe/*.c)
	@mkdir -p $(@D)
	@CC='$(CC)' CFLAGS='$(CFLAGS)' LDFLAGS='$(LDFLAGS)' tools/probe.sh > $@.new && mv $@.new $@

include $(B)/features.mk
