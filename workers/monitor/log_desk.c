// SPDX-License-Identifier: MIT
#include "workers/monitor/log_desk.h"

#include <stdio.h>
#include <string.h>

#include "protocol/base/clock.h"
#include "protocol/base/memory.h"
#include "protocol/log_watch.h"
#include "protocol/settings.h"
#include "protocol/stats.h"
#include "workers/kit/worker.h"
#include "workers/monitor/bus.h"
#include "workers/monitor/diag.h"
#include "workers/monitor/monitor.h"
#include "workers/monitor/pages.h"
#include "workers/monitor/telemetry_desk.h"
#include "workers/monitor/tell.h"

enum {
	TOPS_SHOWN = 20,
	LEASE_MS = 4000
};

static void
read_now(const struct log_desk *d, struct log_reading *to)
{
	const struct stats *stats = worker_stats(d->worker);
	const struct events *events = worker_events(d->worker);

	memset(to, 0, sizeof(*to));
	to->at_ms = loop_now_ms(worker_loop(d->worker));
	for (uint32_t slot = 0; slot < STATS_SLOTS; slot++) {
		const struct stats_slot *s = stats_slot_at(stats, slot);

		for (int level = 0; level < LOG_LEVELS; level++)
			to->lines[level] += stats_get(s,
			    (enum counter)(
				COUNTER_process_lines_debug + level));
	}
	for (uint32_t place = 0; place < LOG_LOUD; place++) {
		enum event id = log_summary_event(place);

		for (uint32_t slot = 0; slot < EVENTS_RINGS; slot++)
			to->events[place] += events_count(events, slot, id);
	}
}

static void
on_timer(void *ctx)
{
	struct log_desk *d = ctx;
	struct loop *loop = worker_loop(d->worker);
	struct log_reading now;

	read_now(d, &now);
	log_summary_keep(&d->readings, &now);
	loop_timer_start(loop, &d->timer, now.at_ms + LOG_READING_MS);
}

struct log_desk *
log_desk_open(struct worker *w)
{
	struct log_desk *d = MEMORY_NEW(struct log_desk);

	d->worker = w;
	d->timer = (struct loop_timer){.due = on_timer, .ctx = d};
	on_timer(d);
	return d;
}

void
log_desk_close(struct log_desk **d)
{
	if (*d == NULL)
		return;
	loop_timer_stop(worker_loop((*d)->worker), &(*d)->timer);
	memory_free(*d);
	*d = NULL;
}

/* --- the page --- */

/* begin_of: a tree younger than the period is told from its start. */
static struct log_reading
begin_of(const struct log_desk *d, uint64_t period_ms, uint64_t now_ms)
{
	const struct stats_slot *guard =
	    stats_slot_at(worker_stats(d->worker), STATS_SLOT_GUARD);
	uint64_t born_ms = atomic_load(&guard->started_ms);
	uint64_t then_ms = now_ms > period_ms ? now_ms - period_ms : 0;
	struct log_reading zero = {.at_ms = born_ms};
	const struct log_reading *kept =
	    log_summary_since(&d->readings, then_ms);

	return born_ms >= then_ms || kept == NULL ? zero : *kept;
}

/* last_of: the newest of the errors known of this kind; NULL: none. */
static const struct error_group *
last_of(const struct diagnostics *store, enum event id)
{
	const struct error_group *e;
	uint64_t before = UINT64_MAX;

	while ((e = diagnostics_next_error(store, before)) != NULL) {
		if (text_is(text_of(e->type), event_name(id)))
			break;
		before = e->last_serial;
	}
	return e;
}

static void
pack_tops(struct packer *p, const struct diagnostics *store,
    const struct log_summary *s)
{
	uint32_t shown = s->tops < TOPS_SHOWN ? s->tops : TOPS_SHOWN;

	pack_array(p, shown);
	for (uint32_t i = 0; i < shown; i++) {
		enum event id = s->top[i].id;
		const struct error_group *last = last_of(store, id);

		pack_map(p, 7);
		pack_field_string(p, "error_type", event_name(id));
		pack_field_string(p, "level", log_level_name(event_level(id)));
		pack_field_u64(p, "count", s->top[i].count);
		pack_field_string(p, "meaning", event_meaning(id));
		pack_field_string(p, "process", last ? last->process : "");
		pack_field_string(
		    p, "error_message", last ? last->message : "");
		tell_seconds(p, "last_seen", last ? last->last_ms : 0);
	}
}

