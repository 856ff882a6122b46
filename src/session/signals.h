/* SPDX-License-Identifier: MIT */
#ifndef SESSION_SIGNALS_H
#define SESSION_SIGNALS_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

/* Signals as the contract says: what the terminal sent CMD has already, the rest is passed on. */

struct signals {
	int fd;              /* signalfd(2) */
	unsigned interrupts; /* ^C of the terminal, seen so far */
	bool end_asked;      /* `run`: somebody wants CMD to end */
};

enum signal_action {
	SIGNAL_NONE,
	SIGNAL_CHILD,   /* a child may have ended */
	SIGNAL_STOP,    /* `attach`: stop and write */
	SIGNAL_GIVE_UP, /* `run`: a second ^C */
};

/** Blocks the signals that we handle and opens the descriptor. */
int signals_init(struct signals *s, struct error *err);
void signals_deinit(struct signals *s);

/**
 * Takes one signal.
 *
 * @param child     CMD, to which signals are passed on; 0 for `attach`
 * @param out       what the session has to do
 * @return false when no signal waits
 */
bool signals_take(struct signals *s, pid_t child, enum signal_action *out);

#endif
