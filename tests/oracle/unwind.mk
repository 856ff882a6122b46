# build/oracle/unwind PROGRAM ARGS...: the walker against libunwind.
UNWIND_ORACLE_OBJ := $(patsubst %.c,$(B)/%.o,$(wildcard tests/oracle/unwind/*.c))

$(B)/oracle/unwind: $(UNWIND_ORACLE_OBJ) $(B)/core.a
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(ALL_LIBS) -o $@

all check-build: $(B)/oracle/unwind
-include $(UNWIND_ORACLE_OBJ:%.o=%.d)
