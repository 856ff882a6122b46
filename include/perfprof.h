/* SPDX-License-Identifier: MIT */
#ifndef PERFPROF_H
#define PERFPROF_H

/*
 * libperfprof reads, builds, filters and writes CPU profiles: perfprof's own captures, pprof files,
 * collapsed stacks. It samples nothing, prints nothing and has no state but the objects that you
 * hold. See libperfprof(3).
 *
 * Failure.  A function that can fail returns 0 or a negative errno value and, if `err` is not NULL,
 *	leaves an error object in `*err`, which you destroy. It writes `*out` and `*err` only where it
 *	says so: after success `*out`, after failure `*err`. Unless a function says otherwise, it may
 *	fail with -ENOMEM.
 * Ownership.  Who has created an object destroys it; each destroy function takes NULL. Texts are
 *	NUL-terminated and never NULL; they belong to the object that was asked and live as long as it.
 *	Names come from profiled programs and from files of unknown origin: escape them before you
 *	show them.
 * Ids.  Modules, functions, frames, stacks and threads are rows of tables. A row's id is a number
 *	from 1 to the table's count; 0 means "none". Asking for a row that is not there is no failure:
 *	numbers are then 0 and texts empty. Samples and lists are counted from 0.
 * Threads.  A profile never changes: any number of threads may read it at once. All other objects
 *	belong to one thread at a time.
 * Later versions add functions and enumerators; those that are here keep their names and values.
 */

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define PERFPROF_API __attribute__((visibility("default")))
#else
#define PERFPROF_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

struct perfprof_error;
struct perfprof_profile;
struct perfprof_filter;
struct perfprof_builder;

/** @return the library's version, for example "0.1.0" */
PERFPROF_API const char *perfprof_version(void);

/* Errors ----------------------------------------------------------------------------------------- */

/** @return one sentence in lower case without a full stop: what failed, and where; NULL gives "" */
PERFPROF_API const char *perfprof_error_text(const struct perfprof_error *e);
/** @return the negative errno value that the failed function returned; NULL gives 0 */
PERFPROF_API int perfprof_error_code(const struct perfprof_error *e);
PERFPROF_API void perfprof_error_destroy(struct perfprof_error *e);

/* Opening ---------------------------------------------------------------------------------------- */

/**
 * Reads a profile of any kind that the library knows, gzipped or not; the kind is found by content,
 * never by name.
 *
 * @param path "-" is standard input
 * @return 0; -EBADMSG if it is no profile or a damaged one (the text names the byte or line); -EFBIG;
 *         an errno value of open(2) or read(2)
 */
PERFPROF_API int perfprof_open(const char *path, struct perfprof_profile **out,
			       struct perfprof_error **err);
/** As perfprof_open(), from where the descriptor stands to its end. It is not closed. */
PERFPROF_API int perfprof_open_fd(int fd, struct perfprof_profile **out,
				  struct perfprof_error **err);
/** As perfprof_open(). The bytes are not needed afterwards. */
PERFPROF_API int perfprof_open_memory(const void *bytes, size_t size_bytes,
				      struct perfprof_profile **out, struct perfprof_error **err);
PERFPROF_API void perfprof_profile_destroy(struct perfprof_profile *p);

/* What a profile says of itself ------------------------------------------------------------------ */

/** Sums over all samples. */
PERFPROF_API uint64_t perfprof_total_samples(const struct perfprof_profile *p);
PERFPROF_API uint64_t perfprof_total_cpu_ns(const struct perfprof_profile *p);

enum perfprof_text_fact {
	PERFPROF_TEXT_COMMAND = 0, /* what was profiled, with its arguments */
	PERFPROF_TEXT_BACKEND = 1, /* how samples were taken, for example "perf" */
	PERFPROF_TEXT_UNWIND = 2,  /* how stacks were unwound, for example "auto" */
	PERFPROF_TEXT_EVENT = 3,   /* what was sampled, for example "cpu" */
	PERFPROF_TEXT_HOST = 4,    /* the machine's name */
	PERFPROF_TEXT_KERNEL = 5   /* its kernel's release */
};

