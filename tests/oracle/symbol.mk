# The driver of tests/oracle/symbol_oracle.py, which compares our names with llvm-symbolizer's.
$(B)/oracle/symbolize: $(B)/tests/oracle/symbolize.o $(B)/core.a
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $< $(B)/core.a $(ALL_LIBS) -o $@

check-build: $(B)/oracle/symbolize
-include $(B)/tests/oracle/symbolize.d
