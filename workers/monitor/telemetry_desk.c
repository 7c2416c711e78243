// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * Nobody waits for the monitor and nobody wakes it: it looks at the rings
 * every LOOK_MS while anything is attached, else every IDLE_MS. A turn ends
 * at its budget and the loop goes on with what else there is; the rest is
 * taken in the next turn, which comes at once.
 *
 * A monitor that comes back finds its attachments in the segment. Those who
 * listened need a moment to be connected again, so it waits PATIENCE_MS for
 * the first of them before it takes anything out of the rings.
 */

#include "workers/monitor/telemetry_desk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/base/clock.h"
#include "protocol/base/memory.h"
#include "protocol/pack.h"
#include "protocol/settings.h"
#include "protocol/stats.h"
#include "protocol/unpack.h"
#include "workers/monitor/bus.h"
#include "workers/monitor/handler_desk.h"
#include "workers/monitor/log_desk.h"
#include "workers/monitor/monitor.h"
#include "workers/monitor/trace_hub.h"

enum {
	LOOK_MS = 20,
	IDLE_MS = 100,
	TURN_US = 4000,
	PATIENCE_MS = 400,
	PROCESS_BYTES = 48,
	PAIRS = 7
};

const char *
telemetry_process(const struct monitor *m, uint32_t slot, char *to, size_t size)
{
	const struct stats_slot *at =
	    stats_slot_at(worker_stats(m->worker), slot);
	uint32_t instance = at == NULL ? 0 : atomic_load(&at->instance);
	enum role role =
	    at == NULL ? ROLE_none : (enum role)atomic_load(&at->role);

	if (slot == STATS_SLOT_GUARD)
		snprintf(to, size, "guard");
	else if (instance == 0)
		snprintf(to, size, "%s", role_name(role));
	else
		snprintf(to, size, "%s/%u", role_name(role), instance);
	return to;
}

/* --- one record, told --- */

struct told {
	const struct event_record *record;
	const char *process;
};

static void
pack_pair(struct packer *p, const struct telemetry_pair *pair)
{
	pack_text(p, pair->key);
	if (pair->type == TELEMETRY_NUMBER)
		pack_i64(p, pair->number);
	else if (pair->type == TELEMETRY_FLAG)
		pack_bool(p, pair->number != 0);
	else
		pack_text(p, pair->value);
}

static void
pack_pairs(
    struct packer *p, const struct event_record *record, bool measurements)
{
	struct text rest = record->text;
	struct telemetry_pair pair;
	size_t place = pack_open(p);
	uint32_t count = 0;

	while (telemetry_next(record->id, &rest, &pair)) {
		if (pair.is_measurement != measurements)
			continue;
		pack_pair(p, &pair);
		count++;
	}
	pack_close_map(p, place, count);
}

static void
pack_told(struct packer *p, void *ctx)
{
	const struct told *told = ctx;
	const struct event_record *r = told->record;

	pack_field_string(p, "event", telemetry_name(r->id));
	pack_string(p, "measurements");
	pack_pairs(p, r, true);
	pack_string(p, "metadata");
	pack_pairs(p, r, false);
	pack_field_string(p, "process", told->process);
	pack_field_u64(p, "pid", r->pid);
	pack_field_u64(p, "life", r->life);
	pack_string(p, "time");
	pack_f64(p, (double)r->wall_us / 1e6);
}

/* pack_for_handler packs the same as a whole map. */
static void
pack_for_handler(struct packer *p, void *ctx)
{
	pack_map(p, PAIRS);
	pack_told(p, ctx);
}

static void
log_told(const struct told *told)
{
	log_line(LOG_INFO, "telemetry", "event=%s process=%s %s",
	    telemetry_name(told->record->id), told->process,
	    told->record->bytes);
}