enum perfprof_number_fact {
	PERFPROF_NUMBER_CPUS = 0,
	PERFPROF_NUMBER_RATE_HZ = 1,       /* samples a second of CPU time */
	PERFPROF_NUMBER_START_UNIX_NS = 2, /* nanoseconds since 1970-01-01 UTC */
	PERFPROF_NUMBER_DURATION_NS = 3,
	PERFPROF_NUMBER_LOST_SAMPLES = 4,
	PERFPROF_NUMBER_THROTTLED = 5,            /* times that the kernel slowed sampling down */
	PERFPROF_NUMBER_FIXED_PERIOD_SAMPLES = 6, /* samples whose period was not jittered */
	PERFPROF_NUMBER_PROFILER_CPU_NS = 7,      /* what the observer cost */
	PERFPROF_NUMBER_UNSAMPLED_CPU_NS = 8,     /* CPU time of threads without a sample */
	PERFPROF_NUMBER_UNSAMPLED_KERNEL_NS = 9,  /* CPU time in a kernel that was not sampled */
	PERFPROF_NUMBER_KERNEL_SAMPLED = 10,      /* 1: samples in kernel mode were taken */
	PERFPROF_NUMBER_FOREIGN = 11, /* 1: no capture of perfprof's; what its file lacks is 0 */
	PERFPROF_NUMBER_PROFILER_KERNEL_NS = 12, /* what the kernel did for its samples */
	PERFPROF_NUMBER_PROFILER_WRITTEN_BYTES = 13,
	PERFPROF_NUMBER_WANTED_RATE_HZ = 14 /* if RATE_HZ is less than that; else 0 */
};

/** @return the fact; "" where it is not known */
PERFPROF_API const char *perfprof_fact_text(const struct perfprof_profile *p,
					    enum perfprof_text_fact fact);
/** @return the fact; 0 where it is not known */
PERFPROF_API uint64_t perfprof_fact_number(const struct perfprof_profile *p,
					   enum perfprof_number_fact fact);

/** The processes that were asked for. */
PERFPROF_API size_t perfprof_pid_count(const struct perfprof_profile *p);
PERFPROF_API uint32_t perfprof_pid(const struct perfprof_profile *p, size_t index);

/** Sentences for whoever reads the profile. */
PERFPROF_API size_t perfprof_note_count(const struct perfprof_profile *p);
PERFPROF_API const char *perfprof_note(const struct perfprof_profile *p, size_t index);

/** Why stacks are not whole: each reason's id (see perfprof_sample_truncated), words and samples. */
PERFPROF_API size_t perfprof_reason_count(const struct perfprof_profile *p);
PERFPROF_API const char *perfprof_reason_id(const struct perfprof_profile *p, size_t index);
PERFPROF_API const char *perfprof_reason_sentence(const struct perfprof_profile *p, size_t index);
PERFPROF_API uint64_t perfprof_reason_samples(const struct perfprof_profile *p, size_t index);

/* Samples ---------------------------------------------------------------------------------------- */

/** Samples of one stack, thread and reason are one row, with how many they were. */
PERFPROF_API size_t perfprof_sample_count(const struct perfprof_profile *p);
/** @return the id of the innermost entry of the stack; 0 for an empty one */
PERFPROF_API uint32_t perfprof_sample_stack(const struct perfprof_profile *p, size_t index);
/** @return the thread's id; 0 where the file does not say */
PERFPROF_API uint32_t perfprof_sample_thread(const struct perfprof_profile *p, size_t index);
/** @return how many samples the row stands for */
PERFPROF_API uint64_t perfprof_sample_samples(const struct perfprof_profile *p, size_t index);
/** @return the CPU time that the row stands for, in nanoseconds */
PERFPROF_API uint64_t perfprof_sample_cpu_ns(const struct perfprof_profile *p, size_t index);
/** @return the id of the reason why the stack is not whole; "" if it is */
PERFPROF_API const char *perfprof_sample_truncated(const struct perfprof_profile *p, size_t index);

