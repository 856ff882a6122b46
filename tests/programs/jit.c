// SPDX-License-Identifier: MIT
/*
 * Makes functions at run time and tells profilers their names. usage: jit WAY [FOLDER]
 *   map       /tmp/perf-PID.map: "early" for 1 part, "late", whose line comes after it has run, for 2
 *   replaced  the same, but "late" takes the place of "early"
 *   dump      a jitdump in FOLDER that is written at the end: "early" for 1 part, then "late" in its place
 *             for 2, which moves and runs for 1 more
 *   link fifo foreign huge  a perf map that is a link, a FIFO, another user's, sparse with a name at its end
 */
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "meter.h"

enum { PART_MS = 200, CODE_BYTES = 64 };

static uint8_t *code;
static char path[4096];

/* push rbp; mov rbp, rsp; again: dec rdi; jnz again; pop rbp; ret */
static const uint8_t loop[] = { 0x55, 0x48, 0x89, 0xe5, 0x48, 0xff, 0xcf, 0x75, 0xfb, 0x5d, 0xc3 };

static void run(uint8_t *at, unsigned parts)
{
	void (*function)(uint64_t) = (void (*)(uint64_t))(uintptr_t)at;
	uint64_t end = meter_thread_ns() + (uint64_t)parts * PART_MS * 1000000;
	memcpy(at, loop, sizeof(loop));
	while (meter_thread_ns() < end)
		function(1000000);
}

static FILE *map_open(void)
{
	snprintf(path, sizeof(path), "/tmp/perf-%d.map", (int)getpid());
	FILE *f = fopen(path, "w");
	if (!f)
		exit(1);
	setlinebuf(f);
	return f;
}

static void map_line(FILE *f, uint8_t *at, const char *name)
{
	fprintf(f, "%lx %x %s\n", (unsigned long)(uintptr_t)at, CODE_BYTES, name);
}

static void by_map(bool replaced)
{
	FILE *f = map_open();
	uint8_t *second = replaced ? code : code + 4096;
	map_line(f, code, "early");
	run(code, 1);
	if (replaced)
		map_line(f, second, "late");
	run(second, 2);
	if (!replaced)
		map_line(f, second, "late");
	fclose(f);
}

struct prefix {
	uint32_t type, size;
	uint64_t time_ns;
};

static uint64_t now_ns(void)
{
	return meter_clock_ns(CLOCK_MONOTONIC);
}

static void dump_load(FILE *f, uint8_t *at, const char *name, uint64_t index, uint64_t time_ns)
{
	struct {
		struct prefix prefix;
		uint32_t pid, tid;
		uint64_t vma, address, size, index;
	} r = { .prefix = { 0, (uint32_t)(56 + strlen(name) + 1 + CODE_BYTES), time_ns },
		.pid = (uint32_t)getpid(),
		.tid = (uint32_t)getpid(),
		.vma = (uintptr_t)at,
		.address = (uintptr_t)at,
		.size = CODE_BYTES,
		.index = index };
	fwrite(&r, sizeof(r), 1, f);
	fwrite(name, strlen(name) + 1, 1, f);
	fwrite(at, CODE_BYTES, 1, f);
}

static void dump_lines(FILE *f, uint8_t *at)
{
	static const char file[] = "/src/made.x";
	struct {
		struct prefix prefix;
		uint64_t address, count, first;
		int32_t line, discriminator;
	} r = { .prefix = { 2, (uint32_t)(sizeof(r) + sizeof(file)), now_ns() },
		.address = (uintptr_t)at,
		.count = 1,
		.first = (uintptr_t)at,
		.line = 42 };
	fwrite(&r, sizeof(r), 1, f);
	fwrite(file, sizeof(file), 1, f);
}

static void dump_move(FILE *f, uint8_t *from, uint8_t *to, uint64_t index, uint64_t time_ns)
{
	struct {
		struct prefix prefix;
		uint32_t pid, tid;
		uint64_t vma, old_address, address, size, index;
	} r = { .prefix = { 1, sizeof(r), time_ns },
		.pid = (uint32_t)getpid(),
		.tid = (uint32_t)getpid(),
		.vma = (uintptr_t)to,
		.old_address = (uintptr_t)from,
		.address = (uintptr_t)to,
		.size = CODE_BYTES,
		.index = index };
	fwrite(&r, sizeof(r), 1, f);
}

static void by_dump(const char *folder)
{
	static char buffer[1 << 20]; /* nothing is written before the end */
	uint32_t header[10] = { 0x4a695444, 1, 40, 62, 0, (uint32_t)getpid() };
	snprintf(path, sizeof(path), "%s/jit-%d.dump", folder, (int)getpid());
	FILE *f = fopen(path, "w+");
	if (!f || mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fileno(f), 0) == MAP_FAILED)
		exit(1);
	setvbuf(f, buffer, _IOFBF, sizeof(buffer));
	fwrite(header, sizeof(header), 1, f);
	uint64_t early_ns = now_ns();
	run(code, 1);
	uint64_t late_ns = now_ns();
	run(code, 2);
	uint64_t moved_ns = now_ns();
	run(code + 4096, 1);
	dump_load(f, code, "early", 1, early_ns);
	dump_lines(f, code);
	dump_load(f, code, "late", 2, late_ns);
	dump_move(f, code, code + 4096, 2, moved_ns);
	fclose(f);
}

static void by_strange_map(const char *way)
{
	FILE *f = map_open();
	map_line(f, code, "strange");
	if (!strcmp(way, "foreign") && fchown(fileno(f), 12345, 12345) < 0)
		exit(1);
	if (!strcmp(way, "huge")) {
		fseek(f, 6ll << 30, SEEK_SET);
		map_line(f, code, "behind");
	}
	fclose(f);
	if (!strcmp(way, "link")) {
		char other[sizeof(path) + 8];
		snprintf(other, sizeof(other), "%s.other", path);
		if (rename(path, other) < 0 || symlink(other, path) < 0)
			exit(1);
	}
	if (!strcmp(way, "fifo") && (unlink(path) < 0 || mkfifo(path, 0600) < 0))
		exit(1);
	run(code, 1);
}

int main(int argc, char **argv)
{
	const char *way = argc > 1 ? argv[1] : "map";
	code = mmap(NULL, 8192, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0);
	if (code == MAP_FAILED)
		return 1;
	if (!strcmp(way, "map") || !strcmp(way, "replaced"))
		by_map(!strcmp(way, "replaced"));
	else if (!strcmp(way, "dump"))
		by_dump(argc > 2 ? argv[2] : ".");
	else
		by_strange_map(way);
	printf("%d\n", (int)getpid());
	return 0;
}
