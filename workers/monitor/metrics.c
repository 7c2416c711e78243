// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * All but the pools is read from shared memory at the moment of the scrape.
 * What a pool has queued only worker_pool knows, so it is asked, at most once
 * a second and with a short deadline; while it is down its metrics are absent,
 * and all others are told.
 */

#include "workers/monitor/metrics.h"

#include <string.h>

#include "protocol/base/clock.h"
#include "protocol/base/loop.h"
#include "protocol/base/memory.h"
#include "protocol/events.h"
#include "protocol/settings.h"
#include "protocol/stats.h"
#include "workers/kit/ask.h"
#include "workers/kit/worker.h"
#include "workers/monitor/exposition.h"
#include "workers/monitor/monitor.h"

enum {
	FRESH_MS = 1000,   /* the pools */
	DEADLINE_MS = 300, /* for worker_pool's answer */
	POOLS_BYTES = 1 << 20,
	TEXT_BYTES = 64 << 20,
	AGAIN_FACTOR = 4,
	WAITING = 128,
};

struct waiter {
	void (*done)(void *ctx);
	void *ctx;
};

struct told {
	struct buffer text;
	uint64_t made_us, cost_us;
};

struct metrics {
	struct monitor *monitor;
	struct told told[2]; /* text, OpenMetrics */
	struct buffer pools; /* worker_pool's last answer */
	uint64_t asked_ms;   /* 0: never */
	struct ask *asking;
	struct waiter waiting[WAITING];
	uint32_t waiting_count;
};

struct metrics *
metrics_create(struct monitor *monitor)
{
	struct metrics *m = MEMORY_NEW(struct metrics);

	m->monitor = monitor;
	buffer_init(&m->told[0].text, TEXT_BYTES);
	buffer_init(&m->told[1].text, TEXT_BYTES);
	buffer_init(&m->pools, POOLS_BYTES);
	return m;
}

void
metrics_destroy(struct metrics **metrics)
{
	struct metrics *m = *metrics;

	if (m == NULL)
		return;
	ask_cancel(&m->asking);
	buffer_finish(&m->told[0].text);
	buffer_finish(&m->told[1].text);
	buffer_finish(&m->pools);
	memory_free(m);
	*metrics = NULL;
}

/* --- the pools --- */

static void
pools_came(void *ctx, const struct ask_reply *reply)
{
	struct metrics *m = ctx;
	uint32_t count = m->waiting_count;
	struct waiter waiting[WAITING];

	m->asking = NULL;
	buffer_truncate(&m->pools, 0);
	if (reply->err == OK && reply->is_ok &&
	    buffer_append_text(&m->pools, reply->result) != OK)
		buffer_truncate(&m->pools, 0); /* more than a million bytes */
	memcpy(waiting, m->waiting, count * sizeof(waiting[0]));
	m->waiting_count = 0;
	for (uint32_t i = 0; i < count; i++)
		waiting[i].done(waiting[i].ctx);
}

static bool
is_fresh(const struct told *t)
{
	return t->made_us != 0 &&
	    clock_mono_us() - t->made_us < t->cost_us * AGAIN_FACTOR;
}

bool
metrics_ask(struct metrics *m, void (*done)(void *ctx), void *ctx)
{
	struct worker *w = m->monitor->worker;
	uint64_t now_ms = loop_now_ms(worker_loop(w));
	struct ask_question question = {.role = ROLE_worker_pool,
	    .op = "pools",
	    .deadline_ms = DEADLINE_MS,
	    .done = pools_came,
	    .ctx = m};

	if (m->asking == NULL && m->asked_ms != 0 &&
	    now_ms - m->asked_ms < FRESH_MS)
		return true;
	if (m->waiting_count == WAITING)
		return true; /* the last answer will do */
	if (m->asking == NULL) {
		m->asked_ms = now_ms;
		m->asking = ask(w, &question);
	}
	m->waiting[m->waiting_count++] = (struct waiter){done, ctx};
	return false;
}

/* --- the text --- */

static void
tell(struct metrics *m, struct told *t, bool is_open)
{
	struct worker *w = m->monitor->worker;
	const struct settings *settings = worker_settings(w);
	struct exposition e;
	uint64_t began_us = clock_mono_us();

	buffer_truncate(&t->text, 0);
	exposition_init(&e, &t->text,
	    settings_string(settings, SETTING_prometheus_prefix), is_open,
	    settings_u64(settings, SETTING_prometheus_max_series));
	metrics_tell(m->monitor, &e, buffer_text(&m->pools));
	if (exposition_finish(&e) != OK) {
		event_note(EVENT_page_failed, "path=/metrics error=too_big");
		buffer_truncate(&t->text, 0);
	}
	stats_add(worker_slot(w), COUNTER_monitor_series_over, e.over);
	t->made_us = clock_mono_us();
	t->cost_us = t->made_us - began_us;
}

struct text
metrics_text(struct metrics *m, bool is_open)
{
	struct told *t = &m->told[is_open];

	if (!is_fresh(t))
		tell(m, t, is_open);
	return buffer_text(&t->text);
}
