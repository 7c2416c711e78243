// SPDX-License-Identifier: MIT
/*
 * why - how runners are, for `banyan why async_pool/1`. Control adds the
 * obituaries; the keys are those it uses for the tree's own children.
 */

#include "protocol/pack.h"
#include "workers/worker_pool/worker_pool.h"

static const char *
reason_of(const struct runner *r)
{
	if (r->reason[0] != '\0')
		return r->reason;
	return r->child->state == CHILD_UP ? "" : "waits for its first start";
}

static void
pack_runner(struct packer *p, const struct runner *r, uint64_t now_ms)
{
	const struct child *c = r->child;

	pack_map(p, 15);
	pack_string(p, "role");
	pack_text(p, r->crew->spec->name);
	pack_field_u64(p, "instance", c->spec.instance);
	pack_field_string(p, "state", child_state_name(c->state));
	pack_field_u64(p, "pid", (uint64_t)c->pid);
	pack_field_u64(p, "life", c->life);
	pack_field_u64(p, "restarts", c->life > 0 ? c->life - 1 : 0);
	pack_field_u64(p, "up_ms",
	    c->state == CHILD_UP && now_ms > c->ready_ms ? now_ms - c->ready_ms
							 : 0);
	pack_field_u64(p, "rest_ms",
	    c->state == CHILD_RESTING && c->deadline_ms > now_ms
		? c->deadline_ms - now_ms
		: 0);
	pack_field_bool(p, "is_paused", c->is_paused);
	pack_field_bool(p, "is_in_probation", c->intensity.is_exhausted);
	pack_field_string(p, "reason", reason_of(r));
	/* what only `banyan tree` shows */
	pack_field_u64(p, "start_took_ms",
	    c->ready_ms > c->started_ms ? c->ready_ms - c->started_ms : 0);
	pack_field_u64(p, "memory_bytes", r->memory_bytes);
	pack_field_bool(p, "wants_up", c->wants_up);
	pack_field_bool(p, "is_degraded", child_is_degraded(c));
}

/* find splits "async_pool/3"; `number` 0: all of them. */
static struct crew *
find(struct worker_pool *wp, struct text name, uint64_t *number)
{
	int64_t slash = text_find(name, '/');
	struct text digits = {0};

	*number = 0;
	if (slash >= 0) {
		digits.at = name.at + slash + 1;
		digits.len = name.len - (uint32_t)slash - 1;
		name.len = (uint32_t)slash;
	}
	struct crew *crew = crew_find(wp, name);
	if (crew == NULL || slash < 0)
		return crew;
	if (text_to_u64(digits, number) != OK || *number == 0 ||
	    *number > crew->runner_count)
		return NULL;
	return crew;
}

/* pack_every answers who names nobody: the runners of all pools. */
static void
pack_every(const struct worker_pool *wp, struct packer *p, uint64_t now_ms)
{
	pack_array(p, wp->keeper.tree->count);
	for (uint32_t i = 0; i < wp->crew_count; i++)
		for (uint32_t n = 0; n < wp->crews[i].runner_count; n++)
			pack_runner(p, &wp->crews[i].runners[n], now_ms);
}

void
worker_pool_on_runners(struct worker *w, struct command *command)
{
	struct worker_pool *wp = worker_state(w);
	struct packer *p = command->result;
	uint64_t now_ms = loop_now_ms(wp->loop);
	struct text name;
	uint64_t number;
	struct crew *crew = NULL;

	if (command_text(command, "role", &name) != OK) {
		pack_every(wp, p, now_ms);
		return;
	}
	crew = find(wp, name, &number);
	if (crew == NULL) {
		command_fail(command, CLASS_NOT_FOUND,
		    "`banyan pools` lists the pools",
		    "there is no such runner");
		return;
	}
	pack_array(p, number > 0 ? 1 : crew->runner_count);
	for (uint32_t i = 0; i < crew->runner_count; i++)
		if (number == 0 || number == i + 1)
			pack_runner(p, &crew->runners[i], now_ms);
}
