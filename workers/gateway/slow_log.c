// SPDX-License-Identifier: MIT
#include "workers/gateway/slow_log.h"

#include <string.h>

/* look_at_floor: a full log wants what is slower than its fastest. */
static void
look_at_floor(struct slow_log *log)
{
	log->floor_us = log->least_us > 0 ? log->least_us - 1 : 0;
	if (log->count == SLOW_LOG_MOST && log->of[0].total_us > log->floor_us)
		log->floor_us = log->of[0].total_us;
}

void
slow_log_init(struct slow_log *log, uint64_t least_us)
{
	log->count = 0;
	log->least_us = least_us;
	look_at_floor(log);
}

void
slow_log_least(struct slow_log *log, uint64_t least_us)
{
	log->least_us = least_us;
	look_at_floor(log);
}

void
slow_log_clear(struct slow_log *log)
{
	log->count = 0;
	look_at_floor(log);
}

static void
swap(struct slow_call *a, struct slow_call *b)
{
	struct slow_call kept = *a;

	*a = *b;
	*b = kept;
}

static void
rise(struct slow_log *log, uint32_t at)
{
	while (at > 0) {
		uint32_t above = (at - 1) / 2;

		if (log->of[above].total_us <= log->of[at].total_us)
			return;
		swap(&log->of[above], &log->of[at]);
		at = above;
	}
}

static void
sink(struct slow_log *log, uint32_t at)
{
	for (;;) {
		uint32_t least = at;

		for (uint32_t below = 2 * at + 1;
		     below <= 2 * at + 2 && below < log->count; below++)
			if (log->of[below].total_us < log->of[least].total_us)
				least = below;
		if (least == at)
			return;
		swap(&log->of[least], &log->of[at]);
		at = least;
	}
}

void
slow_log_take(struct slow_log *log, const struct slow_call *call)
{
	if (log->count < SLOW_LOG_MOST) {
		log->of[log->count] = *call;
		rise(log, log->count++);
	} else {
		log->of[0] = *call;
		sink(log, 0);
	}
	look_at_floor(log);
}

void
slow_log_sorted(
    const struct slow_log *log, const struct slow_call *to[SLOW_LOG_MOST])
{
	for (uint32_t i = 0; i < log->count; i++) {
		uint32_t at = i;

		for (; at > 0 && to[at - 1]->total_us < log->of[i].total_us;
		     at--)
			to[at] = to[at - 1];
		to[at] = &log->of[i];
	}
}

void
slow_word_set(struct slow_word *word, struct text t)
{
	word->len = (uint8_t)(t.len < SLOW_LOG_WORD ? t.len : SLOW_LOG_WORD);
	while (word->len < t.len && word->len > 0 &&
	    ((unsigned char)t.at[word->len] & 0xc0) == 0x80)
		word->len--; /* whole letters only */
	if (word->len > 0)
		memcpy(word->bytes, t.at, word->len);
}

struct text
slow_word_text(const struct slow_word *word)
{
	return (struct text){word->bytes, word->len};
}
