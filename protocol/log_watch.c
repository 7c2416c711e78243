// SPDX-License-Identifier: MIT
/*
 * The area, in 64-bit words:
 *
 *   0  level + 1, 0: none      1  until when it holds
 *   2  until when lines are tailed
 *   3  until when clients are told inner reasons
 *   8 … 15   a bit for each muted event
 *  16 … 79   until when each scope is on
 */

#include "protocol/log_watch.h"

#include <stdatomic.h>

enum {
	WORD_LEVEL = 0,
	WORD_LEVEL_UNTIL = 1,
	WORD_TAIL_UNTIL = 2,
	WORD_DETAIL_UNTIL = 3,
	WORD_MUTE = 8,
	WORD_SCOPES = 16,
	WORDS = LOG_WATCH_BYTES / 8
};

struct log_watch {
	_Atomic uint64_t words[WORDS];
};

_Static_assert(WORD_SCOPES + 64 <= WORDS, "drawn above");

static void
put(struct log_watch *w, int word, uint64_t value)
{
	atomic_store_explicit(&w->words[word], value, memory_order_relaxed);
}

static uint64_t
get(const struct log_watch *w, int word)
{
	return atomic_load_explicit(&w->words[word], memory_order_relaxed);
}

static bool
holds(uint64_t until_ms, uint64_t now_ms)
{
	return until_ms == LOG_WATCH_FOREVER || until_ms > now_ms;
}

struct log_watch *
log_watch_at(void *area)
{
	return area;
}

void
log_watch_level(struct log_watch *w, enum log_level level, uint64_t until_ms)
{
	put(w, WORD_LEVEL, until_ms == 0 ? 0 : (uint64_t)level + 1);
	put(w, WORD_LEVEL_UNTIL, until_ms);
}

void
log_watch_scope(struct log_watch *w, enum log_scope scope, uint64_t until_ms)
{
	INVARIANT((unsigned)scope < LOG_SWITCH_END);
	put(w, WORD_SCOPES + (int)scope, until_ms);
}

void
log_watch_mute(struct log_watch *w, const uint64_t bits[LOG_WATCH_MUTE_WORDS])
{
	for (int i = 0; i < LOG_WATCH_MUTE_WORDS; i++)
		put(w, WORD_MUTE + i, bits[i]);
}

void
log_watch_tail(struct log_watch *w, uint64_t until_ms)
{
	put(w, WORD_TAIL_UNTIL, until_ms);
}

void
log_watch_detail(struct log_watch *w, uint64_t until_ms)
{
	put(w, WORD_DETAIL_UNTIL, until_ms);
}

uint64_t
log_watch_detail_until(const struct log_watch *w, uint64_t now_ms)
{
	uint64_t until_ms = get(w, WORD_DETAIL_UNTIL);

	return until_ms > now_ms ? until_ms : 0;
}

void
log_watch_read(
    const struct log_watch *w, uint64_t now_ms, struct log_watched *to)
{
	uint64_t level = get(w, WORD_LEVEL);

	*to = (struct log_watched){0};
	if (level >= 1 && level <= (uint64_t)LOG_FATAL + 1 &&
	    holds(get(w, WORD_LEVEL_UNTIL), now_ms)) {
		to->has_level = true;
		to->level = (enum log_level)(level - 1);
	}
	to->is_tailed = holds(get(w, WORD_TAIL_UNTIL), now_ms);
	for (int i = 0; i < (int)LOG_SWITCH_END; i++)
		if (holds(get(w, WORD_SCOPES + i), now_ms))
			to->scopes |= (uint64_t)1 << i;
	for (int i = 0; i < LOG_WATCH_MUTE_WORDS; i++)
		to->mute[i] = get(w, WORD_MUTE + i);
}

uint64_t
log_watch_scope_until(
    const struct log_watch *w, enum log_scope scope, uint64_t now_ms)
{
	uint64_t until_ms;

	INVARIANT((unsigned)scope < LOG_SWITCH_END);
	until_ms = get(w, WORD_SCOPES + (int)scope);
	return holds(until_ms, now_ms) ? until_ms : 0;
}
