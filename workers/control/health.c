// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * The shape is that of the reference's health_check, worst-of at each level.
 * Nobody is asked: the supervisor's table, the counters and /proc say it all,
 * so a hung role shows as what it is and cannot hang the answer.
 */

#include <sys/resource.h>
#include <unistd.h>

#include "protocol/base/arena.h"
#include "protocol/base/fd.h"
#include "protocol/pack.h"
#include "protocol/settings.h"
#include "protocol/census.h"
#include "workers/control/control.h"
#include "protocol/verdict.h"
#include "workers/kit/worker.h"

struct health {
	struct worker *worker;
	struct command *command;
	const struct census *census;
	uint64_t max_memory_bytes; /* 0: no limit */
	uint64_t memory_bytes;
	uint64_t process_limit;
};

static void
put_status(struct packer *p, enum verdict verdict)
{
	pack_field_string(p, "status", verdict_name(verdict));
}

/* --- vm: the machine as the tree sees it --- */

static uint64_t
process_limit(void)
{
	struct rlimit limit;
	char line[32];
	size_t bytes;
	uint64_t most = 32768;

	if (getrlimit(RLIMIT_NPROC, &limit) == 0 &&
	    limit.rlim_cur != RLIM_INFINITY)
		return limit.rlim_cur;
	if (fd_read_file(
		"/proc/sys/kernel/pid_max", line, sizeof(line), &bytes) == OK &&
	    bytes > 0 &&
	    text_to_u64((struct text){.at = line, .len = (uint32_t)bytes - 1},
		&most) != OK)
		return 32768;
	return most;
}

static enum verdict
vm_verdict(const struct health *h)
{
	if (h->census->count * 10 >= h->process_limit * 9)
		return VERDICT_DEGRADED;
	if (h->max_memory_bytes > 0 && h->memory_bytes > h->max_memory_bytes)
		return VERDICT_DEGRADED;
	return VERDICT_OK;
}

static void
pack_vm(const struct health *h)
{
	struct packer *p = h->command->result;
	struct control *control = worker_state(h->worker);
	uint64_t now_ms = h->census->now_ms;
	uint64_t began_ms = h->census->process[0].child.started_ms;

	pack_map(p, 7);
	put_status(p, vm_verdict(h));
	pack_field_u64(p, "process_count", h->census->count);
	pack_field_u64(p, "process_limit", h->process_limit);
	pack_string(p, "memory");
	pack_map(p, 2);
	pack_field_u64(p, "total", h->memory_bytes);
	pack_field_u64(p, "processes", h->memory_bytes);
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
	control->health_asked_ms = now_ms;
}

static void
pack_node(const struct health *h)
{
	struct packer *p = h->command->result;

	pack_map(p, 4);
	put_status(p, VERDICT_OK);
	pack_string(p, "node");
	pack_text(p, settings_text(worker_settings(h->worker), SETTING_node));
	pack_string(p, "alive");
	pack_bool(p, true);
	pack_string(p, "connected_nodes");
	pack_array(p, 0);
}

/* --- banyan: its processes --- */

static void
pack_process(const struct health *h, const struct census_process *process)
{
	struct packer *p = h->command->result;
	const struct stats_child *c = &process->child;
	uint64_t beat_ms = atomic_load(&process->stats->heartbeat_ms);

	pack_map(p, 8);
	pack_field_string(p, "registered_name", role_name((enum role)c->role));
	pack_field_u64(p, "pid", c->pid);
	pack_field_string(
	    p, "status", child_state_name((enum child_state)c->state));
	pack_field_u64(p, "life", c->life);
	pack_field_u64(p, "restarts", c->restarts);
	pack_field_u64(p, "memory", process->memory_bytes);
	pack_field_u64(p, "descriptors",
	    stats_get(process->stats, COUNTER_process_descriptors));
	pack_field_u64(p, "heartbeat_age_ms",
	    beat_ms > 0 && h->census->now_ms > beat_ms
		? h->census->now_ms - beat_ms
		: 0);
}

/* pack_single is the check of a role with one process. */
static enum verdict
pack_single(const struct health *h, const struct census_process *process)
{
	struct packer *p = h->command->result;
	struct control *control = worker_state(h->worker);
	const char *reason = NULL;
	enum verdict v = verdict_of_process(process, &reason);

	if (v == VERDICT_OK && process->child.role == ROLE_control &&
	    control->audit_fails) {
		v = VERDICT_DEGRADED;
		reason = "audit_log_unwritable";
	}
	pack_map(p, reason != NULL ? 5 : 4);
	put_status(p, v);
	pack_field_string(
	    p, "registered_name", role_name((enum role)process->child.role));
	pack_string(p, "pid");
	if (process->child.pid != 0)
		pack_u64(p, process->child.pid);
	else
		pack_nil(p);
	if (reason != NULL)
		pack_field_string(p, "reason", reason);
	pack_string(p, "process");
	pack_process(h, process);
	return v;
}

