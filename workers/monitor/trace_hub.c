// SPDX-License-Identifier: MIT
#include "workers/monitor/trace_hub.h"

#include <stdio.h>
#include <string.h>

#include "protocol/base/clock.h"
#include "protocol/base/memory.h"
#include "protocol/pack.h"
#include "protocol/settings.h"
#include "protocol/stats.h"
#include "workers/kit/worker.h"
#include "workers/monitor/monitor.h"
#include "workers/monitor/telemetry_desk.h"

enum {
	TICK_MS = 40,
	AFTERGLOW_MS = 3000, /* calls in flight still leave hops */
	AT_ONCE = 64,        /* records copied in one go */
	TURN_MOST = 8192     /* records of one turn */
};

uint64_t
trace_hub_now_ms(const struct trace_hub *hub)
{
	return loop_now_ms(worker_loop(hub->worker));
}

/* --- records --- */

static struct trace_place
place_of(const struct trace_hub *hub, uint32_t slot,
    const struct event_record *record)
{
	const struct stats_slot *s =
	    stats_slot_at(worker_stats(hub->worker), slot);
	struct trace_place place = {.pid = record->pid,
	    .mono_us = record->mono_us,
	    .wall_us = record->wall_us};

	if (s != NULL) {
		place.role = (enum role)atomic_load(&s->role);
		place.instance = atomic_load(&s->instance);
	}
	return place;
}

/* wanted: the places of the traces of processes that want this event. */
static uint32_t
wanted(const struct trace_hub *hub, const struct trace_place *place,
    const struct event_record *record)
{
	uint32_t places = 0;
	const struct trace_process who = {.role = place->role,
	    .instance = place->instance,
	    .pid = place->pid,
	    .born_ms = 0};

	for (uint32_t i = 0; i < hub->traces.count; i++) {
		const struct trace *t = &hub->traces.all[i];
		const struct trace_filter *f = &t->filter;
		uint32_t flag = f->who.what == TRACE_PORTS
		    ? TRACE_FLAG_ports
		    : TRACE_FLAG_procs | TRACE_FLAG_ports;

		if (t->state == TRACE_RUNNING &&
		    (f->flags & TRACE_FLAG_silent) == 0 &&
		    (f->flags & flag) != 0 &&
		    record->mono_us / 1000 >= f->started_ms &&
		    trace_filter_has_process(f, &who))
			places |= 1u << f->place;
	}
	return places;
}

static void
take_event(
    struct trace_hub *hub, uint32_t slot, const struct event_record *record)
{
	const struct trace_place place = place_of(hub, slot, record);
	const uint32_t places = wanted(hub, &place, record);
	char text[TRACES_LINE_TEXT];

	if (places == 0)
		return;
	trace_counts_add(trace_watch_counts(&hub->watch), places, 0, 1);
	snprintf(text, sizeof(text), "event=%s %.*s", event_name(record->id),
	    TEXT_ARG(record->text));
	traces_note(&hub->traces, &place, text_of(text));
}

static void
take(struct trace_hub *hub, uint32_t slot, const struct event_record *record)
{
	const struct trace_place place = place_of(hub, slot, record);
	struct hop hop;

	if (hop_read(record->text, &hop) != OK)
		return;
	struct traced_request *r = traces_take(&hub->traces, &hop, &place);
	if (hub->tracer.count > 0)
		tracer_take(&hub->tracer, r, &hop, &place);
}

/* read_ring takes what is new in one ring. */
static void
read_ring(
    struct trace_hub *hub, enum events_kind kind, uint32_t slot, uint32_t *left)
{
	struct events_reading *told = &hub->told[kind][slot];
	struct event_record records[AT_ONCE];
	uint32_t count = AT_ONCE;

	while (count == AT_ONCE && *left > 0) {
		count = events_next(worker_events(hub->worker), kind, slot,
		    told, records, AT_ONCE);
		for (uint32_t i = 0; i < count; i++) {
			if (records[i].id == EVENT_trace_hop ||
			    records[i].id == EVENT_trace_facts)
				take(hub, slot, &records[i]);
			else
				take_event(hub, slot, &records[i]);
		}
		*left -= count < *left ? count : *left;
	}
	hub->missed += told->missed;
	told->missed = 0;
}

