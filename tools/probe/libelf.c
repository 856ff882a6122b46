#include <gelf.h>
#include <stddef.h>

int main(void)
{
	GElf_Shdr header;
	GElf_Chdr packed;
	if (elf_version(EV_CURRENT) == EV_NONE)
		return 1;
	Elf *elf = elf_begin(-1, ELF_C_READ_MMAP, NULL);
	return elf && gelf_getshdr(NULL, &header) && gelf_getchdr(NULL, &packed);
}
