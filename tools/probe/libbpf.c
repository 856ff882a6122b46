/* Needs libbpf 1.0 or later. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

int main(void)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
	struct bpf_program *program = 0;
	bpf_program__set_autoattach(program, false);
	return bpf_map_create(BPF_MAP_TYPE_ARRAY, "probe", 4, 4, 1, &options) < 0 ||
	       !bpf_program__attach_perf_event(program, 0);
}