/* count_found takes what the traces have found; true if one has its count. */
static bool
count_found(struct trace_hub *hub)
{
	const _Atomic uint64_t *counts = trace_watch_counts(&hub->watch);
	uint64_t now_ms = trace_hub_now_ms(hub);
	bool ended = false;

	for (uint32_t i = 0; i < hub->traces.count; i++) {
		struct trace *t = &hub->traces.all[i];
		uint32_t place = t->filter.place;

		ended |= traces_counted(t, trace_counts_requests(counts, place),
		    trace_counts_records(counts, place), now_ms);
	}
	return ended;
}

void
trace_hub_read(struct trace_hub *hub)
{
	uint32_t left = TURN_MOST;

	for (uint32_t slot = 0; slot < EVENTS_RINGS; slot++) {
		read_ring(hub, EVENTS_OF_LIFE, slot, &left);
		read_ring(hub, EVENTS_OF_TELEMETRY, slot, &left);
	}
	if (count_found(hub) && trace_hub_publish(hub) != OK)
		event_note(EVENT_traces_full, "when=end");
}

/* --- what is in force --- */

bool
trace_hub_wants(const struct trace_hub *hub, enum event id)
{
	return hub->quiet_after_ms != 0 &&
	    (id == EVENT_trace_hop || id == EVENT_trace_facts);
}

static void
set_mask(struct trace_hub *hub)
{
	events_mask_set(worker_events(hub->worker), EVENT_trace_hop, true);
	events_mask_set(worker_events(hub->worker), EVENT_trace_facts, true);
}

/* fall_asleep: the bits are cleared unless somebody has attached to them. */
static void
fall_asleep(struct trace_hub *hub)
{
	struct monitor *own = worker_state(hub->worker);

	hub->quiet_after_ms = 0;
	telemetry_desk_changed(own->telemetry);
}

static void
start_ticking(struct trace_hub *hub)
{
	if (hub->quiet_after_ms == 0)
		for (uint32_t slot = 0; slot < EVENTS_RINGS; slot++)
			for (int k = 0; k < EVENTS_KINDS; k++)
				hub->told[k][slot].told =
				    events_published(worker_events(hub->worker),
					(enum events_kind)k, slot);
	hub->quiet_after_ms = trace_hub_now_ms(hub) + AFTERGLOW_MS;
	set_mask(hub);
	loop_timer_start(worker_loop(hub->worker), &hub->timer,
	    trace_hub_now_ms(hub) + TICK_MS);
}

static struct trace_filter
filter_of(const struct tracer_key *k)
{
	return (struct trace_filter){.id = k->id,
	    .kind = k->is_user ? TRACE_USER : TRACE_TYPE,
	    .is_tracer = true,
	    .flags = trace_flags_default(),
	    .per_second = TRACER_RATE,
	    .place = TRACE_NO_PLACE,
	    .arity = TRACE_ANY_ARITY,
	    .key = {k->name, k->len}};
}

enum err
trace_hub_publish(struct trace_hub *hub)
{
	const struct trace_filter *filters[TRACE_FILTERS] = {NULL};
	struct trace_filter keys[TRACER_KEYS];
	uint32_t count = 0;

	for (uint32_t i = 0; i < hub->traces.count; i++)
		if (hub->traces.all[i].state == TRACE_RUNNING)
			filters[count++] = &hub->traces.all[i].filter;
	for (uint32_t i = 0; hub->tracer.is_enabled && i < hub->tracer.count;
	     i++) {
		keys[i] = filter_of(hub->tracer.keys[i]);
		filters[count++] = &keys[i];
	}
	enum err e = trace_watch_set(&hub->watch, filters, count);
	if (e == OK && count > 0)
		start_ticking(hub);
	return e;
}

static void
look_at_disk(struct trace_hub *hub)
{
	bool is_bad = !tracer_flush(&hub->tracer);

	if (is_bad && !hub->is_disk_bad)
		event_note(
		    EVENT_tracer_degraded, "folder=%s", hub->tracer.folder);
	hub->is_disk_bad = is_bad;
}

