// SPDX-License-Identifier: MIT
#include "workers/monitor/history.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "protocol/base/clock.h"
#include "protocol/base/fd.h"
#include "protocol/events.h"
#include "protocol/hash.h"
#include "protocol/stats.h"
#include "workers/kit/worker.h"

enum {
	BATCH_MOST = 16 << 20, /* more waiting than this is written anew */
	ALL_MOST = 512 << 20,
	PATIENCE_MS = 5000, /* a disk that takes longer is told of */
	TRY_MS = 10000,     /* from one try of a sick disk to the next */
	CLOSE_MS = 60000,
	PATH_BYTES = 512,
	BOOT_BYTES = 64
};

/* NAMES comes first: points are read by the names of their columns. */
enum history_table {
	TABLE_NAMES,
	TABLE_FINE,
	TABLE_COARSE,
	TABLES
};

static const struct shelf_shape shape = {
    .folder = "monitor/history",
    .tables =
	{
	    [TABLE_NAMES] = "names",
	    [TABLE_FINE] = "fine",
	    [TABLE_COARSE] = "coarse",
	},
    .table_count = TABLES,
};

static uint32_t
table_of(enum series_ring ring)
{
	return ring == SERIES_FINE ? TABLE_FINE : TABLE_COARSE;
}

static uint64_t
this_boot(void)
{
	char id[BOOT_BYTES] = "";
	size_t bytes = 0;

	(void)!fd_read_file(
	    "/proc/sys/kernel/random/boot_id", id, sizeof(id), &bytes);
	return hash_name((struct text){.at = id, .len = (uint32_t)bytes});
}

static void
set_degraded(struct history *h, const char *reason)
{
	if (reason != NULL && !h->is_degraded)
		event_note(EVENT_history_refused, "reason=\"%s\"", reason);
	else if (reason == NULL && h->is_degraded)
		event_note(EVENT_history_writes, "points=%u",
		    series_count(h->series, SERIES_FINE));
	h->is_degraded = reason != NULL;
	h->reason = reason;
	stats_set(worker_slot(h->worker), COUNTER_monitor_is_degraded,
	    h->is_degraded);
}

/* --- on the thread: opening and reading --- */

static enum err
visit(void *ctx, uint32_t table, uint64_t number, struct text bytes)
{
	struct series_decoder *d = ctx;
	struct series_point p;
	enum err e;

	if (table == TABLE_NAMES)
		return series_decode_names(d, number, bytes);
	e = series_decode(d, bytes, &p);
	if (e == ERR_NOT_FOUND)
		return OK; /* of a layout that is gone: one point less */
	if (e == OK)
		series_restore(d->series,
		    table == TABLE_FINE ? SERIES_FINE : SERIES_COARSE, &p);
	return e;
}

static enum err
read_all(struct history *h, struct shelf_job *job)
{
	struct series_decoder d = {.series = h->loaded,
	    .boot = h->boot,
	    .now_ms = (int64_t)clock_mono_ms(),
	    .now_wall_ms = (int64_t)clock_wall_ms()};
	enum err e = shelf_read(job->shelf, visit, &d);

	/* layouts of long ago would fill the decoder: begin the table anew */
	return e == ERR_FULL ? ERR_MALFORMED : e;
}

/* open_and_read is the job that begins with the folder. */
static enum err
open_and_read(struct shelf_job *job)
{
	struct history *h = job->ctx;
	const char *state_dir = worker_state_dir(h->worker);
	char folder[PATH_BYTES];
	enum err e;

	shelf_close(&job->shelf);
	if (snprintf(folder, sizeof(folder), "%s/monitor", state_dir) >=
	    (int)sizeof(folder))
		return ERR_TOO_BIG;
	if (mkdir(folder, 0700) < 0 && errno != EEXIST)
		return ERR_SYSTEM;
	e = shelf_open(state_dir, &shape, !h->is_loaded, &job->shelf);
	if (e == OK && !h->is_loaded)
		e = read_all(h, job);
	if (e != ERR_MALFORMED)
		return e;
	shelf_close(&job->shelf);
	h->was_damaged = true;
	h->aside_ms = clock_wall_ms();
	e = shelf_set_aside(state_dir, &shape, h->aside_ms);
	series_destroy(&h->loaded);
	series_create(&h->loaded, h->sizes);
	return e == OK ? shelf_open(state_dir, &shape, true, &job->shelf) : e;
}

/* --- what goes to the disk --- */

