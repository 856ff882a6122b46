/* SPDX-License-Identifier: MIT */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdarg.h>

/**
 * Debug messages by domain. Off by default; one branch when off; never once a sample.
 * The sink is explicit: whoever has a `struct log *` (NULL is allowed) may log.
 */
enum log_domain {
	LOG_SAMPLER = 1 << 0,
	LOG_PROCESS = 1 << 1,
	LOG_OBJECT = 1 << 2,
	LOG_UNWIND = 1 << 3,
	LOG_SYMBOL = 1 << 4,
	LOG_SESSION = 1 << 5,
	LOG_ALL = ~0,
};

struct log {
	int domains; /* bits of enum log_domain that are wanted */
	int fd;      /* one write(2) a message */
};

void log_write(const struct log *log, enum log_domain domain, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#define log_debug(log, domain, ...)                              \
	do {                                                     \
		if ((log) && ((log)->domains & (domain)))        \
			log_write((log), (domain), __VA_ARGS__); \
	} while (0)

#endif