static void
pack_summary(struct page *page, const struct log_summary *s)
{
	struct packer *p = page->out;
	const struct settings *settings =
	    worker_settings(page->monitor->worker);

	pack_map(p, 1);
	pack_string(p, "summary");
	pack_map(p, 6);
	tell_number(p, "time_period", (double)s->period_ms / 1000);
	pack_string(p, "log_counts");
	pack_map(p, LOG_LEVELS);
	for (int level = 0; level < LOG_LEVELS; level++)
		pack_field_u64(
		    p, log_level_name((enum log_level)level), s->lines[level]);
	pack_string(p, "top_errors");
	pack_tops(p, &page->monitor->diag->store, s);
	tell_number(p, "error_rate", s->errors_per_minute);
	pack_string(p, "nodes_reporting");
	pack_array(p, 1);
	pack_string(p, settings_string(settings, SETTING_node));
	pack_field_u64(p, "total_logs", s->total);
}

enum page_status
page_log_summary(struct page *page)
{
	const struct log_desk *d = page->monitor->log;
	uint64_t seconds = LOG_PERIOD_S;
	struct log_reading from, now;
	struct log_summary s;

	if (page_u64_in(page, "period", 1, LOG_PERIOD_S, &seconds) != OK)
		return PAGE_BAD;
	diag_read(page->monitor->diag);
	read_now(d, &now);
	from = begin_of(d, seconds * 1000, now.at_ms);
	log_summary_make(&from, &now, &s);
	pack_summary(page, &s);
	return PAGE_OK;
}

void
monitor_cmd_log_summary(struct worker *w, struct command *command)
{
	page_answer_command(w, command, page_log_summary);
}

/* --- lines as they are written --- */

/* A line as event_line recorded it. */
struct line {
	const struct event_record *record;
	const char *process;
	struct text level, event, fields;
};

/* take_word takes the first word off. */
static struct text
take_word(struct text *rest)
{
	int64_t blank = text_find(*rest, ' ');
	uint32_t len = blank < 0 ? rest->len : (uint32_t)blank;
	struct text word = {rest->at, len};

	rest->at += len + (blank >= 0);
	rest->len -= len + (blank >= 0);
	return word;
}

static void
pack_line(struct packer *p, void *ctx)
{
	const struct line *l = ctx;

	pack_string(p, "level");
	pack_text(p, l->level);
	pack_string(p, "event");
	pack_text(p, l->event);
	pack_string(p, "message");
	pack_text(p, l->fields);
	pack_field_string(p, "process", l->process);
	pack_field_u64(p, "pid", l->record->pid);
	pack_field_u64(p, "life", l->record->life);
	pack_string(p, "time");
	pack_f64(p, (double)l->record->wall_us / 1e6);
}

void
log_desk_tell(
    struct monitor *m, uint32_t slot, const struct event_record *record)
{
	enum {
		PAIRS = 7
	};
	char process[48], topic[64];
	struct line l = {.record = record, .fields = record->text};

	l.process = telemetry_process(m, slot, process, sizeof(process));
	l.level = take_word(&l.fields);
	l.event = take_word(&l.fields);
	snprintf(topic, sizeof(topic), "logging/%.*s",
	    (int)strcspn(process, "/"), process);
	(void)bus_publish(m, topic, PAIRS, pack_line, &l);
}

void
monitor_cmd_log_lease(struct worker *w, struct command *command)
{
	log_watch_tail(log_watch_at(events_watch_area(worker_events(w))),
	    clock_mono_ms() + LEASE_MS);
	pack_map(command->result, 1);
	pack_field_u64(command->result, "for_ms", LEASE_MS);
}