static bool
tell(void *ctx, uint32_t slot, const struct event_record *record)
{
	struct telemetry_desk *d = ctx;
	bool is_of_life = event_is_of_life(record->id);
	char process[PROCESS_BYTES], topic[96];
	struct told told = {.record = record,
	    .process =
		telemetry_process(d->monitor, slot, process, sizeof(process))};

	if (is_of_life) {
		lifecycle_tell(d->monitor, slot, record);
		store_alert_tell(d->monitor, record);
	}
	if (record->id == EVENT_log_line)
		log_desk_tell(d->monitor, slot, record);
	if (attachments_passes(&d->attachments, record->id, is_of_life,
		record->sequence * EVENTS_RINGS + slot)) {
		snprintf(topic, sizeof(topic), "telemetry/%s",
		    telemetry_name(record->id));
		(void)bus_publish(d->monitor, topic, PAIRS, pack_told, &told);
		if (attachments_logs(&d->attachments, record->id))
			log_told(&told);
		handler_desk_take(d->handlers, record, pack_for_handler, &told);
		d->published++;
	} else {
		d->withheld++;
	}
	return clock_mono_us() < d->turn_until_us;
}

/* --- the mask --- */

void
telemetry_desk_changed(struct telemetry_desk *d)
{
	struct events *events = worker_events(d->monitor->worker);
	struct telemetry_choice choice;

	handler_desk_choice(d->handlers, &d->attachments.handled);
	attachments_mask(&d->attachments, &choice);
	for (int id = 0; id < EVENT_IDS; id++) {
		bool is_wanted = telemetry_has(&choice, (enum event)id) ||
		    trace_hub_wants(d->monitor->traces, (enum event)id);

		if (events_mask_has(events, (enum event)id) != is_wanted)
			events_mask_set(events, (enum event)id, is_wanted);
	}
	attachments_keep(&d->attachments, events_feed_area(events));
}

/* --- what happened how often --- */

uint64_t
telemetry_desk_total(const struct telemetry_desk *d, enum event id)
{
	const struct events *events = worker_events(d->monitor->worker);
	uint64_t total = 0;

	for (uint32_t slot = 0; slot < EVENTS_RINGS; slot++)
		total += events_count(events, slot, id);
	return total;
}

uint64_t
telemetry_desk_skipped(const struct telemetry_desk *d)
{
	const struct events *events = worker_events(d->monitor->worker);
	uint64_t total = 0;

	for (uint32_t slot = 0; slot < EVENTS_RINGS; slot++)
		total += events_skipped(events, slot);
	return total;
}

double
telemetry_desk_rate(const struct telemetry_desk *d, enum event id)
{
	uint32_t newest = (d->totals_at + DESK_SECONDS - 1) % DESK_SECONDS;
	uint32_t oldest = d->totals_ms[d->totals_at] > 0 ? d->totals_at : 0;
	uint64_t ms = d->totals_ms[newest] - d->totals_ms[oldest];

	if (ms == 0)
		return 0;
	return (double)(d->totals[newest][id] - d->totals[oldest][id]) * 1000 /
	    (double)ms;
}

static void
note_totals(struct telemetry_desk *d, uint64_t now_ms)
{
	uint32_t newest = (d->totals_at + DESK_SECONDS - 1) % DESK_SECONDS;

	if (now_ms - d->totals_ms[newest] < 1000)
		return;
	for (int id = 0; id < EVENT_IDS; id++)
		d->totals[d->totals_at][id] =
		    telemetry_desk_total(d, (enum event)id);
	d->totals_ms[d->totals_at] = now_ms;
	d->totals_at = (d->totals_at + 1) % DESK_SECONDS;
}

/* --- a turn --- */

static uint32_t
look(struct telemetry_desk *d, uint64_t now_ms)
{
	bool is_attached = attachments_count(&d->attachments) > 0 ||
	    !handler_desk_is_idle(d->handlers);

	if (now_ms < d->patience_ms && !bus_has_listeners(d->monitor))
		return LOOK_MS;
	d->patience_ms = 0;
	d->turn_until_us = clock_mono_us() + TURN_US;
	if (!feed_turn(&d->feed, tell, d))
		return 1;
	return is_attached ? LOOK_MS : IDLE_MS;
}

static void
turn(void *ctx)
{
	struct telemetry_desk *d = ctx;
	struct loop *loop = worker_loop(d->monitor->worker);
	uint64_t now_ms = loop_now_ms(loop);

	if (attachments_expire(&d->attachments, clock_wall_ms()))
		telemetry_desk_changed(d);
	note_totals(d, now_ms);
	uint32_t rest_ms = look(d, now_ms);

	handler_desk_turn(d->handlers);
	loop_timer_start(loop, &d->timer, now_ms + rest_ms);
}

