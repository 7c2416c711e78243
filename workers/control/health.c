// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * The shape is that of the reference's health_check, worst-of at each level.
 * Nobody is asked: the supervisor's table, the counters and /proc say it all,
 * so a hung role shows as what it is and cannot hang the answer.
 */

#include <unistd.h>

#include "protocol/base/arena.h"
#include "protocol/base/proc.h"
#include "protocol/pack.h"
#include "protocol/settings.h"
#include "workers/control/control.h"
#include "workers/control/figures.h"
#include "workers/control/health.h"
#include "workers/kit/worker.h"

void
health_put_finding(
    struct packer *p, const struct finding *found, uint32_t extra)
{
	pack_map(p,
	    1 + extra + (found->reason != NULL ? 1 : 0) +
		(found->next != NULL ? 1 : 0) +
		(found->descriptor_limit > 0 ? 2 : 0));
	pack_field_string(p, "status", verdict_name(found->verdict));
	if (found->reason != NULL)
		pack_field_string(p, "reason", found->reason);
	if (found->next != NULL)
		pack_field_string(p, "next", found->next);
	if (found->descriptor_limit == 0)
		return;
	pack_field_u64(p, "descriptors", found->descriptors);
	pack_field_u64(p, "descriptor_limit", found->descriptor_limit);
}

/* --- vm: the machine as the tree sees it --- */

static void
judge_vm(const struct health *h, struct finding *found)
{
	*found = (struct finding){.verdict = VERDICT_OK};
	if (h->census->count * 10 >= h->process_limit * 9)
		*found = (struct finding){.verdict = VERDICT_DEGRADED,
		    .reason = "many_processes",
		    .next = "banyan doctor"};
	else if (h->max_memory_bytes > 0 &&
	    h->memory_bytes > h->max_memory_bytes)
		*found = (struct finding){.verdict = VERDICT_DEGRADED,
		    .reason = "memory_above_limit",
		    .next = "banyan debug"};
}

static enum verdict
pack_vm(struct health *h)
{
	struct packer *p = h->out;
	struct control *control = worker_state(h->worker);
	uint64_t now_ms = h->census->now_ms;
	uint64_t began_ms = h->census->process[0].child.started_ms;
	struct finding found;

	judge_vm(h, &found);
	health_put_finding(p, &found, 6);
	pack_field_u64(p, "process_count", h->census->count);
	pack_field_u64(p, "process_limit", h->process_limit);
	figures_pack_memory(p, h->census, h->worker);
	pack_field_u64(
	    p, "schedulers", (uint64_t)sysconf(_SC_NPROCESSORS_CONF));
	pack_field_u64(
	    p, "schedulers_online", (uint64_t)sysconf(_SC_NPROCESSORS_ONLN));
	pack_string(p, "uptime");
	pack_array(p, 2);
	pack_u64(p, now_ms > began_ms ? now_ms - began_ms : 0);
	pack_u64(p,
	    control->health_asked_ms > 0 ? now_ms - control->health_asked_ms
					 : 0);
	return found.verdict;
}

static enum verdict
pack_node(struct health *h)
{
	struct packer *p = h->out;
	const struct finding found = {.verdict = VERDICT_OK};

	health_put_finding(p, &found, 3);
	pack_string(p, "node");
	pack_text(p, settings_text(worker_settings(h->worker), SETTING_node));
	pack_field_bool(p, "alive", true);
	pack_string(p, "connected_nodes");
	pack_array(p, 0);
	return found.verdict;
}

static void
pack_head(const struct health *h, enum verdict all)
{
	struct packer *p = h->out;

	pack_map(p, 4);
	pack_field_string(p, "status", verdict_name(all));
	pack_string(p, "node");
	pack_text(p, settings_text(worker_settings(h->worker), SETTING_node));
	pack_field_u64(p, "checked_at_ms", h->census->wall_ms);
	pack_string(p, "checks");
}

/*
 * pack_all packs twice: the status stands before the checks that decide it,
 * so the first pass finds the verdict and the second writes it.
 */