/* pack_several is the check of a role with instances. */
static enum verdict
pack_several(const struct health *h, enum role role)
{
	struct packer *p = h->command->result;
	uint32_t count = 0;
	uint32_t alive = 0;
	const char *reason = NULL;
	enum verdict v = VERDICT_OK;

	for (uint32_t i = 0; i < h->census->count; i++) {
		const struct census_process *one = &h->census->process[i];
		const char *its_reason = NULL;

		if (one->child.role != (uint32_t)role)
			continue;
		count++;
		enum verdict its = verdict_of_process(one, &its_reason);
		alive += its != VERDICT_ERROR;
		if (its != VERDICT_OK) {
			v = VERDICT_DEGRADED;
			reason = its_reason;
		}
	}
	if (alive == 0)
		v = VERDICT_ERROR;
	else if (alive < count)
		reason = "partial_failure";
	pack_map(p, reason != NULL ? 4 : 3);
	put_status(p, v);
	pack_field_u64(p, "instance_count", count);
	pack_field_u64(p, "alive_instances", alive);
	if (reason != NULL)
		pack_field_string(p, "reason", reason);
	return v;
}

static enum verdict
pack_supervision(const struct health *h)
{
	struct packer *p = h->command->result;
	uint32_t children = 0;
	uint32_t running = 0;
	const char *reason = NULL;

	for (uint32_t i = 0; i < h->census->count; i++) {
		const struct census_process *one = &h->census->process[i];

		if (!census_is_child(one))
			continue;
		children++;
		running += one->child.state == CHILD_UP;
	}
	enum verdict v =
	    verdict_of_tree(h->census->flags, children, running, &reason);
	pack_map(p, reason != NULL ? 4 : 3);
	put_status(p, v);
	pack_field_u64(p, "children_count", children);
	pack_field_u64(p, "running", running);
	if (reason != NULL)
		pack_field_string(p, "reason", reason);
	return v;
}

/* first_of: is this the first process of its role? Instances share a check. */
static bool
is_first_of_role(const struct census *census, uint32_t at)
{
	for (uint32_t i = 0; i < at; i++)
		if (census->process[i].child.role ==
		    census->process[at].child.role)
			return false;
	return true;
}

static enum verdict
pack_checks(const struct health *h)
{
	struct packer *p = h->command->result;
	enum verdict worst = VERDICT_OK;
	uint32_t count = 1;

	size_t place = pack_open(p);
	for (uint32_t i = 0; i < h->census->count; i++) {
		const struct census_process *one = &h->census->process[i];
		enum role role = (enum role)one->child.role;

		if (!census_is_child(one) || !is_first_of_role(h->census, i))
			continue;
		pack_string(p, role_name(role));
		worst = verdict_worst(worst,
		    one->child.instance == 0 ? pack_single(h, one)
					     : pack_several(h, role));
		count++;
	}
	pack_string(p, "supervision_tree");
	worst = verdict_worst(worst, pack_supervision(h));
	pack_close_map(p, place, count);
	return worst;
}

/*
 * pack_all packs twice: the status stands before the checks that decide it,
 * so the first pass finds the verdict and the second writes it.
 */
static enum verdict
pack_all(const struct health *h, enum verdict of_banyan)
{
	struct packer *p = h->command->result;
	enum verdict all = verdict_worst(vm_verdict(h), of_banyan);

	pack_map(p, 4);
	put_status(p, all);
	pack_string(p, "node");
	pack_text(p, settings_text(worker_settings(h->worker), SETTING_node));
	pack_field_u64(p, "checked_at_ms", h->census->wall_ms);
	pack_string(p, "checks");
	pack_map(p, 3);
	pack_string(p, "vm");
	pack_vm(h);
	pack_string(p, "node");
	pack_node(h);
	pack_string(p, "banyan");
	pack_map(p, 3);
	put_status(p, of_banyan);
	pack_field_string(p, "mode", "gateway");
	pack_string(p, "checks");
	return pack_checks(h);
}

void
control_cmd_health(struct worker *w, struct command *command)
{
	struct health h = {.worker = w, .command = command};
	size_t before = buffer_used(command->result->out);

	h.census = census_take(command->arena, worker_stats(w));
	h.process_limit = process_limit();
	if (command_u64(command, "max_memory", &h.max_memory_bytes) ==
	    ERR_TYPE) {
		command_fail(command, CLASS_INVALID, NULL,
		    "`max_memory` is a number of bytes");
		return;
	}
	for (uint32_t i = 0; i < h.census->count; i++)
		h.memory_bytes += h.census->process[i].memory_bytes;
	enum verdict found = pack_checks(&h);
	buffer_truncate(command->result->out, before);
	pack_all(&h, found);
}
