// SPDX-License-Identifier: MIT
/*
 * why - what happened to a child: where it is now, and its obituaries from
 * state_dir/supervisor/<name>/<number>.json, newest first. The supervisor
 * writes them (supervisor/engine/obituary.h), here they are only read.
 */

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/base/arena.h"
#include "protocol/base/fd.h"
#include "protocol/events.h"
#include "protocol/json.h"
#include "protocol/pack.h"
#include "protocol/stats_tree.h"
#include "protocol/census.h"
#include "protocol/verdict.h"
#include "workers/control/control.h"
#include "workers/control/target.h"
#include "workers/control/why.h"
#include "workers/kit/worker.h"

enum {
	EVENTS_SHOWN = 8,
	SHOWN = 10, /* obituaries of each child */
	DOCUMENT_BYTES = 64 << 10,
	FOLDER_BYTES = 1024
};

/* newest collects the highest numbers of a folder, in falling order. */
static uint32_t
newest(const char *folder, uint64_t to[SHOWN])
{
	DIR *dir = opendir(folder);
	uint32_t count = 0;

	if (dir == NULL)
		return 0;
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		char *end;
		uint64_t number = strtoull(entry->d_name, &end, 10);
		uint32_t at = count < SHOWN ? count : SHOWN - 1;

		if (strcmp(end, ".json") != 0 ||
		    (count == SHOWN && number < to[SHOWN - 1]))
			continue;
		while (at > 0 && to[at - 1] < number) {
			to[at] = to[at - 1];
			at--;
		}
		to[at] = number;
		count += count < SHOWN;
	}
	closedir(dir);
	return count;
}

static bool
pack_obituary(struct command *command, const char *folder, uint64_t number)
{
	char *text = arena_alloc(command->arena, DOCUMENT_BYTES);
	struct text path = arena_printf(command->arena, "%s/%08llu.json",
	    folder, (unsigned long long)number);
	size_t bytes;

	if (fd_read_file(path.at, text, DOCUMENT_BYTES, &bytes) != OK)
		return false; /* removed meanwhile */
	return json_to_pack((struct text){.at = text, .len = (uint32_t)bytes},
		   command->result->out, JSON_LIMITS, NULL) == OK;
}

void
why_pack_obituaries(struct worker *w, struct command *command, struct text name,
    uint32_t instance)
{
	struct packer *p = command->result;
	char folder[FOLDER_BYTES];
	uint64_t numbers[SHOWN];
	uint32_t packed = 0;

	if (instance == 0)
		snprintf(folder, sizeof(folder), "%s/supervisor/%.*s",
		    worker_state_dir(w), TEXT_ARG(name));
	else
		snprintf(folder, sizeof(folder), "%s/supervisor/%.*s-%u",
		    worker_state_dir(w), TEXT_ARG(name), instance);
	size_t place = pack_open(p);
	uint32_t count = newest(folder, numbers);
	for (uint32_t i = 0; i < count; i++)
		packed += pack_obituary(command, folder, numbers[i]);
	pack_close_array(p, place, packed);
}

/* pack_events packs the last things a process noted in its ring. */
static void
pack_events(struct worker *w, struct command *command, uint32_t slot)
{
	struct packer *p = command->result;
	struct event_record *last =
	    ARENA_ARRAY(command->arena, struct event_record, EVENTS_SHOWN);
	uint32_t count =
	    events_last(worker_events(w), slot, last, EVENTS_SHOWN);

	pack_array(p, count);
	for (uint32_t i = 0; i < count; i++) {
		pack_map(p, 3);
		pack_field_u64(p, "wall_us", last[i].wall_us);
		pack_field_string(p, "event", event_name(last[i].id));
		pack_string(p, "text");
		pack_text(p,
		    (struct text){
			.at = last[i].bytes, .len = last[i].text.len});
	}
}

static void
pack_process(struct worker *w, struct command *command,
    const struct census *census, const struct census_process *process)
{
	struct packer *p = command->result;
	const struct stats_child *c = &process->child;
	uint64_t now_ms = census->now_ms;

	pack_map(p, 15);
	pack_field_string(p, "role", role_name((enum role)c->role));
	pack_field_u64(p, "instance", c->instance);
	pack_field_string(
	    p, "state", child_state_name((enum child_state)c->state));
	pack_field_u64(p, "pid", c->pid);
	pack_field_u64(p, "life", c->life);
	pack_field_u64(p, "restarts", c->restarts);
	pack_field_u64(p, "up_ms",
	    c->ready_ms > 0 && now_ms > c->ready_ms ? now_ms - c->ready_ms : 0);
	pack_field_u64(p, "rest_ms",
	    c->rest_until_ms > now_ms ? c->rest_until_ms - now_ms : 0);
	pack_field_bool(p, "is_paused", c->is_paused);
	pack_field_bool(p, "is_in_probation", c->is_in_probation);
	pack_field_string(p, "reason", c->reason);
	pack_field_u64(p, "descriptors", process->descriptors);
	pack_field_u64(p, "descriptor_limit",
	    verdict_is_short(process) ? process->descriptor_limit : 0);
	pack_string(p, "obituaries");
	why_pack_obituaries(
	    w, command, text_of(role_name((enum role)c->role)), c->instance);
	pack_string(p, "events");
	/* the supervisor cannot mourn itself: the guard noted its deaths */
	pack_events(w, command,
	    c->role == ROLE_supervisor ? STATS_SLOT_GUARD : process->slot);
}

void
control_cmd_why(struct worker *w, struct command *command)
{
	struct packer *p = command->result;
	struct target target;
	uint32_t count = 0;

	if (!target_is_role(command)) {
		why_runner(w, command);
		return;
	}
	if (!target_read(w, command, &target))
		return;
	struct census *census = census_take(command->arena, worker_stats(w));
	census_count_descriptors(census);
	pack_map(p, 2);
	pack_field_u64(p, "now_ms", census->wall_ms);
	pack_string(p, "children");
	size_t place = pack_open(p);
	for (uint32_t i = 0; i < census->count; i++) {
		const struct stats_child *c = &census->process[i].child;

		if (c->role != (uint32_t)target.role ||
		    (target.instance != 0 && c->instance != target.instance))
			continue;
		pack_process(w, command, census, &census->process[i]);
		count++;
	}
	pack_close_array(p, place, count);
}
