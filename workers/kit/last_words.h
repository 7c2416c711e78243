// SPDX-License-Identifier: MIT
#ifndef WORKERS_KIT_LAST_WORDS_H
#define WORKERS_KIT_LAST_WORDS_H

/*
 * last_words - what a dying process still says: which signal, where, and the
 * way it came there, so that its obituary explains more than "signal 11".
 *
 * The first line goes to the process's slot of `stats` and to standard error,
 * the backtrace as HANDOVER_LAST_WORDS to the parent: its socket keeps them
 * when we are gone. Then the signal is raised again, with its default action.
 *
 * Frames read `gateway+0x4f21`: `addr2line -fe libexec/banyan/gateway 0x4f21`
 * names the line. No symbol is looked up here: in a signal handler after a
 * wild write the dynamic linker is not to be trusted.
 *
 * Trust:  runs after anything may have gone wrong: reads only registers, the
 *         stack by the unwinder, and its own statics.
 * Owner:  keeps pointers to `slot`; the signal stack is static.
 */

struct stats_slot;

/* last_words_prepare installs the handlers; `slot` may be NULL. */
void last_words_prepare(const char *who, struct stats_slot *slot);

/*
 * last_words_on_request: LAST_WORDS_SIGNAL makes the process write where it is
 * to `path`, and go on as if nothing had been. For operators who wonder
 * (`banyan debug --stacks`); send it to the main thread only, and to nobody
 * who does not catch it.
 */
#define LAST_WORDS_SIGNAL SIGUSR2
void last_words_on_request(const char *path);

#endif /* WORKERS_KIT_LAST_WORDS_H */
