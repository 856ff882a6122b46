#include <libiberty/demangle.h>
#include <stdlib.h>

int main(void)
{
	char *name = cplus_demangle_v3("_Z1fv", DMGL_PARAMS | DMGL_ANSI);
	char *rust = rust_demangle("_RNvC1a1b", 0);
	free(name);
	free(rust);
	return 0;
}
