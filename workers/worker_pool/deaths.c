// SPDX-License-Identifier: MIT
/*
 * deaths - what a death says about a runner, and about the calls it had: the
 * crash barrier and the quarantine, and the file that keeps the latter.
 *
 * Design notes
 *
 * A runner that somebody else ended (TERM or KILL from outside, an order, its
 * own program on our demand) says nothing about its calls. One that crashed,
 * left, hung, lied or did not come back does.
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "protocol/base/clock.h"
#include "protocol/base/fd.h"
#include "protocol/pack.h"
#include "workers/worker_pool/worker_pool.h"

enum {
	FILE_BYTES = 256 << 10,
	SYNC_MS = 10000, /* a disk may take its time */
};

static void
path_of(const struct worker_pool *wp, char *to, size_t size)
{
	snprintf(to, size, "%s/quarantine", wp->obituaries);
}

void
deaths_open(struct worker_pool *wp)
{
	static char file[FILE_BYTES];
	char path[sizeof(wp->obituaries) + 16];
	size_t bytes;

	quarantine_init(&wp->quarantine, wp->options.quarantine_ms,
	    wp->options.quarantine_deaths);
	path_of(wp, path, sizeof(path));
	if (fd_read_file(path, file, sizeof(file), &bytes) == OK)
		quarantine_read(&wp->quarantine,
		    (struct text){file, (uint32_t)bytes}, loop_now_ms(wp->loop),
		    clock_wall_ms());
	wp->quarantine_written = wp->quarantine.changes;
}

void
deaths_keep(struct worker_pool *wp)
{
	char path[sizeof(wp->obituaries) + 16];
	struct buffer out;
	struct packer p;

	quarantine_expire(&wp->quarantine, loop_now_ms(wp->loop));
	if (wp->quarantine_written == wp->quarantine.changes)
		return;
	wp->quarantine_written = wp->quarantine.changes;
	buffer_init(&out, FILE_BYTES);
	pack_init(&p, &out);
	quarantine_write(
	    &wp->quarantine, &p, loop_now_ms(wp->loop), clock_wall_ms());
	path_of(wp, path, sizeof(path));
	enum err e = pack_finish(&p);
	worker_busy(wp->worker, SYNC_MS);
	if (e == OK)
		e = fd_replace_file(
		    path, buffer_at(&out), buffer_used(&out), 0600);
	worker_busy_over(wp->worker);
	if (e != OK)
		event_note(EVENT_obituary_unwritten,
		    "child=quarantine error=%s why=%s", err_name(e),
		    e == ERR_SYSTEM ? strerror(errno) : "-");
	buffer_finish(&out);
}

void
deaths_had(struct runner *r, const struct errand *e)
{
	if (r->had_count == RUNNER_HAD)
		return;
	struct runner_had *had = &r->had[r->had_count++];
	had->fingerprint = e->work.fingerprint;
	memcpy(had->label, e->label, sizeof(had->label));
}

/* is_own: it ended by itself, or we ended it for what it did. */
static bool
is_own(const struct child *c)
{
	if (c->is_leaving || c->last.reason == REASON_START_FAILED)
		return false;
	return c->last.reason != REASON_SIGNAL ||
	    (c->last.signal != SIGKILL && c->last.signal != SIGTERM);
}

/* blame tells the quarantine which calls it had. */
static void
blame(struct runner *r, uint64_t now_ms)
{
	struct worker_pool *wp = r->crew->wp;
	struct quarantine *q = &wp->quarantine;
	struct quarantine_call calls[RUNNER_HAD];

	for (uint32_t i = 0; i < r->had_count; i++) {
		struct text label = text_of(r->had[i].label);
		int64_t dot = text_find(label, '.');
		uint32_t cut = dot >= 0 ? (uint32_t)dot : label.len;

		calls[i] = (struct quarantine_call){
		    .fingerprint = r->had[i].fingerprint,
		    .pool = r->crew->spec->name,
		    .service = {label.at, cut},
		    .function = {label.at + cut + (dot >= 0),
			label.len - cut - (dot >= 0)}};
	}
	uint32_t fresh = quarantine_death(q, calls, r->had_count, now_ms);
	for (uint32_t i = q->count - fresh; i < q->count; i++)
		event_note(EVENT_quarantined,
		    "pool=%s command=%s.%s deaths=%u for_ms=%llu",
		    q->entries[i].pool, q->entries[i].service,
		    q->entries[i].function, q->entries[i].deaths,
		    (unsigned long long)q->hold_ms);
}

static void
taint(struct runner *r, const char *reason, uint64_t now_ms)
{
	uint64_t for_ms = r->crew->spec->crash_barrier.taint_ms;

	r->is_tainted = true;
	pool_runner_taint(r->crew->pool, r->index, now_ms + for_ms);
	event_note(EVENT_worker_tainted,
	    "worker_id=%s pool=%.*s reason=%s duration_ms=%llu",
	    r->child->spec.name, TEXT_ARG(r->crew->spec->name), reason,
	    (unsigned long long)for_ms);
	worker_pool_wake(r->crew->wp);
}

void
deaths_judge(struct runner *r, const char *last_line)
{
	const struct child *c = r->child;
	struct crew *crew = r->crew;
	uint64_t now_ms = loop_now_ms(crew->wp->loop);
	struct crash_facts facts = {.code = c->last.code,
	    .signal = c->last.signal,
	    .is_oom = c->last.is_oom,
	    .last_words = text_of(last_line)};

	if (c->is_leaving || c->last.reason == REASON_START_FAILED)
		return;
	if (is_own(c))
		blame(r, now_ms);
	enum crash_class class = crash_classify(&facts);
	/* what we killed for its manners did not crash */
	if (class == CRASH_NONE || c->cause != REASON_NONE)
		return;
	/* one that leaves before it is ready is a failed start, no crash */
	if (c->ready_ms != 0 || !is_own(c))
		crash_window_add(&crew->crashes, r->index, now_ms);
	if (!is_own(c))
		return; /* it counts, whoever did it; nothing else follows */
	event_note(EVENT_worker_crash,
	    "worker_id=%s pool=%.*s reason=%s exit_code=%d", c->spec.name,
	    TEXT_ARG(crew->spec->name), crash_word(class), crash_code(&facts));
	if (crew->spec->crash_barrier.enabled &&
	    crash_taints(&crew->spec->crash_barrier, class, &facts))
		taint(r, crash_word(class), now_ms);
}

void
deaths_ready(struct runner *r)
{
	if (!r->is_tainted)
		return;
	r->is_tainted = false;
	event_note(EVENT_worker_restarted, "worker_id=%s pool=%.*s",
	    r->child->spec.name, TEXT_ARG(r->crew->spec->name));
}
