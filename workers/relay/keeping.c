// SPDX-License-Identifier: MIT
#include "workers/relay/keeping.h"

#include <errno.h>
#include <string.h>

#include "protocol/base/clock.h"
#include "protocol/events.h"
#include "protocol/stats.h"
#include "workers/kit/worker.h"
#include "workers/relay/judge_store.h"
#include "workers/relay/records.h"

enum {
	BATCH_MOST = 64 << 20, /* more waiting than this is written anew */
	ALL_MOST = 1 << 30,
	PATIENCE_MS = 1000, /* answers wait no longer for the disk */
	PROBE_TICKS = 5,
	OPEN_MS = 60000
};

static void
set_degraded(struct keeping *k, bool is_degraded, const char *reason)
{
	if (is_degraded && !k->is_degraded)
		event_note(EVENT_relay_store_refused, "reason=\"%s\"", reason);
	else if (!is_degraded && k->is_degraded)
		event_note(EVENT_relay_store_writes, "groups=%u",
		    k->groups->by_id.count);
	k->is_degraded = is_degraded;
	stats_set(
	    worker_slot(k->worker), COUNTER_relay_is_degraded, is_degraded);
}

/* begin_anew puts a damaged store aside and begins a new one in its place. */
static void
begin_anew(struct keeping *k)
{
	const char *state_dir = worker_state_dir(k->worker);
	enum err e =
	    shelf_set_aside(state_dir, &records_shape, clock_wall_ms());

	if (e == OK) {
		event_note(EVENT_relay_store_aside, "path=%s/relay.damaged-…",
		    state_dir);
		k->wants_anew = k->is_loaded = true;
		e = shelf_open(state_dir, &records_shape, true, &k->shelf);
	}
	if (e != OK)
		set_degraded(k, true, strerror(errno));
}

static void
job_is_done(void *ctx)
{
	struct keeping *k = ctx;
	struct stats_slot *slot = worker_slot(k->worker);

	k->is_writing = false;
	buffer_finish(&k->job.batch);
	if (k->job.err != OK) {
		stats_add(slot, COUNTER_relay_disk_errors, 1);
		k->wants_anew = true;
		set_degraded(k, true, strerror(k->job.reason));
		shelf_close(&k->shelf);
		if (k->job.err == ERR_MALFORMED)
			begin_anew(k);
	} else {
		stats_add(slot, COUNTER_relay_commits, 1);
		stats_time(slot, HISTOGRAM_relay_commit_us, k->job.took_us);
		set_degraded(k, false, "");
	}
	k->durable(k->ctx);
}

static void
give(struct keeping *k)
{
	k->job.shelf = k->shelf;
	k->is_writing = true;
	k->since_ms = loop_now_ms(worker_loop(k->worker));
	shelf_writer_give(&k->writer, &k->job);
}

/* give_all writes the whole table: what the disk missed is in it. */
static void
give_all(struct keeping *k)
{
	buffer_init(&k->job.batch, ALL_MOST);
	if (records_all(&k->job.batch, k->groups) != OK) {
		buffer_finish(&k->job.batch);
		return;
	}
	buffer_truncate(&k->batch, 0);
	k->job.is_anew = true;
	k->wants_anew = false;
	give(k);
}

bool
keeping_commit(struct keeping *k)
{
	if (k->is_writing || k->shelf == NULL || k->wants_anew ||
	    buffer_used(&k->batch) == 0)
		return false;
	k->job.batch = k->batch;
	k->job.is_anew = false;
	buffer_init(&k->batch, BATCH_MOST);
	give(k);
	return true;
}

bool
keeping_waits(const struct keeping *k)
{
	return !k->is_degraded && !k->wants_anew &&
	    (k->is_writing || buffer_used(&k->batch) > 0);
}

/* note_missed: a change did not fit; then everything is written again. */
static void
note_missed(struct keeping *k, enum err e)
{
	if (e == OK)
		return;
	k->wants_anew = true;
	buffer_truncate(&k->batch, 0);
}

void
keeping_note_group(struct keeping *k, const struct group *g, bool is_gone)
{
	if (!k->wants_anew)
		note_missed(k, records_group(&k->batch, g, is_gone));
}

void
keeping_note_member(struct keeping *k, const struct member *m, bool is_gone)
{
	if (!k->wants_anew)
		note_missed(k, records_member(&k->batch, m, is_gone));
}

/* --- opening --- */

static enum err
load(struct keeping *k, struct groups *to)
{
	enum err e = shelf_open(
	    worker_state_dir(k->worker), &records_shape, true, &k->shelf);

	if (e == OK)
		e = records_load(k->shelf, to);
	k->is_loaded |= e == OK;
	if (e != OK)
		shelf_close(&k->shelf);
	return e;
}

