// SPDX-License-Identifier: MIT
#ifndef WORKERS_GATEWAY_HOOK_WORDS_H
#define WORKERS_GATEWAY_HOOK_WORDS_H

/*
 * hook_words - how a hook can fail, and what clients hear of it.
 *
 * Pure.
 *
 * Trust:  reasons and details come from runners of other people's code: cut
 *         and escaped as `inspect` does. A detail is only given when clients
 *         may know it.
 * Owner:  the caller's memory.
 */

#include <stdint.h>

#include "protocol/base/text.h"
#include "protocol/inspect.h"

/* H(name, kind, words): `kind` is the event's, `words` are the reason's. */
#define HOOK_FAILURES(H) \
	H(exception, "error", "hook failed") \
	H(lost, "error", "hook was lost with its runner") \
	H(timeout, "timeout", "hook timed out") \
	H(no_runner, "error", "no runner took the hook") \
	H(answer, "error", "hook gave no answer of its kind") \
	H(leaving, "error", "the gateway left")

enum hook_failure {
#define H(name, ...) HOOK_FAILURE_##name,
	HOOK_FAILURES(H)
#undef H
};

const char *hook_failure_words(enum hook_failure);
const char *hook_failure_kind(enum hook_failure);

/* hook_failure_of tells it from the code of a node's error. */
enum hook_failure hook_failure_of(struct text code);

struct hook_words {
	char at[INSPECT_BYTES];
};

/* "hook rejected: " and the reason the hook gave, any value. */
struct text hook_words_rejected(struct hook_words *, struct text reason);

/* What became of a hook, for the next two. */
struct hook_trouble {
	enum hook_failure how;
	struct text detail;  /* len 0: not for clients */
	uint32_t timeout_ms; /* that the hook had */
};

/* "hook rejected: "hook timed out after 500ms"", and the like. */
struct text hook_words_failed(struct hook_words *, const struct hook_trouble *);

/* "result encoding failed: "timed out after 500ms"", and the like. */
struct text hook_words_encoding(
    struct hook_words *, const struct hook_trouble *);

#endif /* WORKERS_GATEWAY_HOOK_WORDS_H */
