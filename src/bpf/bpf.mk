# The BPF programs: compiled by clang, turned into a header by bpftool that the sampler includes.
ifneq ($(FEATURE_BPF),)
BPF_SKELETON := $(B)/bpf/sample.skel.h

$(B)/bpf/sample.bpf.o: src/bpf/sample.bpf.c src/bpf/bpf.mk
	@mkdir -p $(@D)
	$(call say,BPF,$<)
	$(Q)clang -target bpf -mcpu=v3 -O2 -g -Wall -Wextra -Werror -D__TARGET_ARCH_x86 -Isrc -Isrc/bpf \
		-MMD -MP -c $< -o $@

$(BPF_SKELETON): $(B)/bpf/sample.bpf.o
	$(call say,SKEL,$@)
	$(Q)bpftool gen skeleton $< name sample_bpf >$@.new && mv $@.new $@

$(filter $(B)/src/sampler/bpf%,$(OBJ)): $(BPF_SKELETON)
-include $(B)/bpf/sample.bpf.d
endif