/**
 * When samples were taken, in order of time; samples of files that do not say it are not here. Where the
 * times of a long run did not fit, they are those of cells: time_ns is then the first moment of one, and a
 * row is what it has of a row of samples.
 */
PERFPROF_API size_t perfprof_time_count(const struct perfprof_profile *p);
/** @return nanoseconds since sampling began, by CLOCK_MONOTONIC */
PERFPROF_API uint64_t perfprof_time_ns(const struct perfprof_profile *p, size_t index);
/** @return the row of samples, for perfprof_sample_stack() and the like */
PERFPROF_API size_t perfprof_time_sample(const struct perfprof_profile *p, size_t index);
/** @return how many of that row's samples; 0 beyond the end */
PERFPROF_API uint64_t perfprof_time_samples(const struct perfprof_profile *p, size_t index);
/** @return the width of a cell; 0: times are exact */
PERFPROF_API uint64_t perfprof_time_cell_ns(const struct perfprof_profile *p);

/** A thread under one name: after a change of name it has another row. */
PERFPROF_API uint32_t perfprof_thread_count(const struct perfprof_profile *p);
PERFPROF_API uint32_t perfprof_thread_pid(const struct perfprof_profile *p, uint32_t thread);
PERFPROF_API uint32_t perfprof_thread_tid(const struct perfprof_profile *p, uint32_t thread);
PERFPROF_API const char *perfprof_thread_comm(const struct perfprof_profile *p, uint32_t thread);

/* Stacks ----------------------------------------------------------------------------------------- */

/**
 * Stacks share their outer parts: an entry is a frame and the entry of its caller, whose id is
 * smaller. From the innermost outwards:
 *
 *	for (s = perfprof_sample_stack(p, i); s; s = perfprof_stack_parent(p, s))
 *		frame = perfprof_stack_frame(p, s);
 */
PERFPROF_API uint32_t perfprof_stack_count(const struct perfprof_profile *p);
/** @return the caller's entry; 0 behind the outermost */
PERFPROF_API uint32_t perfprof_stack_parent(const struct perfprof_profile *p, uint32_t stack);
PERFPROF_API uint32_t perfprof_stack_frame(const struct perfprof_profile *p, uint32_t stack);

enum perfprof_kind {
	PERFPROF_FRAME_USER = 0,
	PERFPROF_FRAME_KERNEL = 1,
	PERFPROF_FRAME_JIT = 2,      /* code that lies in no file */
	PERFPROF_FRAME_TRUNCATED = 3 /* the marker outside of a stack that is not whole */
};

/** A frame is an address with the functions that it lies in: one, and those inlined there. */
PERFPROF_API uint32_t perfprof_frame_count(const struct perfprof_profile *p);
PERFPROF_API enum perfprof_kind perfprof_frame_kind(const struct perfprof_profile *p,
						    uint32_t frame);
/** @return the module's id; 0 for code that lies in no file, and where the file does not say */
PERFPROF_API uint32_t perfprof_frame_module(const struct perfprof_profile *p, uint32_t frame);
/** @return the address, as the ELF file of the module counts; of the call, not of the return */
PERFPROF_API uint64_t perfprof_frame_vaddr(const struct perfprof_profile *p, uint32_t frame);
/** @return how many functions the address lies in */
PERFPROF_API uint32_t perfprof_frame_line_count(const struct perfprof_profile *p, uint32_t frame);
/** @param index 0 is the innermost; all but the last are inlined. @return the function's id */
PERFPROF_API uint32_t perfprof_frame_function(const struct perfprof_profile *p, uint32_t frame,
					      uint32_t index);
