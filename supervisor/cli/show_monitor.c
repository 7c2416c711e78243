// SPDX-License-Identifier: MIT
/* show_monitor - what the monitor's HTTP told, as pages: `monitor status` and
 * the reports. */

#include "protocol/base/arena.h"
#include "protocol/pack.h"
#include "supervisor/cli/show.h"

static void
row(struct table *t, const char *name, enum colour colour, struct text value)
{
	table_cell(t, BOLD, "%s", name);
	table_text(t, colour, value);
}

static enum colour
colour_of(struct text status)
{
	return text_is(status, "healthy") || text_is(status, "ok") ? GREEN
	    : text_is(status, "degraded")                          ? YELLOW
	    : status.len == 0                                      ? DIM
								   : RED;
}

/* scored is "healthy, score 0.98", or a dash when nobody said. */
static struct text
scored(struct arena *a, struct text of)
{
	struct text status = show_text(of, "status");

	if (status.len == 0)
		return TEXT("-");
	return arena_printf(a, "%.*s, score %.2f", TEXT_ARG(status),
	    show_f64(of, "health_score"));
}

static struct text
payload_of(struct text result, const char *part)
{
	return show_map(show_map(result, part), "payload");
}

static struct text
when_of(struct arena *a, struct text of, const char *key, const char *never)
{
	double at = show_f64(of, key);

	return at > 0 ? view_when(a, (uint64_t)(at * 1000)) : text_of(never);
}

static struct text
or_dash(struct text t)
{
	return t.len > 0 ? t : TEXT("-");
}

/* health_row takes the word and the score from whichever page was asked. */
static bool
health_row(struct table *t, struct arena *a, struct text payload)
{
	struct text whole =
	    show_map(show_map(payload, "health_summary"), "overall");
	struct text one = show_map(payload, "cluster");
	struct text all = show_map(payload, "federation_health");
	struct text from = all, word = show_text(all, "overall_status");

	if (word.len == 0) {
		from = show_text(one, "status").len > 0 ? one : whole;
		word = show_text(from, "status");
	}
	if (word.len == 0)
		row(t, "Health", RED, or_dash(show_text(payload, "message")));
	else
		row(t, "Health", colour_of(word),
		    arena_printf(a, "%.*s, score %.2f", TEXT_ARG(word),
			show_f64(from, "health_score")));
	return text_is(word, "healthy");
}

static void
clusters_row(struct table *t, struct arena *a, struct text payload)
{
	struct text all = show_map(payload, "federation_health");
	struct text counts =
	    show_map(show_map(payload, "health_summary"), "cluster_counts");
	uint64_t total = show_u64(all, "total_clusters");

	if (total == 0)
		total = show_u64(counts, "total");
	row(t, "Clusters", PLAIN,
	    total > 0 ? arena_printf(a, "%llu total", (unsigned long long)total)
		      : or_dash(show_text(
			    show_map(payload, "cluster"), "cluster_id")));
}

static void
snapshots_row(struct table *t, struct arena *a, struct text kept)
{
	struct text fabric = show_map(kept, "fabric");
	double saved = show_f64(fabric, "snapshot_last_saved_at");
	double restored = show_f64(fabric, "snapshot_last_restored_at");
	struct text at[2] = {TEXT("n/a"), TEXT("n/a")};

	if (saved > 0)
		at[0] = view_when(a, (uint64_t)(saved * 1000));
	if (restored > 0)
		at[1] = view_when(a, (uint64_t)(restored * 1000));
	row(t, "Snapshots", PLAIN,
	    arena_printf(a, "saved %.*s, restored %.*s", TEXT_ARG(at[0]),
		TEXT_ARG(at[1])));
}

/* transport_row: listeners, and how the links and the door are (0.9, 0.7). */
static void
transport_row(struct table *t, struct arena *a, struct text result)
{
	struct unpacker u;
	struct text key, value;
	struct text scores =
	    show_map(show_map(payload_of(result, "unified"), "unified_metrics"),
		"transport_health_snapshots");
	uint32_t listeners = show_array(
	    show_map(payload_of(result, "transport"), "transport_endpoints"),
	    "assignments", &u);
	uint32_t count = 0, of[3] = {0};

	unpack_init(&u, scores);
	if (unpack_map(&u, &count) != OK)
		count = 0;
	for (uint32_t i = 0; i < count && unpack_text(&u, &key) == OK &&
	     unpack_raw(&u, &value) == OK;
	     i++) {
		double score = show_f64(value, "overall_health_score");

		of[score >= 0.9 ? 0 : score >= 0.7 ? 1 : 2]++;
	}
	row(t, "Transport",
	    of[2] > 0       ? RED
		: of[1] > 0 ? YELLOW
			    : PLAIN,
	    arena_printf(a,
		"%u endpoints; door and links: %u healthy, %u degraded, "
		"%u critical",
		listeners, of[0], of[1], of[2]));
}

