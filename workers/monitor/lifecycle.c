// SPDX-License-Identifier: MIT
/*
 * lifecycle - records of life and death in the words of the bus's channel
 * `lifecycle`: processes, nodes, supervision, the system.
 */

#include <stdio.h>
#include <string.h>

#include "protocol/pack.h"
#include "protocol/telemetry.h"
#include "workers/monitor/bus.h"
#include "workers/monitor/telemetry_desk.h"

struct word {
	enum event id;
	const char *kind;    /* of the topic */
	const char *message; /* the record's name */
	const char *event;
};

static const struct word words[] = {
    {EVENT_child_spawned, "process", "process_lifecycle_event", "spawned"},
    {EVENT_child_ready, "process", "process_lifecycle_event", "started"},
    {EVENT_child_stopped, "process", "process_lifecycle_event", "stopped"},
    {EVENT_child_died, "process", "process_lifecycle_event", "crashed"},
    {EVENT_child_hung, "process", "process_lifecycle_event", "hung"},
    {EVENT_spawn_failed, "process", "process_lifecycle_event", "not_started"},
    {EVENT_worker_spawned, "process", "process_lifecycle_event", "spawned"},
    {EVENT_worker_ready, "process", "process_lifecycle_event", "started"},
    {EVENT_worker_terminated, "process", "process_lifecycle_event", "stopped"},
    {EVENT_worker_died, "process", "process_lifecycle_event", "crashed"},
    {EVENT_supervisor_died, "process", "process_lifecycle_event", "crashed"},
    {EVENT_link_up, "node", "node_lifecycle_event", "joined"},
    {EVENT_link_lost, "node", "node_lifecycle_event", "down"},
    {EVENT_child_probation, "supervision", "supervision_event",
	"restart_limit_exceeded"},
    {EVENT_child_given_up, "supervision", "supervision_event",
	"child_terminated"},
    {EVENT_escalated, "supervision", "supervision_event",
	"restart_limit_exceeded"},
    {EVENT_storm, "supervision", "supervision_event", "storm"},
    {EVENT_storm_over, "supervision", "supervision_event", "storm_over"},
    {EVENT_tree_starting, "system", "system_lifecycle_event", "starting"},
    {EVENT_tree_ready, "system", "system_lifecycle_event", "started"},
    {EVENT_tree_stopping, "system", "system_lifecycle_event", "stopping"},
    {EVENT_tree_stopped, "system", "system_lifecycle_event", "stopped"},
};

struct lifecycle {
	const struct word *word;
	const struct event_record *record;
	const char *teller; /* the process that noted it */
	struct text name;   /* whom it is about */
	struct text reason;
	int64_t pid;
	int64_t restarts;
};

static const struct word *
word_of(enum event id)
{
	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (words[i].id == id)
			return &words[i];
	return NULL;
}

/* read_pairs takes out what every kind of process says in its own word. */
static void
read_pairs(struct lifecycle *l)
{
	struct text rest = l->record->text;
	struct telemetry_pair pair;

	while (telemetry_next(l->record->id, &rest, &pair)) {
		if (text_is(pair.key, "child") ||
		    text_is(pair.key, "worker_id") || text_is(pair.key, "node"))
			l->name = pair.value;
		else if (text_is(pair.key, "reason") ||
		    text_is(pair.key, "why"))
			l->reason = pair.value;
		else if (text_is(pair.key, "pid") ||
		    text_is(pair.key, "worker_pid"))
			(void)!text_to_i64(pair.value, &l->pid);
		else if (text_is(pair.key, "restart_count"))
			l->restarts = pair.number;
	}
}

static const char *
event_of(const struct lifecycle *l)
{
	return l->record->id == EVENT_child_ready && l->restarts > 0
	    ? "restarted"
	    : l->word->event;
}

static void
pack_lifecycle(struct packer *p, void *ctx)
{
	const struct lifecycle *l = ctx;

	pack_field_string(p, "message", l->word->message);
	pack_field_string(p, "event", event_of(l));
	pack_string(p, "name");
	pack_text(p, l->name);
	pack_string(p, "pid");
	pack_i64(p, l->pid);
	pack_string(p, "reason");
	if (l->reason.len > 0)
		pack_text(p, l->reason);
	else
		pack_nil(p);
	pack_string(p, "restart_count");
	pack_i64(p, l->restarts);
	pack_field_string(p, "told_by", l->teller);
	pack_field_string(p, "telemetry", telemetry_name(l->record->id));
	pack_string(p, "text");
	pack_text(p, l->record->text);
	pack_string(p, "time");
	pack_f64(p, (double)l->record->wall_us / 1e6);
}

void
lifecycle_tell(
    struct monitor *m, uint32_t slot, const struct event_record *record)
{
	enum {
		PAIRS = 10
	};
	char teller[48], topic[64];
	struct lifecycle l = {.record = record, .word = word_of(record->id)};

	if (l.word == NULL)
		return;
	l.teller = telemetry_process(m, slot, teller, sizeof(teller));
	l.name = text_of(
	    record->id == EVENT_supervisor_died ? "supervisor" : "banyan");
	read_pairs(&l);
	snprintf(topic, sizeof(topic), "lifecycle/%s", l.word->kind);
	(void)bus_publish(m, topic, PAIRS, pack_lifecycle, &l);
}
