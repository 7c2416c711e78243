// SPDX-License-Identifier: MIT
/* log_fold - the same line again and again is told once, then counted. */

#include "protocol/base/log_fold.h"

#include <string.h>

static bool
is_same(const struct log_folded *a, const struct log_folded *b)
{
	return a->is_used && a->level == b->level &&
	    strcmp(a->event, b->event) == 0 &&
	    strcmp(a->fields, b->fields) == 0;
}

bool
log_fold_take(struct log_fold *f, const struct log_folded *line,
    uint64_t now_ms, uint32_t window_ms, struct log_folded *told)
{
	struct log_folded *place;

	told->repeats = 0;
	for (uint32_t i = 0; i < LOG_FOLD_PLACES; i++) {
		place = &f->places[i];
		if (!is_same(place, line))
			continue;
		if (now_ms - place->since_ms < window_ms) {
			place->repeats++;
			return false;
		}
		*told = *place;
		place->since_ms = now_ms;
		place->repeats = 0;
		return true;
	}
	place = &f->places[f->next++ % LOG_FOLD_PLACES];
	if (place->is_used)
		*told = *place;
	*place = *line;
	place->since_ms = now_ms;
	place->repeats = 0;
	place->is_used = true;
	return true;
}

bool
log_fold_due(struct log_fold *f, uint64_t now_ms, uint32_t window_ms,
    bool is_end, struct log_folded *told)
{
	for (uint32_t i = 0; i < LOG_FOLD_PLACES; i++) {
		struct log_folded *place = &f->places[i];

		if (!place->is_used || place->repeats == 0 ||
		    (!is_end && now_ms - place->since_ms < window_ms))
			continue;
		*told = *place;
		place->is_used = false;
		return true;
	}
	return false;
}
