// SPDX-License-Identifier: MIT
/* health_process - the checks that are about processes: is everybody there,
 * and what is each of them like. */

#include <stdio.h>

#include "protocol/base/arena.h"
#include "protocol/base/fd.h"
#include "protocol/base/proc.h"
#include "protocol/pack.h"
#include "protocol/settings.h"
#include "workers/control/audit.h"
#include "workers/control/control.h"
#include "workers/control/health.h"
#include "workers/kit/worker.h"

/*
 * pack_where says where in the kernel a process waits, which is all of its
 * inside that can be seen without asking it; nil when it runs, or may not be
 * looked at.
 */
static void
pack_where(struct packer *p, uint32_t pid)
{
	char path[64], name[128];
	size_t bytes;

	snprintf(path, sizeof(path), "/proc/%u/wchan", pid);
	pack_string(p, "current_function");
	if (pid == 0 || fd_read_file(path, name, sizeof(name), &bytes) != OK ||
	    bytes == 0 || (bytes == 1 && name[0] == '0'))
		pack_nil(p);
	else
		pack_text(p, (struct text){.at = name, .len = (uint32_t)bytes});
}

/* pack_queue: how much waits for it, where there is a queue to count. */
static void
pack_queue(struct packer *p, const struct census_process *process)
{
	pack_string(p, "message_queue_len");
	if (process->child.role == ROLE_gateway)
		pack_u64(
		    p, stats_get(process->stats, COUNTER_gateway_in_flight));
	else if (process->child.role == ROLE_worker_pool)
		pack_u64(
		    p, stats_get(process->stats, COUNTER_worker_pool_queued));
	else
		pack_nil(p);
}

void
health_pack_process(struct packer *p, const struct census *census,
    const struct census_process *process, struct text node, uint32_t extra)
{
	const struct stats_child *c = &process->child;
	uint64_t beat_ms = atomic_load(&process->stats->heartbeat_ms);

	pack_map(p, 14 + extra);
	pack_field_string(p, "registered_name", role_name((enum role)c->role));
	pack_field_u64(p, "instance", c->instance);
	pack_string(p, "node");
	pack_text(p, node);
	pack_field_u64(p, "pid", c->pid);
	pack_field_string(
	    p, "status", child_state_name((enum child_state)c->state));
	pack_where(p, c->pid);
	pack_queue(p, process);
	pack_field_u64(p, "memory", process->memory_bytes);
	pack_field_u64(p, "total_heap_size", process->heap_bytes);
	pack_field_u64(p, "reductions", process->cpu_us);
	pack_field_u64(p, "life", c->life);
	pack_field_u64(p, "restarts", c->restarts);
	int64_t open = c->pid != 0 ? proc_descriptors((int)c->pid) : 0;
	pack_field_u64(p, "descriptors", open > 0 ? (uint64_t)open : 0);
	pack_field_u64(p, "heartbeat_age_ms",
	    beat_ms > 0 && census->now_ms > beat_ms ? census->now_ms - beat_ms
						    : 0);
}

uint64_t
health_pack_runner(
    struct packer *p, struct text runner, struct text node, uint32_t extra)
{
	static const char *const copied[] = {
	    "instance", "pid", "life", "restarts"};
	struct text role = {0}, state = {0};
	uint64_t pid = 0, bytes = 0, value;
	struct proc_memory memory = {0};
	struct proc_stat stat = {0};
	bool is_whole = unpack_field_text(runner, "role", &role) == OK &&
	    unpack_field_text(runner, "state", &state) == OK &&
	    unpack_field_u64(runner, "pid", &pid) == OK &&
	    unpack_field_u64(runner, "memory_bytes", &bytes) == OK;

