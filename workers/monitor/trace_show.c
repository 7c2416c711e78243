// SPDX-License-Identifier: MIT
/* trace_show - `banyan trace tail`, `banyan trace show ID`, `banyan trace ID`:
 * what traces have found. */

#include <stdio.h>

#include "protocol/pack.h"
#include "workers/monitor/monitor.h"
#include "workers/monitor/trace_hub.h"

enum {
	TAIL = 100,
	SHOWN = 20, /* requests of one name */
	ROOM = 1024
};

static struct trace_hub *
hub_of(struct worker *w)
{
	struct monitor *own = worker_state(w);

	return own->traces;
}

/* pack_process names who left a record: "gateway/1". */
static void
pack_process(struct packer *p, const struct trace_place *place)
{
	char name[48];

	if (place->instance != 0)
		snprintf(name, sizeof(name), "%s/%u", role_name(place->role),
		    place->instance);
	else
		snprintf(name, sizeof(name), "%s", role_name(place->role));
	pack_field_string(p, "process", name);
}

/* --- tail --- */

struct tail {
	struct packer *out;
	uint32_t count;
	uint64_t last;
};

static void
pack_line(void *ctx, const struct traced_line *line)
{
	struct tail *tail = ctx;
	struct packer *p = tail->out;

	pack_map(p, 4);
	pack_field_u64(p, "sequence", line->sequence);
	pack_field_u64(p, "at_us", line->place.wall_us);
	pack_process(p, &line->place);
	pack_string(p, "text");
	pack_text(p, (struct text){line->text, line->len});
	tail->count++;
	tail->last = line->sequence;
}

void
monitor_cmd_trace_tail(struct worker *w, struct command *command)
{
	struct trace_hub *hub = hub_of(w);
	struct packer *p = command->result;
	uint64_t after = 0, limit = TAIL;

	if (command_u64(command, "after", &after) == ERR_TYPE ||
	    command_u64(command, "limit", &limit) == ERR_TYPE || limit == 0 ||
	    limit > TRACES_LINES) {
		command_fail(command, CLASS_INVALID, NULL,
		    "--after takes a sequence, --limit 1 to %d", TRACES_LINES);
		return;
	}
	trace_hub_read(hub);
	struct tail tail = {.out = p, .last = after};
	pack_map(p, 3);
	pack_string(p, "lines");
	size_t place = pack_open(p);
	traces_lines(&hub->traces, after, (uint32_t)limit, pack_line, &tail);
	pack_close_array(p, place, tail.count);
	pack_field_u64(p, "last", tail.last);
	pack_field_u64(p, "running", traces_running(&hub->traces));
}

/* --- show --- */

/* pack_pairs packs "key=value …" as a map of texts. */
static void
pack_pairs(struct packer *p, const char *name, struct text pairs)
{
	struct text key, value;
	char room[ROOM];
	uint32_t count = 0;

	pack_string(p, name);
	size_t place = pack_open(p);
	while (facts_next(&pairs, &key, &value, room, sizeof(room))) {
		pack_text(p, key);
		pack_text(p, value);
		count++;
	}
	pack_close_map(p, place, count);
}

/* pack_hop: `at_us` counts from the arrival at the gateway, `took_us` from
 * the hop before. */
static void
pack_hop(struct packer *p, const struct traced_request *r,
    const struct traced_hop *h, const struct traced_hop *before)
{
	uint64_t at = h->place.mono_us > r->began_us && r->began_us != 0
	    ? h->place.mono_us - r->began_us
	    : h->us;

	pack_map(p, 6);
	pack_field_string(p, "stage", stage_info(h->stage)->name);
	pack_process(p, &h->place);
	pack_field_u64(p, "pid", h->place.pid);
	pack_field_u64(p, "at_us", at);
	pack_field_u64(p, "took_us",
	    before != NULL ? h->place.mono_us - before->place.mono_us : at);
	pack_pairs(p, "detail", (struct text){h->text, h->len});
}

/* outcome_of reads the last hop: ok, its error, or that there is none yet. */
static struct text
outcome_of(const struct traced_request *r, uint64_t *duration_us,
    const struct traced_hop **hops, uint32_t count)
{
	*duration_us = 0;
	for (uint32_t i = 0; i < count; i++) {
		struct text rest = {hops[i]->text, hops[i]->len}, value;

		if (hops[i]->stage != STAGE_end)
			continue;
		if (facts_find(rest, "duration_us", &value, NULL, 0) &&
		    text_to_u64(value, duration_us) != OK)
			*duration_us = 0;
		if (facts_find(rest, "error", &value, NULL, 0))
			return value;
		return TEXT("ok");
	}
	(void)r;
	return TEXT("open");
}

static void
pack_request(struct packer *p, const struct traced_request *r)
{
	const struct traced_hop *hops[TRACES_HOPS];
	const struct traceparent name = {
	    .trace = {r->trace[0], r->trace[1]}, .span = r->span};
	char trace[TRACE_ID_HEX + 1], span[SPAN_ID_HEX + 1];
	uint32_t count = traces_order(r, hops);
	uint64_t duration_us;
	struct text outcome = outcome_of(r, &duration_us, hops, count);

	trace_id_write(&name, trace);
	span_id_write(r->span, span);
	pack_map(p, 8);
	pack_field_string(p, "trace", trace);
	pack_field_string(p, "span", span);
	pack_pairs(p, "request", traces_facts(r));
	pack_string(p, "outcome");
	pack_text(p, outcome);
	pack_field_u64(p, "duration_us", duration_us);
	pack_field_u64(p, "at_us", count > 0 ? hops[0]->place.wall_us : 0);
	pack_field_u64(p, "hops_left_out", r->hop_count - count);
	pack_string(p, "hops");
	pack_array(p, count);
	for (uint32_t i = 0; i < count; i++)
		pack_hop(p, r, hops[i], i > 0 ? hops[i - 1] : NULL);
}

/* newest gives how many requests have the name, and the first to show. */
static uint32_t
newest(const struct traces *t, struct text id, uint64_t *after)
{
	const struct traced_request *r = NULL;
	uint64_t serials[TRACES_REQUESTS];
	uint32_t count = 0;

	while (count < TRACES_REQUESTS &&
	    (r = traces_next(t, id, r == NULL ? 0 : r->serial)) != NULL)
		serials[count++] = r->serial;
	*after = count > SHOWN ? serials[count - SHOWN - 1] : 0;
	return count;
}

void
monitor_cmd_trace_show(struct worker *w, struct command *command)
{
	struct trace_hub *hub = hub_of(w);
	struct packer *p = command->result;
	const struct traced_request *r = NULL;
	struct text id = TEXT("");
	uint64_t after;

	if (command_text(command, "id", &id) != OK || id.len == 0) {
		command_fail(command, CLASS_INVALID, "banyan trace show r1",
		    "say which request: its id, or a trace id");
		return;
	}
	trace_hub_read(hub);
	uint32_t count = newest(&hub->traces, id, &after);
	if (count == 0) {
		command_fail(command, CLASS_NOT_FOUND,
		    "`banyan trace start --user U` begins a trace; the last "
		    "256 requests are kept",
		    "no traced request is `%.*s`", TEXT_ARG(id));
		return;
	}
	pack_map(p, 2);
	pack_field_u64(p, "found", count);
	pack_string(p, "requests");
	pack_array(p, count < SHOWN ? count : SHOWN);
	while ((r = traces_next(
		    &hub->traces, id, r == NULL ? after : r->serial)) != NULL)
		pack_request(p, r);
}

void
monitor_cmd_trace(struct worker *w, struct command *command)
{
	monitor_cmd_trace_show(w, command);
}
