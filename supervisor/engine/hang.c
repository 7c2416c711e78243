// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * Starved or looping? Both are runnable and make no turn. The kernel adds the
 * time a task waited for a processor only once it gets one, so the waiting
 * time of a wholly starved task does not move: then "runnable, and hardly any
 * processor time" says it. A loop on a loaded machine looks starved as well,
 * so patience is counted in processor time: who has burned a whole limit of it
 * since its last turn is hung, however long that took.
 */

#include "supervisor/engine/hang.h"

#include <string.h>

#include "protocol/base/proc.h"

enum {
	JUDGE_AGAIN_MS = 300
};

void
hang_reset(struct hang *h, uint64_t now_ms)
{
	*h = (struct hang){.floor_ms = now_ms};
}

/* absent_ms: how long without a turn and without a lease. */
static uint64_t
absent_ms(const struct hang *h, const struct hang_beat *b, uint64_t now_ms)
{
	uint64_t since_ms = b->beat_ms;
	uint64_t lease_ms = b->busy_until_ms;

	if (since_ms < h->floor_ms)
		since_ms = h->floor_ms;
	if (lease_ms > since_ms + HANG_LEASE_MOST_MS)
		lease_ms = since_ms + HANG_LEASE_MOST_MS;
	if (since_ms < lease_ms)
		since_ms = lease_ms;
	return now_ms > since_ms ? now_ms - since_ms : 0;
}

/* is_starved: it wants the processor, and did not get its fill of it. */
static bool
is_starved(const struct hang *h, const struct hang_facts *f,
    uint64_t watched_ms, uint32_t limit_ms)
{
	uint64_t ran_ms = (f->cpu_ns - h->seen.cpu_ns) / 1000000;
	uint64_t waited_ms = (f->waiting_ns - h->seen.waiting_ns) / 1000000;

	if (ran_ms >= limit_ms)
		return false;
	return waited_ms * 2 > watched_ms ||
	    (f->state == 'R' && ran_ms * 2 < watched_ms);
}

static bool
is_stopped(const struct hang_facts *f)
{
	return f->state == 'T' || f->state == 't';
}

static enum hang_verdict
judge(struct hang *h, const struct hang_facts *f, uint32_t limit_ms,
    uint64_t now_ms)
{
	uint64_t watched_ms = now_ms - h->seen_ms;

	if (is_stopped(f))
		return HANG_STOPPED;
	h->judge_ms = now_ms + JUDGE_AGAIN_MS;
	if (f->state == 'R' && watched_ms < JUDGE_AGAIN_MS)
		return HANG_FINE; /* found late: nothing to compare with yet */
	if (is_starved(h, f, watched_ms, limit_ms))
		return HANG_STARVED;
	return HANG_HUNG;
}

enum hang_verdict
hang_check(struct hang *h, const struct hang_beat *b, uint32_t limit_ms,
    uint64_t now_ms, struct hang_look look)
{
	uint64_t absent = absent_ms(h, b, now_ms);
	struct hang_facts facts;

	if (absent * 2 <= limit_ms) {
		h->is_starved = false;
		return HANG_FINE;
	}
	bool is_first = h->beat_ms != b->beat_ms;
	if (!is_first && (absent < limit_ms || now_ms < h->judge_ms))
		return HANG_FINE;
	memset(&facts, 0, sizeof(facts));
	if (!look.facts(look.ctx, &facts))
		return HANG_FINE;
	if (is_first) {
		h->beat_ms = b->beat_ms;
		h->seen = facts;
		h->seen_ms = now_ms;
		h->judge_ms = 0;
	}
	if (absent < limit_ms)
		return HANG_FINE;
	enum hang_verdict verdict = judge(h, &facts, limit_ms, now_ms);
	h->is_starved = verdict == HANG_STARVED;
	return verdict;
}

enum hang_verdict
hang_check_start(
    struct hang *h, uint32_t limit_ms, uint64_t now_ms, struct hang_look look)
{
	struct hang_facts facts = {0};

	if (now_ms < h->floor_ms + limit_ms / 2 || now_ms < h->judge_ms)
		return HANG_FINE;
	h->judge_ms = now_ms + JUDGE_AGAIN_MS;
	if (!look.facts(look.ctx, &facts) || !is_stopped(&facts)) {
		h->stopped_ms = 0;
		return HANG_FINE;
	}
	if (h->stopped_ms == 0)
		h->stopped_ms = now_ms;
	return now_ms - h->stopped_ms >= limit_ms / 2 ? HANG_STOPPED
						      : HANG_FINE;
}

bool
hang_read_facts(int pid, struct hang_facts *facts)
{
	struct proc_stat stat;
	struct proc_run run = {0};

	if (!proc_stat(pid, &stat))
		return false;
	/* a kernel that does not count them: state must do */
	(void)proc_run(pid, &run);
	*facts = (struct hang_facts){
	    .state = stat.state,
	    .cpu_ns = run.cpu_ns,
	    .waiting_ns = run.waiting_ns,
	};
	return true;
}
