/* SPDX-License-Identifier: MIT */
#ifndef RECORD_REASONS_H
#define RECORD_REASONS_H

/*
 * Why a stack ends. One list makes the enum (C and BPF), the counters, the words in reports and the
 * table in docs/. This file includes nothing, so that a BPF program can include it.
 *
 * X(NAME, "id in JSON", "sentence for people")
 *
 * ROOT is the one that means "whole"; every other stack gets the frame `[truncated]` in front.
 */
#define UNWIND_REASONS(X)                                                                         \
	X(ROOT, "root", "reached the outermost frame")                                            \
	X(NO_MAPPING, "no-mapping", "program counter outside every known mapping")                \
	X(NO_RULE, "no-rule", "no unwind rule for the address and no frame pointer to follow")    \
	X(BAD_RULE, "bad-rule", "the unwind rule uses something that cannot be evaluated")        \
	X(STACK_TOO_DEEP, "stack-copy-full", "stack deeper than the part that the kernel copied") \
	X(READ_FAILED, "read-failed", "stack memory could not be read")                           \
	X(NOT_GROWING, "not-growing",                                                             \
	  "the frame did not move up the stack (damaged stack or rule)")                          \
	X(TOO_MANY_FRAMES, "too-many-frames", "more frames than the limit")                       \
	X(NO_REGISTERS, "no-registers", "the sample carries no user registers")                   \
	X(ABI_32BIT, "abi-32bit", "32-bit code is not unwound")                                   \
	X(ROWS_LATE, "rows-late", "the module's unwind table was not ready in time")              \
	X(OBJECT_UNREADABLE, "object-unreadable",                                                 \
	  "the module's file could not be opened or is not the file that was mapped")             \
	X(CHAIN_ENDS, "chain-ends",                                                               \
	  "the kernel followed frame pointers, and they end before the outermost frame")          \
	X(NOT_RECORDED, "not-recorded",                                                           \
	  "the file has neither a call chain nor a copy of the stack")                            \
	X(OTHER_STACK, "other-stack",                                                             \
	  "the callers are on another stack, which was not copied (Go's systemstack)")            \
	X(LIBUNWIND_ENDS, "libunwind-ends", "libunwind ends before the outermost frame")

enum unwind_reason {
#define X(name, id, sentence) UNWIND_##name,
	UNWIND_REASONS(X)
#undef X
		UNWIND_REASON_COUNT,
};

#endif
