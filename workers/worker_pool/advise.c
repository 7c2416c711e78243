// SPDX-License-Identifier: MIT
/* advise - what the inspector would change, told at an interval; silent when
 * there is nothing to say. */

#include "protocol/events.h"
#include "workers/worker_pool/snapshot.h"
#include "workers/worker_pool/worker_pool.h"

static void
advise_on(const struct worker_pool *wp, const struct crew *crew)
{
	struct inspect_advice advice;
	struct inspect_pool pool;
	struct arena arena;

	arena_init(&arena);
	snapshot_take(crew, SNAPSHOT_RSS, &arena, &pool);
	if (pool.is_running) {
		inspect_recommend(&pool, &wp->options.limits, &advice);
		for (uint32_t i = 0; i < advice.count; i++)
			event_note(EVENT_pool_recommendation,
			    "pool_name=%.*s what=\"%s\"",
			    TEXT_ARG(crew->spec->name), advice.at[i]);
	}
	arena_finish(&arena);
}

void
advise_look(struct worker_pool *wp, uint64_t now_ms)
{
	if (wp->options.advise_ms == 0 || !wp->is_started ||
	    now_ms - wp->advised_ms < wp->options.advise_ms)
		return;
	wp->advised_ms = now_ms;
	for (uint32_t i = 0; i < wp->crew_count; i++)
		advise_on(wp, &wp->crews[i]);
}
