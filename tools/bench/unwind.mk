# build/bench/unwind PROGRAM ARGS...: ns a frame, and how fast tables are built.
UNWIND_BENCH_OBJ := $(patsubst %,$(B)/%.o,tools/bench/unwind_bench tests/oracle/unwind/record \
	tests/oracle/unwind/remote tests/oracle/unwind/space)

$(B)/bench/unwind: $(UNWIND_BENCH_OBJ) $(B)/core.a
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(ALL_LIBS) -o $@

all: $(B)/bench/unwind
-include $(B)/tools/bench/unwind_bench.d
