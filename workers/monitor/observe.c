// SPDX-License-Identifier: MIT
#include "workers/monitor/observe.h"

#include "protocol/base/clock.h"
#include "protocol/base/memory.h"
#include "protocol/census.h"
#include "protocol/pack.h"
#include "workers/monitor/monitor.h"
#include "workers/monitor/records.h"
#include "workers/monitor/telemetry_desk.h"
#include "workers/monitor/tell.h"

enum {
	INTERVAL_MS = 1000,
	INTERVAL_LEAST_MS = 100,
	INTERVAL_MOST_MS = 3600000,
	SHOWN = 100
};

/* --- points --- */

static uint64_t
tree_bytes(const struct census *census)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < census->count; i++)
		bytes += census->process[i].memory_bytes;
	return bytes;
}

static void
pack_system(struct packer *p, const struct machine *m)
{
	pack_map(p, 6);
	tell_number(p, "cpu_percent", m->cpu_percent);
	tell_number(p, "load", m->load[0]);
	pack_field_u64(p, "total_memory", m->memory_total);
	pack_field_u64(p, "used_memory", m->memory_used);
	tell_number(p, "disk_percent",
	    machine_percent((double)m->disk_used, (double)m->disk_total));
	tell_seconds(p, "timestamp", clock_wall_ms());
}

static void
pack_processes(
    struct packer *p, const struct monitor *m, const struct census *census)
{
	char name[48];

	pack_map(p, 3);
	pack_field_u64(p, "process_count", census->count);
	pack_string(p, "processes");
	pack_array(p, census->count);
	for (uint32_t i = 0; i < census->count; i++) {
		const struct census_process *one = &census->process[i];

		pack_map(p, 4);
		pack_field_string(p, "process",
		    telemetry_process(m, one->slot, name, sizeof(name)));
		pack_field_u64(p, "pid", one->child.pid);
		pack_field_u64(p, "memory", one->memory_bytes);
		pack_field_u64(p, "cpu_us", one->cpu_us);
	}
	tell_seconds(p, "timestamp", clock_wall_ms());
}

static void
pack_memory(
    struct packer *p, const struct machine *m, const struct census *census)
{
	pack_map(p, 4);
	pack_field_u64(p, "total_memory", m->memory_total);
	pack_field_u64(p, "used_memory", m->memory_used);
	pack_field_u64(p, "tree_memory", tree_bytes(census));
	tell_seconds(p, "timestamp", clock_wall_ms());
}

static void
take_point(struct observe *own, struct observation *o)
{
	struct worker *w = own->monitor->worker;
	uint64_t now_ms = loop_now_ms(worker_loop(w));
	struct arena arena;
	struct buffer out;
	struct packer p;

	arena_init(&arena);
	buffer_init(&out, OBSERVE_BYTES);
	pack_init(&p, &out);
	/* the records look at it every few seconds, too seldom for a point */
	if (own->machine.at_ms == 0 ||
	    now_ms - own->machine.at_ms >= INTERVAL_LEAST_MS / 2)
		machine_look(&own->machine, worker_state_dir(w), now_ms);
	if (o->target == OBSERVE_system_metrics) {
		pack_system(&p, &own->machine);
	} else {
		const struct census *census =
		    census_take(&arena, worker_stats(w));

		if (o->target == OBSERVE_process_metrics)
			pack_processes(&p, own->monitor, census);
		else
			pack_memory(&p, &own->machine, census);
	}
	if (pack_finish(&p) != OK ||
	    observation_add(o, buffer_text(&out)) != OK)
		log_line(LOG_WARN, "observe",
		    "target=%s hint=\"a point was too big to be kept\"",
		    observe_target_name(o->target));
	buffer_finish(&out);
	arena_finish(&arena);
}

static void
turn(void *ctx)
{
	struct observe *own = ctx;
	struct loop *loop = worker_loop(own->monitor->worker);
	uint64_t now_ms = loop_now_ms(loop), next_ms;
	struct observation *o;

	while ((o = observations_due(&own->all, now_ms)) != NULL)
		take_point(own, o);
	next_ms = observations_next_ms(&own->all);
	if (next_ms != 0)
		loop_timer_start(loop, &own->timer, next_ms);
}

struct observe *
observe_open(struct monitor *m)
{
	struct observe *own = MEMORY_NEW(struct observe);

	own->monitor = m;
	own->machine = m->records->machine; /* a rate needs a look before */
	own->timer = (struct loop_timer){.due = turn, .ctx = own};
	return own;
}

