// SPDX-License-Identifier: MIT
/*
 * recycle - healthy runners that are replaced: old, well used, big, or because
 * somebody asks. When is lifecycle.h's matter; here they are looked at and
 * sent on their way.
 *
 * Design notes
 *
 * What a runner was asked to do too often is looked at when it has done it, age
 * and memory every pools.lifecycle.check_interval_ms. A runner that leaves
 * finishes its calls first; its next life begins when it is gone.
 */

#include "workers/worker_pool/worker_pool.h"
#include "protocol/log_rules.h"

struct lifecycle_facts
recycle_facts(const struct runner *r)
{
	const struct pool_runner *pr = pool_runner(r->crew->pool, r->index);

	return (struct lifecycle_facts){.ready_ms = pr->ready_ms,
	    .succeeded = pr->succeeded,
	    .rss_bytes = r->memory_bytes,
	    .chance = r->chance};
}

uint32_t
recycle_leaving(const struct crew *crew)
{
	uint32_t leaving = 0;

	for (uint32_t i = 0; i < crew->runner_count; i++)
		leaving += crew->runners[i].child->is_leaving &&
		    child_lives(crew->runners[i].child);
	return leaving;
}

void
recycle_runner(struct runner *r, const char *why)
{
	struct worker_pool *wp = r->crew->wp;
	struct lifecycle_facts facts = recycle_facts(r);
	uint64_t now_ms = loop_now_ms(wp->loop);

	r->wants_end = r->is_manual = false;
	r->crew->recycled++;
	stats_add(wp->slot, COUNTER_worker_pool_recycled, 1);
	event_note(EVENT_worker_recycled,
	    "worker_id=%s pool=%.*s reason=%s count=1 uptime_seconds=%llu "
	    "request_count=%llu memory_mb=%llu memory_threshold_mb=%llu",
	    r->child->spec.name, TEXT_ARG(r->crew->spec->name), why,
	    (unsigned long long)(now_ms - facts.ready_ms) / 1000,
	    (unsigned long long)facts.succeeded,
	    (unsigned long long)(facts.rss_bytes >> 20),
	    (unsigned long long)r->crew->spec->memory_threshold_mb);
	tree_recycle(wp->keeper.tree, r->child, now_ms);
	keeper_wake(&wp->keeper);
}

void
recycle_served(struct runner *r)
{
	struct worker_pool *wp = r->crew->wp;

	/* a look at all of them is cheap, and the pulse has it */
	if (r->crew->spec->worker_max_requests != 0 &&
	    pool_runner(r->crew->pool, r->index)->succeeded ==
		r->crew->spec->worker_max_requests)
		loop_timer_start(wp->loop, &wp->pulse, loop_now_ms(wp->loop));
}

/* reason_of: NULL: it stays. */
static const char *
reason_of(const struct runner *r, bool in_detail, uint64_t now_ms)
{
	const struct worker_pool *wp = r->crew->wp;
	const struct pool_spec *spec = r->crew->spec;
	struct lifecycle_facts facts = recycle_facts(r);

	if (r->child->state != CHILD_UP || r->child->is_paused)
		return NULL;
	if (r->wants_end)
		return r->is_manual ? lifecycle_word(LIFECYCLE_MANUAL)
				    : "asked";
	if (!in_detail &&
	    (spec->worker_max_requests == 0 ||
		facts.succeeded < spec->worker_max_requests))
		return NULL;
	enum lifecycle_why why =
	    lifecycle_judge(spec, &facts, wp->options.jitter_percent, now_ms);
	return why != LIFECYCLE_KEEP ? lifecycle_word(why) : NULL;
}

static void
look_at(struct crew *crew, bool in_detail, uint64_t now_ms)
{
	const struct pool_options *o = &crew->wp->options;

	for (uint32_t i = 0; i < crew->runner_count; i++) {
		struct runner *r = &crew->runners[i];
		const char *why = reason_of(r, in_detail, now_ms);

		if (why == NULL)
			continue;
		scope_note(SCOPE_pool_lifecycle, "worker=%s due=%s",
		    r->child->spec.name, why);
		if (lifecycle_room(crew->spec, o->lifecycle_parallel,
			pool_ready(crew->pool), recycle_leaving(crew)) == 0)
			return;
		crew->recycled_memory +=
		    why == lifecycle_word(LIFECYCLE_MEMORY);
		recycle_runner(r, why);
	}
}

void
recycle_look(struct worker_pool *wp, uint64_t now_ms)
{
	bool in_detail = now_ms >= wp->lifecycle_ms;

	if (wp->is_draining)
		return;
	if (in_detail)
		wp->lifecycle_ms = now_ms + wp->options.lifecycle_interval_ms;
	for (uint32_t i = 0; i < wp->crew_count; i++)
		look_at(&wp->crews[i], in_detail, now_ms);
}
