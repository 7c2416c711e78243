// SPDX-License-Identifier: MIT
#include "workers/control/figures.h"

#include "protocol/pack.h"

static void
pack_counters(struct packer *p, const struct census_process *process,
    const struct figures_seen *seen)
{
	enum role role = (enum role)process->child.role;
	uint32_t count = 0;
	size_t place = pack_open(p);

	for (int id = 0; id < COUNTERS; id++) {
		if (!counter_is_of((enum counter)id, role))
			continue;
		pack_field_u64(p, counter_info((enum counter)id)->name,
		    seen->counters[process->slot][id]);
		count++;
	}
	pack_close_map(p, place, count);
}

static void
pack_histograms(struct packer *p, const struct census_process *process)
{
	enum role role = (enum role)process->child.role;
	struct stats_summary summary;
	uint32_t count = 0;
	size_t place = pack_open(p);

	for (int id = 0; id < HISTOGRAMS; id++) {
		if (!histogram_is_of((enum histogram)id, role))
			continue;
		stats_summary(process->stats, (enum histogram)id, &summary);
		pack_string(p, histogram_info((enum histogram)id)->name);
		pack_map(p, 6);
		pack_field_u64(p, "count", summary.count);
		pack_field_u64(p, "sum", summary.sum);
		pack_field_u64(p, "p50", summary.p50);
		pack_field_u64(p, "p90", summary.p90);
		pack_field_u64(p, "p99", summary.p99);
		pack_field_u64(p, "p999", summary.p999);
		count++;
	}
	pack_close_map(p, place, count);
}

/* pack_since packs the counters that rose; gauges are of now, not of a span. */
static void
pack_since(struct packer *p, const struct census_process *process,
    const struct figures_seen *seen, const struct figures_seen *before)
{
	enum role role = (enum role)process->child.role;
	uint32_t count = 0;
	size_t place = pack_open(p);

	for (int id = 0; before->seen_ms > 0 && id < COUNTERS; id++) {
		uint64_t now = seen->counters[process->slot][id];
		uint64_t then = before->counters[process->slot][id];

		if (!counter_is_of((enum counter)id, role) ||
		    counter_info((enum counter)id)->is_gauge || now <= then)
			continue;
		pack_field_u64(
		    p, counter_info((enum counter)id)->name, now - then);
		count++;
	}
	pack_close_map(p, place, count);
}

void
figures_pack_processes(struct packer *p, const struct census *census,
    const struct figures_seen *now, const struct figures_seen *before)
{
	pack_array(p, census->count);
	for (uint32_t i = 0; i < census->count; i++) {
		const struct census_process *one = &census->process[i];

		pack_map(p, 10);
		pack_field_string(
		    p, "role", role_name((enum role)one->child.role));
		pack_field_u64(p, "instance", one->child.instance);
		pack_field_u64(p, "pid", one->child.pid);
		pack_field_u64(p, "life", one->child.life);
		pack_field_u64(p, "memory_bytes", one->memory_bytes);
		pack_field_u64(p, "cpu_us", one->cpu_us);
		pack_field_u64(p, "threads", one->threads);
		pack_string(p, "counters");
		pack_counters(p, one, now);
		pack_string(p, "since_last");
		pack_since(p, one, now, before);
		pack_string(p, "histograms");
		pack_histograms(p, one);
	}
}

void
figures_take(struct figures_seen *seen, const struct census *census)
{
	seen->seen_ms = census->now_ms;
	seen->cpu_us = figures_cpu_us(census);
	seen->switches = figures_switches(census);
	for (uint32_t i = 0; i < census->count; i++) {
		const struct census_process *one = &census->process[i];

		for (int id = 0; id < COUNTERS; id++)
			seen->counters[one->slot][id] =
			    stats_get(one->stats, (enum counter)id);
	}
}

void
figures_totals(struct function_totals *to, const struct census *census,
    const struct figures_seen *seen)
{
	*to = (struct function_totals){.answered = 0};
	for (uint32_t i = 0; i < census->count; i++) {
		const struct census_process *one = &census->process[i];
		const uint64_t *counters = seen->counters[one->slot];

		if (one->child.role != ROLE_gateway)
			continue;
		to->answered += counters[COUNTER_gateway_answered];
		for (int k = 0; k < FUNCTION_COUNTS; k++)
			to->counts[k] += counters[function_count_counter(
			    (enum function_count)k)];
	}
}