/** @return the line in the function's file; 0 where it is not known */
PERFPROF_API uint32_t perfprof_frame_line(const struct perfprof_profile *p, uint32_t frame,
					  uint32_t index);

PERFPROF_API uint32_t perfprof_function_count(const struct perfprof_profile *p);
/** @return the name for people, demangled; "[MODULE+0xADDRESS]" where there is no symbol */
PERFPROF_API const char *perfprof_function_name(const struct perfprof_profile *p,
						uint32_t function);
/** @return the name as in the symbol table */
PERFPROF_API const char *perfprof_function_system_name(const struct perfprof_profile *p,
						       uint32_t function);
/** @return the source file; "" where it is not known */
PERFPROF_API const char *perfprof_function_file(const struct perfprof_profile *p,
						uint32_t function);
/** @return the line where the function begins; 0 where it is not known */
PERFPROF_API uint32_t perfprof_function_start_line(const struct perfprof_profile *p,
						   uint32_t function);
/** @return 1 if the name is only a place, 0 if it is a symbol's */
PERFPROF_API int perfprof_function_is_unnamed(const struct perfprof_profile *p, uint32_t function);

/** Executables and shared libraries. Module 1 of a capture is the command's own binary. */
PERFPROF_API uint32_t perfprof_module_count(const struct perfprof_profile *p);
/** @return the file's path; "[kernel.kallsyms]" and "[vdso]" for those */
PERFPROF_API const char *perfprof_module_path(const struct perfprof_profile *p, uint32_t module);
/** @return lower-case hexadecimal digits; "" where it is not known */
PERFPROF_API const char *perfprof_module_build_id(const struct perfprof_profile *p,
						  uint32_t module);
/** @return the range of addresses, as the ELF file counts, that frames lie in: [start, limit) */
PERFPROF_API uint64_t perfprof_module_start_vaddr(const struct perfprof_profile *p,
						  uint32_t module);
PERFPROF_API uint64_t perfprof_module_limit_vaddr(const struct perfprof_profile *p,
						  uint32_t module);
/** @return the offset in the file of the byte at start_vaddr */
PERFPROF_API uint64_t perfprof_module_file_off(const struct perfprof_profile *p, uint32_t module);
/** @return 1 if the file was deleted or replaced while it ran */
PERFPROF_API int perfprof_module_is_deleted(const struct perfprof_profile *p, uint32_t module);

/* Filters ---------------------------------------------------------------------------------------- */

enum perfprof_rule {
	PERFPROF_RULE_NO_INLINES = 0, /* inlined functions are left out; no argument */
	PERFPROF_RULE_NO_KERNEL = 1,  /* the kernel's frames are left out; no argument */
	/*
	 * These want a POSIX extended regular expression, which is looked for anywhere in a frame's
	 * functions, their source files and its module:
	 */
	PERFPROF_RULE_FOCUS = 2,  /* only samples with such a frame */
	PERFPROF_RULE_IGNORE = 3, /* only samples without */
	PERFPROF_RULE_HIDE = 4,   /* such functions are left out of the stacks; samples stay */
	PERFPROF_RULE_THREAD = 5  /* in a thread's name, "name-TID", or the TID alone */
};

PERFPROF_API int perfprof_filter_create(struct perfprof_filter **out, struct perfprof_error **err);
PERFPROF_API void perfprof_filter_destroy(struct perfprof_filter *f);
/**
 * A rule that is added again replaces the one before.
 * @param argument what the rule wants, else NULL
 * @return 0; -EINVAL for a rule that this version of the library does not have, and for a wrong
 *         argument
 */
PERFPROF_API int perfprof_filter_add(struct perfprof_filter *f, enum perfprof_rule rule,
				     const char *argument, struct perfprof_error **err);
/**
 * Only samples whose time is known and in this range, in nanoseconds since sampling began; the end is not
 * in the range. 0 and 0: at any time.
 */
