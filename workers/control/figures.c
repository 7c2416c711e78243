// SPDX-License-Identifier: MIT
/* figures - `banyan stats`: the counters of every process, told from shared
 * memory without asking any of them. */

#include "protocol/pack.h"
#include "protocol/settings.h"
#include "protocol/census.h"
#include "workers/control/control.h"
#include "workers/kit/worker.h"

static void
pack_counters(struct packer *p, const struct census_process *process)
{
	enum role role = (enum role)process->child.role;
	uint32_t count = 0;
	size_t place = pack_open(p);

	for (int id = 0; id < COUNTERS; id++) {
		if (!counter_is_of((enum counter)id, role))
			continue;
		pack_field_u64(p, counter_info((enum counter)id)->name,
		    stats_get(process->stats, (enum counter)id));
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

void
control_cmd_stats(struct worker *w, struct command *command)
{
	const struct census *census =
	    census_take(command->arena, worker_stats(w));
	struct packer *p = command->result;

	pack_map(p, 3);
	pack_string(p, "node");
	pack_text(p, settings_text(worker_settings(w), SETTING_node));
	pack_field_u64(p, "collected_at_ms", census->wall_ms);
	pack_string(p, "processes");
	pack_array(p, census->count);
	for (uint32_t i = 0; i < census->count; i++) {
		const struct census_process *one = &census->process[i];

		pack_map(p, 7);
		pack_string(p, "role");
		pack_string(p, role_name((enum role)one->child.role));
		pack_field_u64(p, "instance", one->child.instance);
		pack_field_u64(p, "pid", one->child.pid);
		pack_field_u64(p, "life", one->child.life);
		pack_field_u64(p, "memory_bytes", one->memory_bytes);
		pack_string(p, "counters");
		pack_counters(p, one);
		pack_string(p, "histograms");
		pack_histograms(p, one);
	}
}