static enum err
put_names(struct history *h, struct buffer *batch)
{
	struct buffer names;
	uint64_t layout = 0;
	enum err e;

	buffer_init(&names, BATCH_MOST);
	e = series_names(h->series, &names, &layout);
	if (e == OK && layout != h->layout)
		e = shelf_put(batch, TABLE_NAMES, layout, buffer_text(&names));
	if (e == OK)
		h->layout = layout;
	buffer_finish(&names);
	return e;
}

static enum err
put_point(struct history *h, struct buffer *batch, enum series_ring ring,
    const struct series_point *p)
{
	struct buffer bytes;
	enum err e;

	buffer_init(&bytes, BATCH_MOST);
	e = series_encode(h->series, p, h->boot, &bytes);
	if (e == OK)
		e = shelf_put(
		    batch, table_of(ring), p->sequence, buffer_text(&bytes));
	buffer_finish(&bytes);
	return e;
}

/* put_newest: the newest point of a ring, and the end of those too old. */
static enum err
put_newest(struct history *h, enum series_ring ring)
{
	uint32_t count = series_count(h->series, ring);
	struct series_point p;
	enum err e;

	series_at(h->series, ring, count - 1, &p);
	e = put_point(h, &h->batch, ring, &p);
	for (; e == OK && h->oldest[ring] + h->sizes[ring] <= p.sequence;
	     h->oldest[ring]++)
		e = shelf_drop(&h->batch, table_of(ring), h->oldest[ring]);
	return e;
}

static enum err
put_all(struct history *h, struct buffer *batch)
{
	struct series_point p;
	enum err e;

	h->layout = 0;
	e = put_names(h, batch);
	for (int r = 0; r < SERIES_RINGS; r++) {
		enum series_ring ring = (enum series_ring)r;
		uint32_t count = series_count(h->series, ring);

		h->oldest[r] = series_newest(h->series, ring) + 1 - count;
		for (uint32_t i = 0; e == OK && i < count; i++) {
			series_at(h->series, ring, i, &p);
			e = put_point(h, batch, ring, &p);
		}
	}
	return e;
}

static void
give(struct history *h, bool is_opening)
{
	h->job.work = is_opening ? open_and_read : NULL;
	h->job.ctx = h;
	h->job.shelf = h->shelf;
	h->is_writing = true;
	h->is_opening = is_opening;
	h->since_ms = loop_now_ms(worker_loop(h->worker));
	shelf_writer_give(&h->writer, &h->job);
}

static void
give_open(struct history *h)
{
	if (!h->is_loaded && h->loaded == NULL)
		series_create(&h->loaded, h->sizes);
	h->was_damaged = false;
	buffer_init(&h->job.batch, 1);
	give(h, true);
	h->shelf = NULL; /* the job's */
}

/* give_all writes the whole history: what the disk missed is in it. */
static void
give_all(struct history *h)
{
	buffer_init(&h->job.batch, ALL_MOST);
	if (put_all(h, &h->job.batch) != OK) {
		buffer_finish(&h->job.batch);
		return;
	}
	buffer_truncate(&h->batch, 0);
	h->job.is_anew = true;
	h->wants_anew = false;
	give(h, false);
}

static void
give_batch(struct history *h)
{
	h->job.batch = h->batch;
	h->job.is_anew = false;
	buffer_init(&h->batch, BATCH_MOST);
	give(h, false);
}

/* --- what came of it --- */

/*
 * take_loaded puts what this life has measured so far behind what the disk
 * had, and goes on with that.
 */
static void
take_loaded(struct history *h)
{
	struct series_point p;
	uint32_t count = series_count(h->series, SERIES_FINE);

	for (int r = 0; r < SERIES_RINGS; r++)
		h->oldest[r] = series_newest(h->loaded, (enum series_ring)r) +
		    1 - series_count(h->loaded, (enum series_ring)r);
	for (uint32_t c = 0; c < series_columns(h->series); c++)
		(void)series_column(
		    h->loaded, text_of(series_name(h->series, c)));
	for (uint32_t i = 0; i < count; i++) {
		struct series_point to;

		series_at(h->series, SERIES_FINE, i, &p);
		series_blank(&to);
		to.at_ms = p.at_ms;
		to.wall_ms = p.wall_ms;
		for (uint32_t c = 0; c < series_columns(h->series); c++) {
			uint32_t there = series_find(
			    h->loaded, text_of(series_name(h->series, c)));

			if (there != SERIES_NONE)
				to.values[there] = p.values[c];
		}
		(void)series_add(h->loaded, &to);
	}
	series_destroy(&h->series);
	h->series = h->loaded;
	h->loaded = NULL;
	h->is_loaded = true;
	h->wants_anew = true; /* sizes, columns and places are ours now */
}

