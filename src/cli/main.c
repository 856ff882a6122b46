// SPDX-License-Identifier: MIT
#include <stdio.h>

int main(void)
{
	fprintf(stderr, "perfprof: no command is built yet\n");
	return 2;
}
