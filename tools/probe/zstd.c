#include <zstd.h>

int main(void)
{
	char out[1];
	return ZSTD_isError(ZSTD_decompress(out, sizeof(out), "", 0)) ? 0 : 0;
}