void
observe_close(struct observe **own)
{
	if (*own == NULL)
		return;
	loop_timer_stop(worker_loop((*own)->monitor->worker), &(*own)->timer);
	observations_finish(&(*own)->all);
	memory_free(*own);
	*own = NULL;
}

/* --- commands --- */

static void
pack_observation(struct packer *p, const struct observation *o, uint64_t now_ms)
{
	char id[OBSERVE_ID];

	observation_id(o, id);
	pack_field_string(p, "id", id);
	pack_field_string(p, "target", observe_target_name(o->target));
	pack_field_u64(p, "interval_ms", o->interval_ms);
	pack_field_u64(p, "data_points", o->taken);
	pack_field_u64(p, "uptime_ms", now_ms - o->started_ms);
}

void
monitor_cmd_observe_start(struct worker *w, struct command *command)
{
	struct observe *own = ((struct monitor *)worker_state(w))->observe;
	uint64_t interval_ms = INTERVAL_MS;
	enum observe_target target = OBSERVE_TARGET_COUNT;
	struct text word = TEXT("");
	struct observation *o;

	if (command_text(command, "target", &word) == OK)
		target = observe_target_find(word);
	if (target == OBSERVE_TARGET_COUNT) {
		command_fail(command, CLASS_INVALID,
		    "system_metrics, process_metrics, memory_usage",
		    "`%.*s` cannot be observed", TEXT_ARG(word));
		return;
	}
	if (command_u64(command, "interval", &interval_ms) == ERR_TYPE ||
	    interval_ms < INTERVAL_LEAST_MS || interval_ms > INTERVAL_MOST_MS) {
		command_fail(command, CLASS_INVALID, "--interval 1000",
		    "--interval wants milliseconds, %d to %d",
		    INTERVAL_LEAST_MS, INTERVAL_MOST_MS);
		return;
	}
	o = observations_start(
	    &own->all, target, interval_ms, loop_now_ms(worker_loop(w)));
	if (o == NULL) {
		command_fail(command, CLASS_REFUSED,
		    "end one: banyan observe stop ID",
		    "%d are observed already", OBSERVATIONS);
		return;
	}
	turn(own);
	pack_map(command->result, 5);
	pack_observation(command->result, o, o->started_ms);
}

void
monitor_cmd_observe_list(struct worker *w, struct command *command)
{
	const struct observe *own =
	    ((struct monitor *)worker_state(w))->observe;
	struct packer *p = command->result;
	size_t place = pack_open(p);
	uint32_t count = 0;

	for (int i = 0; i < OBSERVATIONS; i++) {
		if (own->all.at[i].number == 0)
			continue;
		pack_map(p, 5);
		pack_observation(
		    p, &own->all.at[i], loop_now_ms(worker_loop(w)));
		count++;
	}
	pack_close_array(p, place, count);
}

/* named finds the one a command names; NULL: the command has failed. */
static struct observation *
named(struct worker *w, struct command *command)
{
	struct observe *own = ((struct monitor *)worker_state(w))->observe;
	struct text id = TEXT("");
	struct observation *o = NULL;

	if (command_text(command, "id", &id) == OK)
		o = observations_find(&own->all, id);
	if (o == NULL)
		command_fail(command, CLASS_NOT_FOUND,
		    "`banyan observe list` lists them",
		    "no observation is `%.*s`",
		    (int)(id.len < 64 ? id.len : 64), id.at);
	return o;
}

void
monitor_cmd_observe_data(struct worker *w, struct command *command)
{
	const struct observation *o = named(w, command);
	struct packer *p = command->result;
	uint64_t limit = SHOWN;
	struct text rest, point;
	uint32_t skip, count = 0;

	if (o == NULL)
		return;
	if (command_u64(command, "limit", &limit) == ERR_TYPE || limit == 0) {
		command_fail(command, CLASS_INVALID, "--limit 100",
		    "--limit wants a number above 0");
		return;
	}
	skip = o->count > limit ? o->count - (uint32_t)limit : 0;
	pack_map(p, 6);
	pack_observation(p, o, loop_now_ms(worker_loop(w)));
	pack_string(p, "points");
	size_t place = pack_open(p);
	rest = buffer_text(&o->points);
	while (observation_next(&rest, &point)) {
		if (skip > 0) {
			skip--;
			continue;
		}
		pack_raw(p, point);
		count++;
	}
	pack_close_array(p, place, count);
}

void
monitor_cmd_observe_stop(struct worker *w, struct command *command)
{
	struct observation *o = named(w, command);

	if (o == NULL)
		return;
	pack_map(command->result, 5);
	pack_observation(command->result, o, loop_now_ms(worker_loop(w)));
	observation_stop(o);
}