/* say_missing names the parts the monitor had no answer for. */
static bool
say_missing(struct view *v, struct text result)
{
	static const char *const parts[] = {
	    "health", "persistence", "transport", "unified"};
	bool is_missing = false;

	for (size_t i = 0; i < COUNT_OF(parts); i++) {
		struct text part = show_map(result, parts[i]);
		struct text why =
		    show_text(show_map(part, "payload"), "message");

		if (show_u64(part, "status_code") == 200)
			continue;
		is_missing = true;
		view_print(v, "  ");
		view_paint(v, RED, "%s: ", parts[i]);
		view_text(v, why.len > 0 ? why : TEXT("no answer"));
		view_print(v, "\n");
	}
	return is_missing;
}

enum cli_exit
show_monitor_status(struct view *v, struct text result)
{
	struct arena *a = v->arena;
	struct text kept = show_map(
	    payload_of(result, "persistence"), "persistence_snapshots");
	struct text unified =
	    show_map(show_map(payload_of(result, "unified"), "unified_metrics"),
		"overall_health");
	struct table t;

	table_begin(&t, v, "PART|STATE", "ll");
	bool is_well = health_row(&t, a, payload_of(result, "health"));
	clusters_row(&t, a, payload_of(result, "health"));
	row(&t, "Persistence", PLAIN,
	    show_bool(kept, "enabled")
		? arena_printf(a, "%.*s %.*s",
		      TEXT_ARG(show_text(kept, "mode")),
		      TEXT_ARG(show_text(kept, "data_dir")))
		: TEXT("disabled"));
	snapshots_row(&t, a, kept);
	transport_row(&t, a, result);
	row(&t, "Unified", colour_of(show_text(unified, "status")),
	    scored(a, unified));
	table_end(&t);
	if (say_missing(v, result))
		view_print(v, "next: banyan why monitor\n");
	else if (!is_well)
		view_print(v, "next: banyan health\n");
	return CLI_OK;
}

enum cli_exit
show_namespaces(struct view *v, struct text result)
{
	struct unpacker u;
	struct text one;
	uint32_t count;
	struct table t;

	unpack_init(&u, result);
	if (unpack_array(&u, &count) != OK)
		count = 0;
	table_begin(&t, v,
	    "Namespace|Exports|Summaries|Last Export Count|Last Export At",
	    "lrrrl");
	for (uint32_t i = 0; i < count && unpack_raw(&u, &one) == OK; i++) {
		table_text(&t, PLAIN, show_text(one, "namespace"));
		table_u64(&t, show_u64(one, "exports_total"));
		table_u64(&t, show_u64(one, "summaries_exported"));
		table_u64(&t, show_u64(one, "last_export_count"));
		table_text(
		    &t, PLAIN, when_of(v->arena, one, "last_export_at", "-"));
	}
	table_end(&t);
	return CLI_OK;
}

static struct text
seconds_or_dash(
    struct view *v, struct text lag, const char *key, const char *since)
{
	if (show_f64(lag, since) <= 0)
		return TEXT("-");
	return arena_printf(v->arena, "%.1f", show_f64(lag, key));
}

enum cli_exit
show_export_lag(struct view *v, struct text lag)
{
	const struct {
		const char *name;
		struct text value;
	} rows[] = {
	    {"Resolver Enabled",
		show_bool(lag, "resolver_enabled") ? TEXT("yes") : TEXT("no")},
	    {"Summary Export Enabled",
		show_bool(lag, "summary_export_enabled") ? TEXT("yes")
							 : TEXT("no")},
	    {"Delta Lag (s)",
		seconds_or_dash(v, lag, "delta_lag_seconds", "last_delta_at")},
	    {"Summary Export Lag (s)",
		seconds_or_dash(v, lag, "summary_export_lag_seconds",
		    "last_summary_export_at")},
	    {"Last Delta At", when_of(v->arena, lag, "last_delta_at", "-")},
	    {"Last Summary Export At",
		when_of(v->arena, lag, "last_summary_export_at", "-")},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		view_print(
		    v, "%-24s %.*s\n", rows[i].name, TEXT_ARG(rows[i].value));
	return CLI_OK;
}
