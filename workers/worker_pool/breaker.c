// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * Calls that were given before it opened still come in while it is open. They
 * say what was known already: only what ends after a probe went out counts.
 */

#include "workers/worker_pool/breaker.h"

void
breaker_init(struct breaker *b, uint64_t threshold, uint64_t cooldown_ms)
{
	*b = (struct breaker){
	    .threshold = threshold, .cooldown_ms = cooldown_ms};
}

enum breaker_state
breaker_state(const struct breaker *b, uint64_t now_ms)
{
	if (!b->is_open)
		return BREAKER_CLOSED;
	return now_ms - b->opened_ms < b->cooldown_ms ? BREAKER_OPEN
						      : BREAKER_HALF_OPEN;
}

bool
breaker_allows(const struct breaker *b, uint64_t now_ms)
{
	enum breaker_state state = breaker_state(b, now_ms);

	return state == BREAKER_CLOSED ||
	    (state == BREAKER_HALF_OPEN && !b->is_probing);
}

void
breaker_begin(struct breaker *b, uint64_t now_ms)
{
	if (breaker_state(b, now_ms) == BREAKER_HALF_OPEN)
		b->is_probing = true;
}

enum breaker_turn
breaker_success(struct breaker *b)
{
	if (b->is_open && !b->is_probing)
		return BREAKER_STAYED;
	b->failures = 0;
	if (!b->is_open)
		return BREAKER_STAYED;
	b->is_open = false;
	b->is_probing = false;
	return BREAKER_CLOSES;
}

enum breaker_turn
breaker_failure(struct breaker *b, uint64_t now_ms)
{
	if (b->is_open && !b->is_probing)
		return BREAKER_STAYED;
	b->failures++;
	if (!b->is_open && b->failures < b->threshold)
		return BREAKER_STAYED;
	b->is_open = true;
	b->is_probing = false;
	b->opened_ms = now_ms;
	return BREAKER_OPENED;
}

void
breaker_void(struct breaker *b)
{
	b->is_probing = false;
}

const char *
breaker_word(enum breaker_state state)
{
	switch (state) {
	case BREAKER_CLOSED:
		break;
	case BREAKER_OPEN:
		return "open";
	case BREAKER_HALF_OPEN:
		return "half_open";
	}
	return "closed";
}