static void
has_opened(struct history *h)
{
	h->shelf = h->job.shelf;
	if (h->was_damaged)
		event_note(EVENT_history_aside, "path=%s/%s.damaged-%llu",
		    worker_state_dir(h->worker), shape.folder,
		    (unsigned long long)h->aside_ms);
	if (h->job.err != OK) {
		shelf_close(&h->shelf);
		series_destroy(&h->loaded); /* read half, maybe */
		return;
	}
	h->tried_ms = 0; /* now it may be written to at once */
	if (h->is_loaded)
		return;
	take_loaded(h);
	event_note(EVENT_history_loaded, "fine=%u coarse=%u",
	    series_count(h->series, SERIES_FINE),
	    series_count(h->series, SERIES_COARSE));
}

static void
has_failed(struct history *h)
{
	stats_add(worker_slot(h->worker), COUNTER_monitor_disk_errors, 1);
	h->wants_anew = true;
	h->tried_ms = loop_now_ms(worker_loop(h->worker));
	if (h->job.err == ERR_FULL)
		set_degraded(h, "no room on the disk");
	else if (h->job.err == ERR_MALFORMED)
		set_degraded(h, "the store is damaged");
	else
		set_degraded(h, strerror(h->job.reason));
}

static void
job_is_done(void *ctx)
{
	struct history *h = ctx;
	struct stats_slot *slot = worker_slot(h->worker);
	bool has_written = !h->is_opening && h->job.err == OK;

	h->is_writing = false;
	buffer_finish(&h->job.batch);
	if (h->is_opening)
		has_opened(h);
	if (h->job.err != OK) {
		has_failed(h);
		return;
	}
	if (has_written) {
		stats_add(slot, COUNTER_monitor_commits, 1);
		stats_time(slot, HISTOGRAM_monitor_commit_us, h->job.took_us);
		set_degraded(h, NULL);
	}
	history_tick(h);
}

void
history_open(
    struct history *h, struct worker *w, const uint32_t sizes[SERIES_RINGS])
{
	*h = (struct history){.worker = w, .boot = this_boot()};
	memcpy(h->sizes, sizes, sizeof(h->sizes));
	series_create(&h->series, sizes);
	buffer_init(&h->batch, BATCH_MOST);
	if (shelf_writer_start(&h->writer, worker_loop(w), job_is_done, h) !=
	    OK)
		worker_fail(w, EXIT_SYSTEM, "cannot start a thread: %s",
		    strerror(errno));
	give_open(h);
}

void
history_close(struct history *h)
{
	worker_busy(h->worker, CLOSE_MS);
	shelf_writer_finish(&h->writer);
	if (h->is_writing) {
		buffer_finish(&h->job.batch);
		if (h->is_opening)
			h->shelf = h->job.shelf;
	}
	/* the last points: a stop that is asked for loses none */
	if (h->shelf != NULL && !h->is_degraded && h->is_loaded &&
	    !h->wants_anew && buffer_used(&h->batch) > 0 &&
	    shelf_apply(h->shelf, buffer_text(&h->batch), false) != OK)
		set_degraded(h, strerror(errno));
	shelf_close(&h->shelf);
	buffer_finish(&h->batch);
	series_destroy(&h->series);
	series_destroy(&h->loaded);
	worker_busy_over(h->worker);
}

void
history_add(struct history *h, struct series_point *p)
{
	bool has_coarse = series_add(h->series, p);
	enum err e = OK;

	stats_set(worker_slot(h->worker), COUNTER_monitor_points,
	    series_count(h->series, SERIES_FINE) +
		series_count(h->series, SERIES_COARSE));
	if (!h->wants_anew && h->is_loaded) {
		e = put_names(h, &h->batch);
		if (e == OK)
			e = put_newest(h, SERIES_FINE);
		if (e == OK && has_coarse)
			e = put_newest(h, SERIES_COARSE);
	}
	if (e != OK) {
		h->wants_anew = true;
		buffer_truncate(&h->batch, 0);
	}
	history_tick(h);
}

void
history_tick(struct history *h)
{
	uint64_t now_ms = loop_now_ms(worker_loop(h->worker));

	if (h->is_writing) {
		if (now_ms - h->since_ms >= PATIENCE_MS)
			set_degraded(h, "the disk does not answer");
		return;
	}
	if (h->is_degraded && now_ms - h->tried_ms < TRY_MS)
		return;
	h->tried_ms = now_ms;
	if (h->shelf == NULL || (h->is_degraded && h->job.err != OK))
		give_open(h);
	else if (h->wants_anew)
		give_all(h);
	else if (buffer_used(&h->batch) > 0)
		give_batch(h);
	else if (h->is_degraded)
		set_degraded(h, NULL); /* it only took its time */
}
