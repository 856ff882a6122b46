#include <stddef.h>
#include <libunwind.h>

int main(void)
{
	static unw_accessors_t accessors;
	unw_cursor_t cursor;
	unw_addr_space_t space = unw_create_addr_space(&accessors, 0);
	return space && unw_init_remote(&cursor, space, NULL) == 0 && unw_step(&cursor) > 0;
}