PERFPROF_API void perfprof_filter_set_times(struct perfprof_filter *f, uint64_t begin_ns,
					    uint64_t end_ns);
/** Makes a filtered copy; `p` stays as it is and yours. @return 0; -EINVAL: no regular expression */
PERFPROF_API int perfprof_filter_apply(const struct perfprof_filter *f,
				       const struct perfprof_profile *p,
				       struct perfprof_profile **out, struct perfprof_error **err);

/**
 * Adds profiles up, as if one followed the other: samples, CPU time and durations are summed. The profiles
 * stay as they are and yours.
 *
 * @param count at least 1
 * @return 0; -EINVAL (none); -EOVERFLOW (beyond 64 bits)
 */
PERFPROF_API int perfprof_merge(const struct perfprof_profile *const *profiles, size_t count,
				struct perfprof_profile **out, struct perfprof_error **err);

/* Building --------------------------------------------------------------------------------------- */

/*
 * Makes a profile of your own data. Functions that return an id return 0 after a failure, the others a
 * negative errno value. The first failure sticks: all that follows does nothing, and
 * perfprof_builder_build() reports it, so that it is enough to check there. Failures are: no memory;
 * -EINVAL for an id that the builder has not given, a value that is no enumerator, or a NULL for a text
 * that must be there; -EOVERFLOW. The builder copies texts; NULL is "" unless said otherwise.
 */

PERFPROF_API int perfprof_builder_create(struct perfprof_builder **out,
					 struct perfprof_error **err);
PERFPROF_API void perfprof_builder_destroy(struct perfprof_builder *b);

/** @param build_id hexadecimal digits, or NULL. Modules of one build-id become one. */
PERFPROF_API uint32_t perfprof_builder_add_module(struct perfprof_builder *b, const char *path,
						  const char *build_id);
/** Where the module's code lies; without it, the range is that of its frames. */
PERFPROF_API int perfprof_builder_set_module_range(struct perfprof_builder *b, uint32_t module,
						   uint64_t start_vaddr, uint64_t limit_vaddr,
						   uint64_t file_off);

/**
 * @param name        not NULL
 * @param system_name NULL: the same
 * @param start_line  0 if unknown
 */
PERFPROF_API uint32_t perfprof_builder_add_function(struct perfprof_builder *b, const char *name,
						    const char *system_name, const char *file,
						    uint32_t start_line);

/**
 * Adds a frame, which has no function yet. Keep its id: each call makes another frame, though equal
 * frames are one in the profile.
 *
 * @param module 0: none
 * @param vaddr  as the ELF file counts; of the call, not of the return; 0 if unknown
 */
PERFPROF_API uint32_t perfprof_builder_add_frame(struct perfprof_builder *b, uint32_t module,
						 uint64_t vaddr, enum perfprof_kind kind);
/**
 * Says which function a frame lies in, and, called again, which function that one is inlined into: the
 * innermost comes first.
 *
 * @param frame the last one added
 * @param line  0 if unknown
 */
PERFPROF_API int perfprof_builder_add_line(struct perfprof_builder *b, uint32_t frame,
					   uint32_t function, uint32_t line);

/** @param parent the caller's entry; 0: `frame` is the outermost. Equal entries have one id. */
PERFPROF_API uint32_t perfprof_builder_add_stack(struct perfprof_builder *b, uint32_t parent,
						 uint32_t frame);

/** Equal threads have one id. */
PERFPROF_API uint32_t perfprof_builder_add_thread(struct perfprof_builder *b, uint32_t pid,
						  uint32_t tid, const char *comm);

/**
 * @param thread    0: not known
 * @param stack     the innermost entry; 0: an empty stack
 * @param truncated id of the reason why the stack is not whole; NULL if it is
 * @param samples   added to those that are there already
 */