/* --- by the settings --- */

/* choose_list adds the events of a list of patterns; false: none is named. */
static bool
choose_list(const struct settings *settings, enum setting which,
    struct telemetry_choice *to)
{
	struct unpacker at;
	struct text word, wrong;
	uint32_t count = 0;

	unpack_init(&at, settings_list(settings, which));
	if (unpack_array(&at, &count) != OK)
		return false;
	for (uint32_t i = 0; i < count; i++)
		if (unpack_text(&at, &word) != OK ||
		    telemetry_choose(to, TELEMETRY_BY_MATCH, word, &wrong) !=
			OK)
			log_line(LOG_WARN, "telemetry",
			    "pattern=\"%.*s\" hint=\"no event is named so: "
			    "banyan telemetry events\"",
			    TEXT_ARG(word));
	return count > 0;
}

static void
control_of_settings(
    const struct settings *settings, struct attach_control *control)
{
	struct telemetry_choice denied = {0}, chosen = {0};
	double part =
	    strtod(settings_string(settings, SETTING_telemetry_sampling), NULL);

	control->is_off = !settings_bool(settings, SETTING_telemetry_enabled);
	control->sampling = (uint64_t)(part * SAMPLING_WHOLE + 0.5);
	memset(&control->sampled, 0xff, sizeof(control->sampled));
	memset(&control->allowed, 0xff, sizeof(control->allowed));
	if (choose_list(settings, SETTING_telemetry_sampling_patterns, &chosen))
		control->sampled = chosen;
	memset(&chosen, 0, sizeof(chosen));
	if (choose_list(settings, SETTING_telemetry_allow, &chosen))
		control->allowed = chosen;
	(void)choose_list(settings, SETTING_telemetry_deny, &denied);
	for (size_t i = 0; i < COUNT_OF(denied.words); i++)
		control->allowed.words[i] &= ~denied.words[i];
}

static void
set_pace(struct telemetry_desk *d, const struct settings *settings)
{
	events_pace_set(worker_events(d->monitor->worker),
	    settings_u64(settings, SETTING_telemetry_records_per_s));
}

void
telemetry_desk_settings(
    struct telemetry_desk *d, const struct settings *settings)
{
	set_pace(d, settings);
	memset(&d->attachments.always, 0, sizeof(d->attachments.always));
	(void)choose_list(
	    settings, SETTING_telemetry_attach, &d->attachments.always);
	control_of_settings(settings, &d->attachments.control);
	handler_desk_settings(d->handlers, settings);
	telemetry_desk_changed(d);
}

static void
handlers_changed(void *ctx)
{
	telemetry_desk_changed(ctx);
}

struct telemetry_desk *
telemetry_desk_open(struct monitor *m)
{
	struct telemetry_desk *d = MEMORY_NEW(struct telemetry_desk);
	struct loop *loop = worker_loop(m->worker);
	struct events *events = worker_events(m->worker);
	struct attach_control of_settings;

	d->monitor = m;
	feed_init(&d->feed, events);
	set_pace(d, worker_settings(m->worker));
	attachments_init(&d->attachments);
	d->handlers = handler_desk_open(m->worker, handlers_changed, d);
	(void)choose_list(worker_settings(m->worker), SETTING_telemetry_attach,
	    &d->attachments.always);
	control_of_settings(worker_settings(m->worker), &of_settings);
	d->attachments.control = of_settings;
	attachments_recall(&d->attachments, events_feed_area(events));
	telemetry_desk_changed(d);
	if (attachments_count(&d->attachments) > 0)
		d->patience_ms = loop_now_ms(loop) + PATIENCE_MS;
	note_totals(d, loop_now_ms(loop));
	d->timer = (struct loop_timer){.due = turn, .ctx = d};
	loop_timer_start(loop, &d->timer, loop_now_ms(loop) + 1);
	return d;
}

void
telemetry_desk_close(struct telemetry_desk **d)
{
	if (*d == NULL)
		return;
	loop_timer_stop(worker_loop((*d)->monitor->worker), &(*d)->timer);
	handler_desk_close(&(*d)->handlers);
	memory_free(*d);
	*d = NULL;
}
