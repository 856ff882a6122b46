# The sampler driven without a session: what it costs, and whether its shares are true.
$(P)/cycles: tests/programs/cycles.c tests/programs/meter.h
	@mkdir -p $(@D)
	$(call say,PROGRAM,$@)
	$(Q)gcc $(PROGRAM_CFLAGS) -pthread -no-pie -fno-pie $< -o $@

$(P)/sampling: $(B)/tools/bench/sampling.o $(B)/core.a
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $< $(B)/core.a $(ALL_LIBS) -o $@

programs: $(P)/cycles $(P)/sampling
-include $(B)/tools/bench/sampling.d
