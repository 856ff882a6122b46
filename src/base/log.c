// SPDX-License-Identifier: MIT
#include "base/log.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

static const char *domain_name(enum log_domain domain)
{
	switch (domain) {
	case LOG_SAMPLER: return "sampler";
	case LOG_PROCESS: return "process";
	case LOG_OBJECT: return "object";
	case LOG_UNWIND: return "unwind";
	case LOG_SYMBOL: return "symbol";
	case LOG_SESSION: return "session";
	default: return "perfprof";
	}
}

void log_write(const struct log *log, enum log_domain domain, const char *format, ...)
{
	char line[1024];
	uint64_t now = monotonic_ns();
	int n = snprintf(line, sizeof(line),
			 "%llu.%06llu %s: ", (unsigned long long)(now / NSEC_PER_SEC),
			 (unsigned long long)(now % NSEC_PER_SEC / 1000), domain_name(domain));
	va_list args;
	va_start(args, format);
	int m = vsnprintf(line + n, sizeof(line) - (size_t)n - 1, format, args);
	va_end(args);
	if (m < 0)
		return;
	size_t length = (size_t)n + (size_t)m;
	if (length > sizeof(line) - 2)
		length = sizeof(line) - 2;
	/* Paths of a target go to a terminal, too. */
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			line[i] = '?';
	line[length++] = '\n';
	ssize_t ignored = write(log->fd, line, length);
	(void)ignored;
}