static void
pack_all(struct health *h)
{
	size_t before = buffer_used(h->out->out);
	struct packer *p = h->out;
	struct finding vm;

	enum verdict of_banyan = health_pack_checks(h);
	buffer_truncate(p->out, before);
	judge_vm(h, &vm);
	pack_head(h, verdict_worst(vm.verdict, of_banyan));
	pack_map(p, 3);
	pack_string(p, "vm");
	pack_vm(h);
	pack_string(p, "node");
	pack_node(h);
	pack_string(p, "banyan");
	pack_map(p, 3);
	pack_field_string(p, "status", verdict_name(of_banyan));
	pack_field_string(p, "mode", "gateway");
	pack_string(p, "checks");
	health_pack_checks(h);
}

/* pack_named packs one check: the same, with only that in `checks`. */
static bool
pack_named(struct health *h, const char *name)
{
	enum verdict verdict = VERDICT_OK;
	size_t before = buffer_used(h->out->out);

	for (int pass = 0; pass < 2; pass++) {
		buffer_truncate(h->out->out, before);
		pack_head(h, verdict);
		pack_map(h->out, 1);
		pack_string(h->out, name);
		if (text_is(text_of(name), "vm"))
			verdict = pack_vm(h);
		else if (text_is(text_of(name), "node"))
			verdict = pack_node(h);
		else if (!health_pack_check(h, name, &verdict))
			return false;
	}
	return true;
}

static void
fail_unknown(struct health *h, struct text name)
{
	const char *names[64] = {"vm", "node"};
	size_t count =
	    2 + health_check_names(h, names + 2, COUNT_OF(names) - 2);
	int best = text_closest(name, names, count);
	struct text hint = best >= 0
	    ? arena_printf(h->command->arena, "did you mean `%s`?", names[best])
	    : TEXT("`banyan health` lists the checks");

	command_fail(h->command, CLASS_NOT_FOUND, hint.at,
	    "there is no check `%.*s`", TEXT_ARG(name));
}

static bool
read_arguments(struct health *h, struct text *check)
{
	struct command *command = h->command;

	h->last_stage = HEALTH_STAGES;
	if (command_u64(command, "max_memory", &h->max_memory_bytes) ==
	    ERR_TYPE) {
		command_fail(command, CLASS_INVALID, NULL,
		    "`max_memory` is a number of bytes");
		return false;
	}
	if (command_u64(command, "stage", &h->last_stage) == ERR_TYPE ||
	    h->last_stage < 1 || h->last_stage > HEALTH_STAGES) {
		command_fail(command, CLASS_INVALID,
		    "1 supervision, 2 processes, 3 parts, 4 the world",
		    "`stage` is a number from 1 to %d", HEALTH_STAGES);
		return false;
	}
	if (command_text(command, "check", check) == ERR_TYPE) {
		command_fail(command, CLASS_INVALID,
		    "`banyan health` lists the checks",
		    "`check` is the name of a check");
		return false;
	}
	return true;
}

static void
look(struct worker *w, struct command *command)
{
	struct control *control = worker_state(w);
	struct health *h = ARENA_NEW(command->arena, struct health);
	struct text check = {.len = 0};
	size_t before = buffer_used(command->result->out);

	*h = (struct health){
	    .worker = w, .command = command, .out = command->result};
	if (!read_arguments(h, &check))
		return;
	struct census *census = census_take(command->arena, worker_stats(w));
	census_count_descriptors(census);
	h->census = census;
	h->process_limit = proc_most();
	h->memory_bytes = figures_runners(h->census);
	for (uint32_t i = 0; i < h->census->count; i++)
		h->memory_bytes += h->census->process[i].memory_bytes;
	if (check.len == 0) {
		pack_all(h);
	} else if (!pack_named(h, arena_string(command->arena, check))) {
		buffer_truncate(command->result->out, before);
		fail_unknown(h, check);
	}
	control->health_asked_ms = h->census->now_ms;
}

/* proved: the proof is in shared memory by now, whatever came of it. */
static void
proved(struct worker *w, struct command *command)
{
	look(w, command);
	command_finish(command);
}

void
control_cmd_health(struct worker *w, struct command *command)
{
	bool wants_proof = false;

	if (command_bool(command, "prove", &wants_proof) == ERR_TYPE) {
		command_fail(
		    command, CLASS_INVALID, NULL, "`prove` is true or false");
		return;
	}
	if (wants_proof)
		orders_prove(w, command, proved);
	else
		look(w, command);
}
