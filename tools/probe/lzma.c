#include <lzma.h>

int main(void)
{
	lzma_stream s = LZMA_STREAM_INIT;
	lzma_ret r = lzma_stream_decoder(&s, UINT64_MAX, 0);
	lzma_end(&s);
	return r != LZMA_OK;
}
