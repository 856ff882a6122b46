# The driver of tests/oracle/capture_test.py and tests/golden/capture_test.py.
$(B)/oracle/capture: $(B)/tests/oracle/capture.o $(B)/core.a
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $< $(B)/core.a $(ALL_LIBS) -lcmocka -o $@

check-build: $(B)/oracle/capture
-include $(B)/tests/oracle/capture.d
