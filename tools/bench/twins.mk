# What is profiled when the cost to a target is measured.
$(P)/twins: tools/bench/twins.c tests/programs/meter.h
	@mkdir -p $(@D)
	$(call say,PROGRAM,$@)
	$(Q)gcc $(PROGRAM_CFLAGS) $< -o $@

programs: $(P)/twins