static bool
adopt(void *ctx, struct group *g)
{
	struct groups *to = ctx;

	if (groups_find(to, g->id) == NULL) {
		struct group *kept =
		    groups_restore_group(to, to->last_group + 1, g->id, g->type,
			(struct text){g->heir, g->heir_bytes});

		kept->is_kept = g->is_kept;
		kept->created_ms = g->created_ms;
		groups_settle_restored(to, kept);
	}
	return true;
}

/*
 * open_late: the disk was not there at the start, so what it holds is older
 * than what we have: its groups are taken over, its memberships are not.
 */
static void
open_late(struct keeping *k)
{
	const struct groups_watch nobody = {.ctx = NULL};
	struct groups *old;

	if (k->is_loaded) { /* a write failed, and LMDB wants it opened anew */
		if (shelf_open(worker_state_dir(k->worker), &records_shape,
			false, &k->shelf) != OK)
			set_degraded(k, true, strerror(errno));
		return;
	}
	groups_create_table(&old, &k->groups->limits, &nobody, k->groups->seed);
	enum err e = load(k, old);
	if (e == ERR_MALFORMED)
		begin_anew(k);
	else if (e == OK)
		groups_each(old, adopt, k->groups);
	groups_destroy_table(&old);
	k->wants_anew = true;
}

/* forget_all empties the table after a damaged store was read half. */
static void
forget_all(struct keeping *k)
{
	while (k->groups->by_id.count > 0)
		for (uint32_t i = 0; i < k->groups->by_id.size; i++)
			if (k->groups->by_id.buckets[i] != NULL)
				groups_drop_restored(k->groups,
				    (void *)k->groups->by_id.buckets[i]);
}

void
keeping_open(struct keeping *k, struct worker *w, struct groups *groups,
    void (*durable)(void *ctx), void *ctx)
{
	enum err e;

	*k = (struct keeping){
	    .worker = w, .groups = groups, .durable = durable, .ctx = ctx};
	buffer_init(&k->batch, BATCH_MOST);
	worker_busy(w, OPEN_MS);
	e = load(k, groups);
	if (e == ERR_MALFORMED) {
		forget_all(k);
		begin_anew(k);
	} else if (e != OK) {
		set_degraded(k, true, strerror(errno));
	}
	worker_busy_over(w);
	if (shelf_writer_start(&k->writer, worker_loop(w), job_is_done, k) !=
	    OK)
		worker_fail(w, EXIT_SYSTEM, "cannot start a thread: %s",
		    strerror(errno));
}

void
keeping_close(struct keeping *k)
{
	if (k->is_writing)
		worker_busy(k->worker, OPEN_MS);
	shelf_writer_finish(&k->writer);
	if (k->is_writing)
		buffer_finish(&k->job.batch);
	k->is_writing = false;
	/* the last changes: a stop that is asked for loses none */
	if (k->shelf != NULL && !k->wants_anew && buffer_used(&k->batch) > 0 &&
	    shelf_apply(k->shelf, buffer_text(&k->batch), false) != OK)
		set_degraded(k, true, strerror(errno));
	shelf_close(&k->shelf);
	buffer_finish(&k->batch);
}

const char *
keeping_compare(struct keeping *k, uint32_t most, struct findings *f)
{
	struct judge_pending pending = {.waiting = buffer_text(&k->batch)};

	if (k->shelf == NULL || k->is_degraded || k->wants_anew ||
	    (k->is_writing && k->job.is_anew))
		return "behind";
	if (k->groups->by_id.count + k->groups->by_user.count > most)
		return "too_many";
	if (k->is_writing)
		pending.writing = buffer_text(&k->job.batch);
	worker_busy(k->worker, OPEN_MS);
	enum err e = judge_store(k->groups, k->shelf, &pending, f);
	worker_busy_over(k->worker);
	return e == OK ? "compared" : "unreadable";
}

void
keeping_write_anew(struct keeping *k)
{
	k->wants_anew = true;
}

void
keeping_tick(struct keeping *k)
{
	uint64_t now_ms = loop_now_ms(worker_loop(k->worker));

	k->ticks++;
	if (k->is_writing && now_ms - k->since_ms >= PATIENCE_MS) {
		set_degraded(k, true, "the disk does not answer");
		k->durable(k->ctx);
	}
	if (k->is_writing)
		return;
	if (k->shelf == NULL && k->ticks % PROBE_TICKS == 0) {
		worker_busy(k->worker, OPEN_MS);
		open_late(k);
		worker_busy_over(k->worker);
	}
	if (k->shelf != NULL && k->wants_anew &&
	    (!k->is_degraded || k->ticks % PROBE_TICKS == 0))
		give_all(k);
}
