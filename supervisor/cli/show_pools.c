// SPDX-License-Identifier: MIT
/* show_pools - pools in a few lines each: state, lifecycle, quarantine. */

#include "protocol/pack.h"
#include "supervisor/cli/show.h"

static void
say_u64(struct view *v, const char *name, uint64_t value, const char *unit)
{
	view_print(v, "  %-17s%llu%s\n", name, (unsigned long long)value, unit);
}

static enum colour
circuit_colour(struct text state)
{
	return text_is(state, "closed") ? GREEN
	    : text_is(state, "open")    ? RED
					: YELLOW;
}

static void
say_pool(struct view *v, struct text pool)
{
	struct text circuit = show_text(pool, "circuit");

	view_paint(v, BOLD, "%.*s", TEXT_ARG(show_text(pool, "name")));
	view_print(v, " (");
	view_text(v, show_text(pool, "profile"));
	view_print(v, ")\n");
	view_print(v, "  %-17s%llu (%llu available, %llu busy)\n",
	    "Workers:", (unsigned long long)show_u64(pool, "workers"),
	    (unsigned long long)show_u64(pool, "available"),
	    (unsigned long long)show_u64(pool, "busy"));
	say_u64(v, "Queued:", show_u64(pool, "queued"), "");
	say_u64(v, "Requests:", show_u64(pool, "requests"), "");
	say_u64(v, "Errors:", show_u64(pool, "errors"), "");
	say_u64(v, "Queue timeouts:", show_u64(pool, "queue_timeouts"), "");
	say_u64(v, "Saturated:", show_u64(pool, "pool_saturated"), "");
	view_print(v, "  %-17s", "Circuit:");
	view_paint(v, circuit_colour(circuit), "%.*s", TEXT_ARG(circuit));
	view_print(v, "\n");
}

enum cli_exit
show_pools(struct view *v, struct text result)
{
	struct unpacker u;
	struct text pool;
	uint32_t count = show_array(result, "pools", &u);

	if (count == 0)
		view_print(v, "There are no pools.\n");
	for (uint32_t i = 0; i < count && unpack_raw(&u, &pool) == OK; i++) {
		if (i > 0)
			view_print(v, "\n");
		say_pool(v, pool);
	}
	return CLI_OK;
}

/* ---- lifecycle ----------------------------------------------------------- */

enum cli_exit
show_lifecycle(struct view *v, struct text result)
{
	struct unpacker u;
	struct table t;
	struct text pool;
	uint32_t count = show_array(result, "pools", &u);

	view_print(v,
	    "Workers: %llu, near their age: %llu, near their number "
	    "of calls: %llu, calls served: %llu\n\n",
	    (unsigned long long)show_u64(result, "total_workers"),
	    (unsigned long long)show_u64(result, "workers_near_ttl"),
	    (unsigned long long)show_u64(result, "workers_near_max_requests"),
	    (unsigned long long)show_u64(result, "total_requests"));
	table_begin(&t, v,
	    "POOL|WORKERS|NEAR TTL|NEAR MAX|REQUESTS|RECYCLED|BY MEMORY",
	    "lrrrrrr");
	for (uint32_t i = 0; i < count && unpack_raw(&u, &pool) == OK; i++) {
		table_text(&t, BOLD, show_text(pool, "name"));
		table_u64(&t, show_u64(pool, "workers"));
		table_u64(&t, show_u64(pool, "workers_near_ttl"));
		table_u64(&t, show_u64(pool, "workers_near_max_requests"));
		table_u64(&t, show_u64(pool, "requests"));
		table_u64(&t, show_u64(pool, "recycles"));
		table_u64(&t, show_u64(pool, "memory_recycles"));
	}
	table_end(&t);
	return CLI_OK;
}

/* ---- check and plan ------------------------------------------------------ */

static void
say_check(struct view *v, struct text pool)
{
	struct text status = show_text(pool, "status");
	double used = show_f64(pool, "utilization_percent");
	bool is_well = text_is(status, "ok");
	bool is_there = !text_is(status, "error");

	view_paint(v,
	    is_well        ? GREEN
		: is_there ? YELLOW
			   : RED,
	    "%s",
	    is_well        ? "✓"
		: is_there ? "⚠"
			   : "✗");
	view_print(v, " ");
	view_text(v, show_text(pool, "name"));
	if (is_well)
		view_print(v, ": healthy (%.2f %%)\n", used);
	else if (is_there)
		view_print(v, ": at %.2f %%: approaching saturation\n", used);
	else
		view_print(v, ": not running: no worker is there\n");
}

enum cli_exit
show_pools_check(struct view *v, struct text result)
{
	struct unpacker u;
	struct text pool;
	uint32_t count = show_array(result, "pools", &u);

	for (uint32_t i = 0; i < count && unpack_raw(&u, &pool) == OK; i++)
		say_check(v, pool);
	return show_exit_of("pools.check", result);
}

enum cli_exit
show_pools_plan(struct view *v, struct text result)
{
	struct unpacker u;
	struct table t;
	struct text pool;
	uint32_t count = show_array(result, "pools", &u);

	view_print(v, "Memory of %llu workers like those there are:\n\n",
	    (unsigned long long)show_u64(result, "workers"));
	table_begin(&t, v, "POOL|NOW|MB EACH|MB THEN", "lrrr");
	for (uint32_t i = 0; i < count && unpack_raw(&u, &pool) == OK; i++) {
		table_text(&t, BOLD, show_text(pool, "name"));
		table_u64(&t, show_u64(pool, "worker_count"));
		table_cell(&t, PLAIN, "%.2f",
		    show_f64(pool, "avg_memory_per_worker_mb"));
		table_cell(&t, PLAIN, "%.2f", show_f64(pool, "planned_mb"));
	}
	table_end(&t);
	return CLI_OK;
}

/* ---- quarantine ---------------------------------------------------------- */

enum cli_exit
show_quarantine(struct view *v, struct text result)
{
	struct unpacker u;
	struct table t;
	struct text entry;
	uint32_t count = show_array(result, "entries", &u);

	if (count == 0) {
		view_print(v, "No call is in quarantine.\n");
		return CLI_OK;
	}
	table_begin(&t, v,
	    "FINGERPRINT|POOL|SERVICE|FUNCTION|DEATHS|REFUSED|LEFT", "llllrrr");
	for (uint32_t i = 0; i < count && unpack_raw(&u, &entry) == OK; i++) {
		table_text(&t, BOLD, show_text(entry, "fingerprint"));
		table_text(&t, PLAIN, show_text(entry, "pool"));
		table_text(&t, PLAIN, show_text(entry, "service"));
		table_text(&t, PLAIN, show_text(entry, "function"));
		table_u64(&t, show_u64(entry, "deaths"));
		table_u64(&t, show_u64(entry, "refused"));
		table_text(
		    &t, PLAIN, view_span(v->arena, show_u64(entry, "left_ms")));
	}
	table_end(&t);
	view_print(v, "\nLet one out: banyan quarantine clear FINGERPRINT\n");
	return CLI_OK;
}
