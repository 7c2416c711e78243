// SPDX-License-Identifier: MIT
/* commands - what operators ask about pools as a whole. */

#include <stdlib.h>

#include "protocol/pack.h"
#include "workers/worker_pool/report.h"
#include "workers/worker_pool/snapshot.h"

enum {
	SATURATED_PERCENT = 80, /* when --threshold says nothing */
};

/* What `banyan pools` adds up. */
struct figures {
	struct pool_counts counts;
	uint64_t workers, available, busy, idle, waiting;
};

static uint64_t
alive(const struct crew *crew)
{
	uint64_t count = 0;

	for (uint32_t i = 0; i < crew->runner_count; i++)
		count += child_lives(crew->runners[i].child);
	return count;
}

static void
read_figures(const struct crew *crew, struct figures *f)
{
	uint64_t ready = pool_ready(crew->pool);

	*f = (struct figures){.counts = *pool_counts(crew->pool),
	    .workers = alive(crew),
	    .available = pool_available(crew->pool),
	    .busy = pool_busy(crew->pool),
	    .waiting = pool_waiting(crew->pool)};
	f->idle = ready > f->busy ? ready - f->busy : 0;
}

static void
add(struct figures *sum, const struct figures *f)
{
	sum->counts.requests += f->counts.requests;
	sum->counts.queued += f->counts.queued;
	sum->counts.executed += f->counts.executed;
	sum->counts.errors += f->counts.errors;
	sum->counts.queue_timeouts += f->counts.queue_timeouts;
	sum->counts.saturated += f->counts.saturated;
	sum->workers += f->workers;
	sum->available += f->available;
	sum->busy += f->busy;
	sum->idle += f->idle;
	sum->waiting += f->waiting;
}

enum {
	FIGURE_FIELDS = 14
};

static void
pack_figures(struct packer *p, const struct figures *f)
{
	pack_field_u64(p, "requests", f->counts.requests);
	pack_field_u64(p, "queued", f->waiting);
	pack_field_u64(p, "queued_total", f->counts.queued);
	pack_field_u64(p, "errors", f->counts.errors);
	pack_field_u64(p, "queue_timeouts", f->counts.queue_timeouts);
	pack_field_u64(p, "pool_saturated", f->counts.saturated);
	pack_field_u64(p, "workers", f->workers);
	pack_field_u64(p, "available", f->available);
	pack_field_u64(p, "busy", f->busy);
	/* the same in the words of gateway 7.8 */
	pack_field_u64(p, "idle_workers", f->idle);
	pack_field_u64(p, "busy_workers", f->busy);
	pack_field_u64(p, "queued_tasks", f->waiting);
	pack_field_u64(p, "total_tasks_executed", f->counts.executed);
	pack_field_u64(p, "total_tasks_failed", f->counts.errors);
}

static void
pack_pool(struct packer *p, const struct crew *crew, const struct figures *f,
    uint64_t now_ms)
{
	enum breaker_state state =
	    breaker_state(pool_breaker(crew->pool), now_ms);

	pack_map(p, FIGURE_FIELDS + 5);
	pack_string(p, "name");
	pack_text(p, crew->spec->name);
	pack_field_string(
	    p, "profile", pool_profile_word(crew->spec->worker_profile));
	pack_field_u64(p, "pool_size", crew->runner_count);
	pack_field_string(p, "circuit", breaker_word(state));
	pack_field_bool(p, "circuit_open", state != BREAKER_CLOSED);
	pack_figures(p, f);
}

/* worker_pool_cmd_pools answers `banyan pools`: one map a pool, and sums. */
void
worker_pool_cmd_pools(struct worker *w, struct command *command)
{
	struct worker_pool *wp = worker_state(w);
	struct packer *p = command->result;
	uint64_t now_ms = loop_now_ms(wp->loop);
	struct figures sum = {0}, f;

	pack_map(p, 2);
	pack_string(p, "pools");
	pack_array(p, wp->crew_count);
	for (uint32_t i = 0; i < wp->crew_count; i++) {
		read_figures(&wp->crews[i], &f);
		add(&sum, &f);
		pack_pool(p, &wp->crews[i], &f, now_ms);
	}
	pack_string(p, "total");
	pack_map(p, FIGURE_FIELDS);
	pack_figures(p, &sum);
}

/* percent_of reads a number with or without a fraction; text and numbers. */
static bool
percent_of(struct command *command, const char *key, double *percent)
{
	uint64_t whole;
	struct text text;
	char *end;

	if (command_u64(command, key, &whole) == OK) {
		*percent = (double)whole;
		return whole <= 100;
	}
	if (command_text(command, key, &text) != OK)
		return command_value(command, key, &text) != OK;
	*percent = strtod(arena_string(command->arena, text), &end);
	return *end == '\0' && text.len > 0 && *percent >= 0 && *percent <= 100;
}

void
worker_pool_cmd_pools_check(struct worker *w, struct command *command)
{
	struct worker_pool *wp = worker_state(w);
	struct packer *p = command->result;
	double threshold = SATURATED_PERCENT;
	struct inspect_pool pool;
	bool is_healthy = true;

	if (!percent_of(command, "threshold", &threshold)) {
		command_fail(command, CLASS_INVALID,
		    "banyan pools check --threshold 80",
		    "--threshold is a percentage from 0 to 100");
		return;
	}
	pack_map(p, 3);
	pack_string(p, "threshold_percent");
	pack_f64(p, threshold);
	pack_string(p, "pools");
	pack_array(p, wp->crew_count);
	for (uint32_t i = 0; i < wp->crew_count; i++) {
		snapshot_take(
		    &wp->crews[i], SNAPSHOT_LOAD, command->arena, &pool);
		is_healthy =
		    report_saturation(p, &pool, threshold) && is_healthy;
	}
	pack_field_string(p, "status", is_healthy ? "ok" : "warning");
}

static void
pack_plan(struct packer *p, const struct inspect_pool *pool, uint64_t workers)
{
	struct inspect_memory memory;
	struct inspect_stats stats;

	inspect_memory(pool, &memory);
	inspect_stats(pool, &stats);
	pack_map(p, 4);
	pack_string(p, "name");
	pack_text(p, pool->spec->name);
	pack_field_u64(p, "worker_count", stats.worker_count);
	pack_string(p, "avg_memory_per_worker_mb");
	pack_f64(p, memory.avg_mb);
	pack_string(p, "planned_mb");
	pack_f64(p, inspect_plan_mb(&memory, workers));
}

void
worker_pool_cmd_pools_plan(struct worker *w, struct command *command)
{
	struct worker_pool *wp = worker_state(w);
	struct packer *p = command->result;
	struct inspect_pool pool;
	uint64_t workers;

	if (command_u64(command, "workers", &workers) != OK || workers == 0 ||
	    workers > UINT32_MAX) {
		command_fail(command, CLASS_INVALID,
		    "banyan pools plan --workers 200",
		    "--workers is how many there shall be");
		return;
	}
	pack_map(p, 2);
	pack_field_u64(p, "workers", workers);
	pack_string(p, "pools");
	pack_array(p, wp->crew_count);
	for (uint32_t i = 0; i < wp->crew_count; i++) {
		snapshot_take(
		    &wp->crews[i], SNAPSHOT_RSS, command->arena, &pool);
		pack_plan(p, &pool, workers);
	}
}
