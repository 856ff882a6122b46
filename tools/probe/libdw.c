#include <dwarf.h>
#include <elfutils/libdw.h>
#include <stdlib.h>

int main(void)
{
	Dwarf *dwarf = dwarf_begin_elf(NULL, DWARF_C_READ, NULL);
	Dwarf_Die die, *scopes = NULL;
	Dwarf_CFI *cfi = dwarf_getcfi_elf(NULL);
	if (dwarf && dwarf_addrdie(dwarf, 0, &die) && dwarf_getscopes(&die, 0, &scopes) > 0)
		free(scopes);
	return dwarf_end(dwarf) + (cfi != NULL);
}
