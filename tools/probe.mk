# What this machine has, found by compiling small programs that use the very calls that we need.
# Results are kept in $(B)/features.mk; remove it (or `make clean`) to probe again.
ifneq ($(shell CC='$(CC)' CFLAGS='$(CFLAGS)' LDFLAGS='$(LDFLAGS)' tools/probe.sh $(B)/features.mk && echo ok),ok)
$(error what is missing stands above)
endif
include $(B)/features.mk