	if (pid != 0 &&
	    (!proc_memory((int)pid, &memory) || !proc_stat((int)pid, &stat)))
		stat = (struct proc_stat){0}; /* gone meanwhile */
	pack_map(p, 13 + extra);
	pack_string(p, "registered_name");
	pack_text(p, is_whole ? role : TEXT("?"));
	pack_string(p, "node");
	pack_text(p, node);
	pack_string(p, "status");
	pack_text(p, state);
	pack_where(p, (uint32_t)pid);
	pack_string(p, "message_queue_len");
	pack_nil(p);
	pack_field_u64(p, "memory", bytes);
	pack_field_u64(p, "total_heap_size", memory.data_bytes);
	pack_field_u64(p, "reductions", stat.user_us + stat.system_us);
	int64_t open = pid != 0 ? proc_descriptors((int)pid) : 0;
	pack_field_u64(p, "descriptors", open > 0 ? (uint64_t)open : 0);
	for (size_t i = 0; i < COUNT_OF(copied); i++) {
		value = 0;
		if (unpack_field_u64(runner, copied[i], &value) != OK)
			value = 0; /* it did not say */
		pack_field_u64(p, copied[i], value);
	}
	return pid;
}

/* next_of: what to type about a process that is not well. */
static const char *
next_of(struct health *h, const struct stats_child *c, const char *reason)
{
	const char *verb = "why";
	const char *name = role_name((enum role)c->role);
	struct arena *arena = h->command->arena;

	if (text_is(text_of(reason), "paused"))
		verb = "resume";
	else if (text_is(text_of(reason), "stopped"))
		verb = "start";
	else if (text_is(text_of(reason), "disk_refuses_writes") ||
	    text_is(text_of(reason), "audit_log_unwritable"))
		return "banyan doctor";
	else if (text_is(text_of(reason), "service_unreachable"))
		return "banyan services";
	else if (text_is(text_of(reason), "descriptors_short"))
		verb =
		    "why"; /* a pool that can open nothing, not its runners */
	else if (c->role == ROLE_worker_pool && c->state == CHILD_UP)
		return "banyan pools";
	if (c->instance == 0)
		return arena_printf(arena, "banyan %s %s", verb, name).at;
	return arena_printf(arena, "banyan %s %s/%u", verb, name, c->instance)
	    .at;
}

static void
judge(
    struct health *h, const struct census_process *process, struct finding *to)
{
	to->verdict = verdict_of_process(process, &to->reason);
	if (to->verdict == VERDICT_OK && process->child.role == ROLE_control &&
	    !audit_is_well(h->worker)) {
		to->verdict = VERDICT_DEGRADED;
		to->reason = "audit_log_unwritable";
	}
	to->descriptors = process->descriptors;
	to->descriptor_limit =
	    verdict_is_short(process) ? process->descriptor_limit : 0;
	to->next =
	    to->reason != NULL ? next_of(h, &process->child, to->reason) : NULL;
}

/* pack_single is the check of a role with one process. */
static enum verdict
pack_single(struct health *h, const struct census_process *process)
{
	struct packer *p = h->out;
	struct finding found;

	judge(h, process, &found);
	health_put_finding(p, &found, 3);
	pack_field_string(
	    p, "registered_name", role_name((enum role)process->child.role));
	pack_string(p, "pid");
	if (process->child.pid != 0)
		pack_u64(p, process->child.pid);
	else
		pack_nil(p);
	pack_string(p, "process");
	health_pack_process(p, h->census, process,
	    settings_text(worker_settings(h->worker), SETTING_node), 0);
	return found.verdict;
}

/* pack_several is the check of a role with instances. */
static enum verdict
pack_several(struct health *h, uint32_t role)
{
	struct packer *p = h->out;
	struct finding all = {.verdict = VERDICT_OK}, one;
	uint32_t count = 0, alive = 0;

	for (uint32_t i = 0; i < h->census->count; i++) {
		const struct census_process *process = &h->census->process[i];

		if (process->child.role != role)
			continue;
		count++;
		judge(h, process, &one);
		alive += one.verdict != VERDICT_ERROR;
		if (one.verdict == VERDICT_OK)
			continue;
		all = one;
		all.verdict = VERDICT_DEGRADED;
	}
	if (alive == 0)
		all.verdict = VERDICT_ERROR;
	else if (alive < count)
		all.reason = "partial_failure";
	health_put_finding(p, &all, 2);
	pack_field_u64(p, "instance_count", count);
	pack_field_u64(p, "alive_instances", alive);
	return all.verdict;
}

enum verdict
health_pack_role(struct health *h, uint32_t at)
{
	const struct census_process *one = &h->census->process[at];

	if (one->child.instance == 0)
		return pack_single(h, one);
	return pack_several(h, one->child.role);
}