static void
on_tick(void *ctx)
{
	struct trace_hub *hub = ctx;
	uint64_t now_ms = trace_hub_now_ms(hub);

	trace_hub_read(hub);
	if (traces_look(&hub->traces, now_ms) && trace_hub_publish(hub) != OK)
		event_note(EVENT_traces_full, "when=time");
	look_at_disk(hub);
	if (trace_watch_generation(&hub->watch) != 0) {
		start_ticking(hub);
	} else if (now_ms < hub->quiet_after_ms) {
		loop_timer_start(
		    worker_loop(hub->worker), &hub->timer, now_ms + TICK_MS);
	} else {
		fall_asleep(hub);
	}
}

/* --- settings and life --- */

static void
add_keys(struct trace_hub *hub, const struct settings *s, enum setting key,
    bool is_user)
{
	struct unpacker u;
	struct text name;
	uint32_t count;

	unpack_init(&u, settings_list(s, key));
	if (unpack_array(&u, &count) != OK)
		return;
	while (count-- > 0 && unpack_text(&u, &name) == OK) {
		if (tracer_find(&hub->tracer, is_user, name) == NULL &&
		    tracer_add(&hub->tracer, is_user, name,
			++hub->traces.last_id) != OK)
			event_note(EVENT_traces_full, "when=settings");
	}
}

void
trace_hub_on_settings(struct trace_hub *hub, const struct settings *s)
{
	struct tracer *t = &hub->tracer;
	char word[32];

	snprintf(t->folder, sizeof(t->folder), "%s",
	    settings_string(s, SETTING_tracer_log_dir));
	t->max_file_bytes = settings_u64(s, SETTING_tracer_max_file_bytes);
	t->max_backup_files =
	    (uint32_t)settings_u64(s, SETTING_tracer_max_backup_files);
	bool is_set = settings_bool(s, SETTING_tracer_enabled);
	/* a reload that says what it said leaves an operator's word alone */
	if (is_set != hub->is_set_enabled)
		t->is_enabled = is_set;
	hub->is_set_enabled = is_set;
	t->log_level = tracer_level(text_of(settings_choice_word(
	    s, SETTING_tracer_log_level, word, sizeof(word))));
	add_keys(hub, s, SETTING_tracer_request_types, false);
	add_keys(hub, s, SETTING_tracer_user_ids, true);
	if (trace_hub_publish(hub) != OK)
		event_note(EVENT_traces_full, "when=settings");
}

/* adopt goes on with what an earlier life has put into force. */
static void
adopt(struct trace_hub *hub)
{
	struct trace_view *view = MEMORY_NEW(struct trace_view);

	if (trace_watch_last(&hub->watch, view) == OK)
		for (uint32_t i = 0; i < view->count; i++)
			traces_adopt(&hub->traces, &view->filters[i]);
	for (uint32_t i = 0; i < view->count; i++) {
		const struct trace_filter *f = &view->filters[i];

		hub->tracer.is_enabled |= f->is_tracer;
		if (f->is_tracer &&
		    tracer_add(&hub->tracer, f->kind == TRACE_USER, f->key,
			f->id) != OK)
			event_note(EVENT_traces_full, "when=adopted");
	}
	memory_free(view);
}

struct trace_hub *
trace_hub_open(struct worker *w)
{
	struct trace_hub *hub = MEMORY_NEW(struct trace_hub);
	const struct settings *s = worker_settings(w);
	char *area = events_watch_area(worker_events(w));

	hub->worker = w;
	hub->timer = (struct loop_timer){.due = on_tick, .ctx = hub};
	trace_watch_at(&hub->watch, area + TRACE_WATCH_AT);
	traces_init(&hub->traces);
	snprintf(hub->node, sizeof(hub->node), "%s",
	    settings_string(s, SETTING_node));
	tracer_init(&hub->tracer, hub->node);
	snprintf(hub->tracer.folder, sizeof(hub->tracer.folder), "%s",
	    settings_string(s, SETTING_tracer_log_dir));
	hub->tracer.max_file_bytes =
	    settings_u64(s, SETTING_tracer_max_file_bytes);
	hub->tracer.max_backup_files =
	    (uint32_t)settings_u64(s, SETTING_tracer_max_backup_files);
	adopt(hub);
	trace_hub_on_settings(hub, s);
	return hub;
}

void
trace_hub_close(struct trace_hub **hub)
{
	if (*hub == NULL)
		return;
	loop_timer_stop(worker_loop((*hub)->worker), &(*hub)->timer);
	tracer_finish(&(*hub)->tracer);
	traces_finish(&(*hub)->traces);
	memory_free(*hub);
	*hub = NULL;
}