PERFPROF_API int perfprof_builder_add_samples(struct perfprof_builder *b, uint32_t thread,
					      uint32_t stack, const char *truncated,
					      uint64_t samples, uint64_t cpu_ns);
/** As perfprof_builder_add_samples(), with when they were taken: nanoseconds since sampling began. */
PERFPROF_API int perfprof_builder_add_samples_at(struct perfprof_builder *b, uint64_t time_ns,
						 uint32_t thread, uint32_t stack,
						 const char *truncated, uint32_t samples,
						 uint64_t cpu_ns);

PERFPROF_API int perfprof_builder_set_text(struct perfprof_builder *b, enum perfprof_text_fact fact,
					   const char *text);
/** PERFPROF_NUMBER_FOREIGN is 1 unless it is set to 0. */
PERFPROF_API int perfprof_builder_set_number(struct perfprof_builder *b,
					     enum perfprof_number_fact fact, uint64_t number);
PERFPROF_API int perfprof_builder_add_pid(struct perfprof_builder *b, uint32_t pid);
PERFPROF_API int perfprof_builder_add_note(struct perfprof_builder *b, const char *sentence);
/** Says in words what the id of a reason means. */
PERFPROF_API int perfprof_builder_add_reason(struct perfprof_builder *b, const char *id,
					     const char *sentence);

/**
 * Makes a profile of what was added so far; the builder goes on. Equal content in any order gives
 * equal profiles, and these give equal files.
 */
PERFPROF_API int perfprof_builder_build(struct perfprof_builder *b, struct perfprof_profile **out,
					struct perfprof_error **err);

/* Writing ---------------------------------------------------------------------------------------- */

enum perfprof_format {
	PERFPROF_FORMAT_OF_NAME = 0, /* the file's name tells: .pb.gz .pprof .folded
					    .speedscope.json .firefox.json */
	PERFPROF_FORMAT_PPROF = 1,   /* a capture, which is a gzipped pprof file */
	PERFPROF_FORMAT_FOLDED = 2,  /* collapsed stacks: `comm;outermost;...;innermost COUNT` */
	PERFPROF_FORMAT_SPEEDSCOPE = 3,
	PERFPROF_FORMAT_FIREFOX = 4 /* for the Firefox Profiler */
};

/** For PERFPROF_FORMAT_FOLDED; they may be added up. */
enum perfprof_write_flag {
	PERFPROF_WRITE_ANNOTATE =
		1, /* _[k] behind kernel frames, _[i] inlined ones, _[j] JIT code */
	PERFPROF_WRITE_THREADS = 2, /* `comm-TID` at the root */
	PERFPROF_WRITE_CPU_NS = 4   /* COUNT is nanoseconds of CPU time, not samples */
};

/**
 * Writes a file that appears whole or not at all: written aside, mode 0600, then renamed. What exists
 * and is no regular file (a FIFO, a device) is written to.
 *
 * @param flags 0, or enum perfprof_write_flag added up
 * @return 0; -EINVAL for a format or flag that this version does not have, or a name that tells no
 *         format; an errno value of open(2) or write(2)
 */
PERFPROF_API int perfprof_write_file(const struct perfprof_profile *p, const char *path,
				     enum perfprof_format format, unsigned flags,
				     struct perfprof_error **err);
/** Writes to a descriptor, which stays open. SIGPIPE is the caller's business. */
PERFPROF_API int perfprof_write_fd(const struct perfprof_profile *p, int fd,
				   enum perfprof_format format, unsigned flags,
				   struct perfprof_error **err);
/** @param out give it to perfprof_free(); a NUL stands behind the last byte */
PERFPROF_API int perfprof_write_memory(const struct perfprof_profile *p,
				       enum perfprof_format format, unsigned flags, void **out,
				       size_t *out_size_bytes, struct perfprof_error **err);
/** Takes NULL. */
PERFPROF_API void perfprof_free(void *bytes);

#ifdef __cplusplus
}
#endif

#endif
