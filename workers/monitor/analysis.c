// SPDX-License-Identifier: MIT
#include "workers/monitor/analysis.h"

static const struct {
	const char *name;
	const char *recommendation;
} infos[BOTTLENECK_COUNT] = {
#define B(name, recommendation) [BOTTLENECK_##name] = {#name, recommendation},
    BOTTLENECKS(B)
#undef B
};

const char *
bottleneck_name(enum bottleneck b)
{
	return infos[b].name;
}

const char *
bottleneck_recommendation(enum bottleneck b)
{
	return infos[b].recommendation;
}

static uint64_t
grown(uint64_t before, uint64_t after)
{
	return after > before ? after - before : 0;
}

static double
percent(uint64_t part, uint64_t whole)
{
	return whole == 0 ? 0 : 100.0 * (double)part / (double)whole;
}

static const char *
severity_of(const struct analysis *a)
{
	if (a->score < 25)
		return "critical";
	if (a->score < 60)
		return "high";
	return a->bottlenecks > 0 || a->error_rate > 0 ? "medium" : "low";
}

/* look_at_process adds what one process did that both looks know. */
static void
look_at_process(struct analysis *a, const struct process_look *before,
    const struct process_look *after)
{
	double cpu =
	    percent(grown(before->cpu_us, after->cpu_us), a->duration_us);
	uint64_t wait_us = grown(before->io_wait_us, after->io_wait_us);

	if (cpu > a->hottest_percent)
		a->hottest_percent = cpu;
	if (wait_us > a->io_wait_us)
		a->io_wait_us = wait_us;
	a->read_bytes += grown(before->read_bytes, after->read_bytes);
	a->written_bytes += grown(before->written_bytes, after->written_bytes);
}

static void
look_at_processes(struct analysis *a, const struct component_look *before,
    const struct component_look *after)
{
	for (uint32_t i = 0; i < after->listed; i++)
		for (uint32_t k = 0; k < before->listed; k++)
			if (before->process[k].pid == after->process[i].pid)
				look_at_process(
				    a, &before->process[k], &after->process[i]);
}

void
analysis_make(const struct component_look *before,
    const struct component_look *after, const struct analysis_times *times,
    struct analysis *a)
{
	uint32_t processes = after->processes > 0 ? after->processes : 1;

	*a = (struct analysis){.duration_us = times->duration_us,
	    .write_p95_us = times->write_p95_us,
	    .network_p95_us = times->network_p95_us};
	a->cpu_percent = percent(grown(before->cpu_us, after->cpu_us),
	    times->duration_us * processes);
	a->hottest_percent = a->cpu_percent;
	look_at_processes(a, before, after);
	a->growth_percent =
	    percent(grown(before->memory_bytes, after->memory_bytes),
		before->memory_bytes);
	a->queue_percent = percent(after->queue, after->queue_most);
	a->allocated_bytes = grown(before->heap_bytes, after->heap_bytes);
	a->calls = grown(before->calls, after->calls);
	a->error_rate =
	    percent(grown(before->failed, after->failed), a->calls) / 100;
	if (a->error_rate > 1)
		a->error_rate = 1;
	a->has[BOTTLENECK_cpu] = a->hottest_percent > ANALYSIS_CPU_PERCENT;
	a->has[BOTTLENECK_memory_growth] =
	    a->growth_percent > ANALYSIS_GROWTH_PERCENT;
	a->has[BOTTLENECK_disk_io] = a->write_p95_us > ANALYSIS_SLOW_US ||
	    a->io_wait_us > ANALYSIS_SLOW_US;
	a->has[BOTTLENECK_network_latency] =
	    a->network_p95_us > ANALYSIS_SLOW_US;
	a->has[BOTTLENECK_queue_depth] =
	    a->queue_percent > ANALYSIS_QUEUE_PERCENT;
	for (int i = 0; i < BOTTLENECK_COUNT; i++)
		a->bottlenecks += a->has[i];
	a->score = 100 - 15.0 * a->bottlenecks - 100 * a->error_rate;
	if (a->score < 0)
		a->score = 0;
	a->severity = severity_of(a);
}

uint64_t
analysis_p95(const uint64_t *before, const uint64_t *after, uint32_t buckets,
    uint64_t (*top)(uint32_t bucket))
{
	uint64_t count = 0, seen = 0;

	for (uint32_t i = 0; i < buckets; i++)
		count += grown(before[i], after[i]);
	if (count == 0)
		return 0;
	for (uint32_t i = 0; i < buckets; i++) {
		seen += grown(before[i], after[i]);
		if (seen * 100 >= count * 95)
			return top(i);
	}
	return top(buckets - 1);
}
