// SPDX-License-Identifier: MIT
/*
 * figures_vm - what the reference tells of its virtual machine, told of a tree
 * of processes (spec 11.10): children for processes, processor time for
 * reductions, descriptors for ports, shared segments for tables.
 */

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "protocol/base/fd.h"
#include "protocol/base/proc.h"
#include "protocol/pack.h"
#include "workers/control/figures.h"
#include "workers/kit/worker.h"

uint64_t
figures_segment_bytes(const struct worker *w, int fd)
{
	struct stat facts;

	if (fstat(worker_segment_fd(w, (enum handover_fd)fd), &facts) != 0)
		return 0;
	return (uint64_t)facts.st_blocks * 512;
}

uint64_t
figures_store_bytes(const struct worker *w, const char *folder)
{
	struct stat facts;
	char path[512];

	snprintf(
	    path, sizeof(path), "%s/%s/data.mdb", worker_state_dir(w), folder);
	return stat(path, &facts) == 0 ? (uint64_t)facts.st_blocks * 512 : 0;
}

uint64_t
figures_tables(const struct worker *w)
{
	uint64_t bytes = 0;

	for (int fd = FD_STATS; fd <= FD_ROUTES; fd++)
		bytes += figures_segment_bytes(w, fd);
	return bytes;
}

uint64_t
figures_cpu_us(const struct census *census)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < census->count; i++)
		sum += census->process[i].cpu_us;
	return sum;
}

static uint64_t
switches_of(uint32_t pid)
{
	char path[64], text[4096];
	size_t bytes;
	unsigned long long willing = 0, forced = 0;

	snprintf(path, sizeof(path), "/proc/%u/status", pid);
	if (pid == 0 || fd_read_file(path, text, sizeof(text), &bytes) != OK)
		return 0;
	const char *at = strstr(text, "\nvoluntary_ctxt_switches:");
	if (at == NULL ||
	    sscanf(at,
		"\nvoluntary_ctxt_switches: %llu\nnonvoluntary_ctxt_switches: "
		"%llu",
		&willing, &forced) < 1)
		return 0;
	return willing + forced;
}

uint64_t
figures_switches(const struct census *census)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < census->count; i++)
		sum += switches_of(census->process[i].child.pid);
	return sum;
}

static uint64_t
rise(uint64_t now, uint64_t before)
{
	return now > before ? now - before : 0;
}

static void
pack_pair(struct packer *p, const char *key, uint64_t total, uint64_t since)
{
	pack_string(p, key);
	pack_array(p, 2);
	pack_u64(p, total);
	pack_u64(p, since);
}

uint64_t
figures_runners(const struct census *census)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < census->count; i++) {
		const struct census_process *one = &census->process[i];

		if (one->child.role == ROLE_worker_pool && one->child.pid != 0)
			bytes += stats_get(
			    one->stats, COUNTER_worker_pool_runners_bytes);
	}
	return bytes;
}

/* A process's own memory is what the reference calls its processes', the rest
 * of what is resident (programs, libraries, shared tables) the system's. */
void
figures_pack_memory(
    struct packer *p, const struct census *census, const struct worker *w)
{
	uint64_t runners = figures_runners(census);
	uint64_t total = runners, own = runners, code = 0;

	for (uint32_t i = 0; i < census->count; i++) {
		total += census->process[i].memory_bytes;
		own += census->process[i].own_bytes;
		code += census->process[i].code_bytes;
	}
	pack_string(p, "memory");
	pack_map(p, 7);
	pack_field_u64(p, "total", total);
	pack_field_u64(p, "runners", runners);
	pack_field_u64(p, "processes", own);
	pack_field_u64(p, "processes_used", own);
	pack_field_u64(p, "system", total > own ? total - own : 0);
	pack_field_u64(p, "code", code);
	pack_field_u64(p, "ets", figures_tables(w));
}

/* descriptors counts them now; the kit's gauge is as old as its last look. */
static uint64_t
descriptors(const struct census *census)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < census->count; i++) {
		uint32_t pid = census->process[i].child.pid;
		int64_t open = pid != 0 ? proc_descriptors((int)pid) : 0;

		sum += open > 0 ? (uint64_t)open : 0;
	}
	return sum;
}

void
figures_pack_vm(struct packer *p, const struct census *census,
    const struct figures_seen *now, const struct figures_seen *before,
    struct worker *w)
{
	bool is_first = before->seen_ms == 0;
	uint64_t cpu_us = now->cpu_us;
	uint64_t switches = now->switches;
	uint64_t cpu_since = is_first ? 0 : rise(cpu_us, before->cpu_us);
	uint64_t began_ms = census->process[0].child.started_ms;

	pack_map(p, 14);
	pack_field_u64(p, "process_count", census->count);
	pack_field_u64(p, "process_limit", proc_most());
	pack_field_u64(p, "port_count", descriptors(census));
	pack_field_u64(p, "ets_count", FD_ROUTES - FD_STATS + 1);
	pack_field_u64(
	    p, "schedulers", (uint64_t)sysconf(_SC_NPROCESSORS_CONF));
	pack_field_u64(
	    p, "schedulers_online", (uint64_t)sysconf(_SC_NPROCESSORS_ONLN));
	figures_pack_memory(p, census, w);
	pack_pair(p, "reductions", cpu_us, cpu_since);
	pack_pair(p, "exact_reductions", cpu_us, cpu_since);
	pack_pair(p, "runtime", cpu_us / 1000, cpu_since / 1000);
	pack_string(p, "garbage_collection"); /* nothing here collects */
	pack_array(p, 3);
	for (int i = 0; i < 3; i++)
		pack_u64(p, 0);
	pack_pair(p, "context_switches", switches,
	    is_first ? 0 : rise(switches, before->switches));
	pack_string(p, "scheduler_wall_time");
	pack_nil(p);
	pack_pair(p, "uptime", rise(census->now_ms, began_ms),
	    is_first ? 0 : rise(census->now_ms, before->seen_ms));
}
