# The driver that tests/oracle/symbol_oracle.py compares with llvm-symbolizer.
$(B)/oracle/symbolize: $(B)/tests/oracle/symbolize.o $(B)/core.a
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $< $(B)/core.a $(ALL_LIBS) -o $@
