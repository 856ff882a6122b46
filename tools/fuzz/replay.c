// SPDX-License-Identifier: MIT
/* Feeds each file of the corpora named as arguments to a fuzz target, with no fuzzer around it. */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes);

enum { INPUT_LIMIT_BYTES = 16 * 1024 * 1024 };

static int replay_file(const char *path)
{
	struct strbuf input = { 0 };
	struct error err = { 0 };
	if (read_file(path, INPUT_LIMIT_BYTES, &input, &err) < 0) {
		fprintf(stderr, "replay: %s\n", err.text);
		return 1;
	}
	/* An exact copy: the sanitizer then sees a read of the very next byte. */
	uint8_t *exact = malloc(input.length ? input.length : 1);
	if (!exact)
		return 1;
	if (input.length)
		memcpy(exact, input.text, input.length);
	fprintf(stderr, "%s\n", path);
	LLVMFuzzerTestOneInput(exact, input.length);
	free(exact);
	strbuf_deinit(&input);
	return 0;
}

static int replay_folder(const char *path)
{
	struct dirent **entries;
	int n = scandir(path, &entries, NULL, alphasort);
	if (n < 0) {
		fprintf(stderr, "replay: cannot open '%s': %s\n", path, strerror(errno));
		return 1;
	}
	int files = 0, failed = 0;
	for (int i = 0; i < n; i++) {
		char file[4096];
		snprintf(file, sizeof(file), "%s/%s", path, entries[i]->d_name);
		if (entries[i]->d_name[0] != '.') {
			files++;
			failed |= replay_file(file);
		}
		free(entries[i]);
	}
	free(entries);
	if (!files)
		fprintf(stderr, "replay: '%s' holds no input\n", path);
	return failed || !files;
}

int main(int argc, char **argv)
{
	int failed = argc < 2;
	for (int i = 1; i < argc; i++)
		failed |= replay_folder(argv[i]);
	return failed;
}
