// SPDX-License-Identifier: MIT
#ifndef SUPERVISOR_ENGINE_OBITUARY_H
#define SUPERVISOR_ENGINE_OBITUARY_H

/*
 * obituary - how a life ended: one sentence for people, one JSON document for
 * the file, both made from the same facts.
 *
 * Pure but for obituary_keep, which writes below one folder and keeps the
 * newest files of each child.
 *
 * Trust:  farewell, words and events were written by the dead process: they
 *         are escaped, and bounded by the buffers they come in.
 * Owner:  the caller's; nothing is kept.
 */

#include <stddef.h>
#include <stdint.h>

#include "protocol/base/buffer.h"
#include "protocol/base/err.h"
#include "supervisor/engine/child.h"

struct obituary_event {
	uint64_t wall_us;
	const char *name;
	struct text text;
};

struct obituary {
	const struct child *child; /* child->last is the end */
	uint64_t wall_ms;
	uint64_t now_ms;
	int start_errno;       /* of a failed fork or exec */
	const char *farewell;  /* "" if it said none */
	const char *words;     /* backtrace, last words; "" */
	const char *last_line; /* from its slot in shared memory; "" */
	const struct obituary_event *events; /* oldest first */
	uint32_t event_count;
	const char *build; /* version that ran */
};

/* obituary_sentence: "was killed by SIGSEGV after 3.2 s; …", cut at size. */
void obituary_sentence(const struct obituary *, char *to, size_t size);

/* obituary_json appends one document and a newline; ERR_FULL. */
enum err obituary_json(const struct obituary *, struct buffer *) MUST_USE;

/*
 * obituary_keep writes <folder>/<name>/<number>.json whole or not at all, and
 * removes the file `most` before it. Nothing is synced: a death must not make
 * us wait for a disk. `number` goes on over lives and restarts of ours.
 */
enum err obituary_keep(const char *folder, const char *name, uint64_t number,
    uint32_t most, const struct buffer *) MUST_USE;

/* obituary_next_number looks what is there: the highest number + 1. */
uint64_t obituary_next_number(const char *folder, const char *name);

#endif /* SUPERVISOR_ENGINE_OBITUARY_H */
