/* SPDX-License-Identifier: MIT */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stdarg.h>

/**
 * One sentence about what failed, in the caller's storage. A zeroed struct means "no error".
 * The first failure writes it; each level that knows more puts its part in front; the command
 * prints it once. Form: what failed first, subject in single quotes, lower case, no full stop,
 * then what to do about it.
 */
struct error {
	char text[1024];
};

/**
 * Writes the sentence and returns `code`, so that callers write `return fail(err, -EINVAL, ...)`.
 *
 * @param err  may be NULL; overwritten
 * @param code negative errno
 * @return `code`
 */
int fail(struct error *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** As fail(), with ": " and the text of errno behind; returns -errno. */
int fail_errno(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/**
 * Puts context in front of the sentence: "in 'libx.so'" and "CFI is cut off" become
 * "in 'libx.so': CFI is cut off".
 *
 * @return `code`
 */
int fail_in(struct error *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
