// SPDX-License-Identifier: MIT
#include "session/sources.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "profile/sources.h"

enum {
	HOT_LINES = 1000,
	LINES_AROUND = 6,
	LINES_BETWEEN = 40, /* pieces that lie nearer than that become one */
	FILE_MAX_BYTES = 8 << 20,
	PATIENCE_S = 2,
};

struct wanted {
	char *file, *module;
	uint32_t line;
};

/* Belongs to the thread's starter, unless the thread hangs: then nobody frees it. */
struct job {
	VEC(struct wanted) wanted; /* by file and line */
	struct source_list found;
	struct file_owner reader;
	bool failed;
};

static bool is_source_name(const char *file)
{
	static const char *const endings[] = {
		"c",   "cc", "cpp", "cxx", "C",  "h",    "hh",    "hpp", "hxx", "inl", "ipp",
		"tcc", "rs", "go",  "s",   "S",  "asm",  "f",     "f90", "F90", "d",   "zig",
		"nim", "m",  "mm",  "y",   "l",  "def",  "inc",   "cu",  "ml",  "hs",  "adb",
		"ads", "kt", "js",  "ts",  "py", "java", "swift", "pas",
	};
	const char *dot = strrchr(file, '.');
	if (*file != '/' || !dot || strchr(dot, '/'))
		return false;
	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++)
		if (!strcmp(dot + 1, endings[i]))
			return true;
	return false;
}

/* Changed after the program was built, as far as the program's own file tells. */
static bool is_newer(const struct stat *source, const char *module)
{
	struct stat program;
	return stat(module, &program) == 0 && source->st_mtime > program.st_mtime;
}

static bool read_source(const struct wanted *w, struct strbuf *text, bool *newer)
{
	struct stat st;
	_cleanup_close_ int fd =
		open(w->file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > FILE_MAX_BYTES ||
	    read_all(fd, FILE_MAX_BYTES, text, NULL) < 0)
		return false;
	*newer = is_newer(&st, w->module);
	return !text->failed && text->length && !memchr(text->text, 0, text->length);
}

static void add_line(struct strbuf *piece, const char *line, size_t length)
{
	strbuf_add(piece, line, length < SOURCES_LINE_MAX_BYTES ? length : SOURCES_LINE_MAX_BYTES);
	strbuf_putc(piece, '\n');
}

/* @return false without memory */
static bool add_piece(struct job *job, const struct wanted *w, const char *text, bool newer,
		      uint32_t first, uint32_t last)
{
	struct strbuf piece = { 0 };
	for (uint32_t n = 1; *text && n <= last; n++) {
		size_t length = strcspn(text, "\n");
		if (n >= first)
			add_line(&piece, text, length);
		text += length;
		text += *text == '\n';
	}
	struct profile_source source = {
		.file = w->file, .first_line = first, .text = piece.text, .newer = newer
	};
	bool ok = !piece.failed && (!piece.length || sources_add(&job->found, &source));
	strbuf_deinit(&piece);
	return ok;
}

/* The pieces around lines `from` to `end` - 1 of the list, which lie in one file. */
static bool add_pieces(struct job *job, size_t from, size_t end)
{
	struct strbuf text = { 0 };
	bool newer, ok = true;
	if (!read_source(&job->wanted.at[from], &text, &newer)) {
		strbuf_deinit(&text);
		return true;
	}
	while (ok && from < end) {
		const struct wanted *w = &job->wanted.at[from];
		uint32_t first = w->line > LINES_AROUND ? w->line - LINES_AROUND : 1;
		size_t next = from + 1;
		while (next < end &&
		       job->wanted.at[next].line <= job->wanted.at[next - 1].line + LINES_BETWEEN)
			next++;
		ok = add_piece(job, w, text.text, newer, first,
			       job->wanted.at[next - 1].line + LINES_AROUND);
		from = next;
	}
	strbuf_deinit(&text);
	return ok;
}

static void *work(void *argument)
{
	struct job *job = argument;
	if (job->reader.uid != (uid_t)-1) { /* of this thread only */
		setfsgid(job->reader.gid);
		setfsuid(job->reader.uid);
	}
	for (size_t from = 0, end; from < job->wanted.count && !job->failed; from = end) {
		for (end = from + 1; end < job->wanted.count; end++)
			if (strcmp(job->wanted.at[end].file, job->wanted.at[from].file) != 0)
				break;
		job->failed = !add_pieces(job, from, end);
	}
	return NULL;
}

static int by_place(const void *a, const void *b)
{
	const struct wanted *x = a, *y = b;
	int order = strcmp(x->file, y->file);
	return order ? order : x->line < y->line ? -1 : x->line > y->line;
}

/* @return by string: the module that has functions of that file; NULL without memory */
static uint32_t *modules_of_files(const struct profile *p)
{
	uint32_t *module = calloc(p->strings.count + 1, sizeof(*module));
	for (size_t i = 1; module && i < p->frame_count; i++) {
		const struct profile_frame *f = &p->frames[i];
		for (uint32_t k = 0; k < f->line_count; k++)
			module[p->functions[p->lines[f->first_line + k].function.v].file.v] =
				f->module.v;
	}
	return module;
}

static bool list_wanted(const struct profile *p, struct job *job)
{
	struct source_line_id hot[HOT_LINES];
	size_t count = profile_hot_lines(p, hot, HOT_LINES);
	_cleanup_free_ uint32_t *module = modules_of_files(p);
	if (!module)
		return false;
	for (size_t i = 0; i < count; i++) {
		const char *file = profile_string(p, hot[i].file);
		if (!is_source_name(file))
			continue;
		const char *path = profile_string(p, p->modules[module[hot[i].file.v]].path);
		struct wanted w = { strdup(file), strdup(path), hot[i].line };
		if (!w.file || !w.module || !vec_push(&job->wanted, w)) {
			free(w.file);
			free(w.module);
			return false;
		}
	}
	if (job->wanted.count > 1)
		qsort(job->wanted.at, job->wanted.count, sizeof(*job->wanted.at), by_place);
	return true;
}

static void job_destroy(struct job *job)
{
	for (size_t i = 0; i < job->wanted.count; i++) {
		free(job->wanted.at[i].file);
		free(job->wanted.at[i].module);
	}
	vec_free(&job->wanted);
	sources_deinit(&job->found);
	free(job);
}

/* @return whether the job was done; if not, it belongs to a thread that hangs */
static bool do_job(struct job *job)
{
	pthread_t thread;
	struct timespec end;
	if (pthread_create(&thread, NULL, work, job) != 0)
		return true; /* and found nothing */
	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += PATIENCE_S;
	if (pthread_timedjoin_np(thread, NULL, &end) == 0)
		return true;
	pthread_detach(thread);
	return false;
}

int sources_collect(struct profile *p, struct error *err)
{
	struct job *job = calloc(1, sizeof(*job));
	if (!job)
		return fail(err, -ENOMEM, "out of memory");
	job->reader = file_owner_from_environment();
	job->failed = !list_wanted(p, job);
	if (!job->failed && job->wanted.count && !do_job(job))
		return 0;
	int r = job->failed ? fail(err, -ENOMEM, "out of memory")
			    : profile_attach_sources(p, &job->found, err);
	job_destroy(job);
	return r;
}
