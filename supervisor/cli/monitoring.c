// SPDX-License-Identifier: MIT
/* monitoring - the verbs of `banyan monitor`: each is a page of the monitor. */

#include "supervisor/cli/monitoring.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "protocol/base/fd.h"
#include "protocol/pack.h"
#include "protocol/unpack.h"
#include "supervisor/cli/options.h"
#include "supervisor/cli/show.h"

/* A verb and its page; NULL: chosen by the options. */
static const struct {
	const char *verb;
	const char *path;
	const char *every_s; /* repeated, by default so often */
} verbs[] = {
    {"endpoints", "/endpoints", NULL},
    {"persistence", "/metrics/persistence", NULL},
    {"persistence-watch", "/metrics/persistence", "30"},
    {"transport-endpoints", "/transport/endpoints", NULL},
    {"link-state", "/routing/link-state", NULL},
    {"dns", "/dns/metrics", NULL},
    {"dns-watch", "/dns/metrics", "5"},
    {"trends", "/performance/trends", NULL},
    {"health", NULL, NULL},
    {"health-watch", NULL, "30"},
    {"metrics", NULL, NULL},
    {"metrics-watch", NULL, "60"},
    {"route-trace", NULL, NULL},
    {"timeseries", NULL, NULL},
    {"topology", NULL, NULL},
};

static enum cli_exit
health_path(struct text args, char *to, size_t size)
{
	struct text cluster = show_text(args, "cluster");

	snprintf(to, size, "%s",
	    cluster.len > 0               ? "/health/clusters/"
		: show_bool(args, "detail") ? "/health"
					    : "/health/summary");
	monitoring_segment(to, size, cluster);
	return CLI_OK;
}

static enum cli_exit
metrics_path(struct text args, char *to, size_t size)
{
	static const char *const systems[] = {"unified", "rpc", "pubsub",
	    "queue", "cache", "transport", "federation"};
	struct text typed = show_text(args, "system");
	char name[16] = "unified";

	for (uint32_t i = 0; i < typed.len && i + 1 < sizeof(name); i++) {
		name[i] = (char)(typed.at[i] | 0x20);
		name[i + 1] = '\0';
	}
	for (size_t i = 0; i < COUNT_OF(systems); i++)
		if (strcmp(systems[i], name) == 0) {
			snprintf(to, size, "/metrics/%s", name);
			return CLI_OK;
		}
	cli_complain("unified, rpc, pubsub, queue, cache, transport or "
		     "federation",
	    "there is no system \"%.*s\"", TEXT_ARG(typed));
	return CLI_USAGE;
}

static enum cli_exit
topology_path(struct text args, char *to, size_t size)
{
	snprintf(to, size, "/topology%s",
	    show_bool(args, "graph")          ? "/graph"
		: show_bool(args, "paths")    ? "/paths"
		: show_bool(args, "analysis") ? "/analysis"
					      : "");
	return CLI_OK;
}

/* path_of gives what the verb and its options ask for. */
static enum cli_exit
path_of(struct cli *cli, struct text args, char *to, size_t size)
{
	const char *verb = cli->command->verb;

	for (size_t i = 0; i < COUNT_OF(verbs); i++)
		if (strcmp(verbs[i].verb, verb) == 0 && verbs[i].path != NULL) {
			snprintf(to, size, "%s", verbs[i].path);
			return CLI_OK;
		}
	if (strncmp(verb, "health", 6) == 0)
		return health_path(args, to, size);
	if (strncmp(verb, "metrics", 7) == 0)
		return metrics_path(args, to, size);
	if (strcmp(verb, "topology") == 0)
		return topology_path(args, to, size);
	snprintf(to, size, "%s",
	    strcmp(verb, "timeseries") == 0 ? "/metrics/timeseries"
					    : "/routing/trace");
	monitoring_query(to, size, args, "metric");
	monitoring_query(to, size, args, "duration");
	monitoring_query(to, size, args, "resolution");
	monitoring_query(to, size, args, "destination");
	monitoring_query(to, size, args, "avoid");
	return CLI_OK;
}

static enum cli_exit
once(struct cli *cli)
{
	struct text args = monitoring_args(cli);
	struct fetched f;
	char path[1024] = "";
	enum cli_exit code = CLI_USAGE;

	if (args.at == NULL)
		return code;
	code = path_of(cli, args, path, sizeof(path));
	if (code == CLI_OK)
		code = monitoring_get(cli, path, &f);
	return code == CLI_OK ? monitoring_show(cli, &f) : code;
}

/* --- monitor status: four pages in six rows --- */

static struct fetched
part(struct cli *cli, const char *path, enum cli_exit *worst)
{
	struct fetched f = {.payload = TEXT("\x80")};
	enum cli_exit code = monitoring_get(cli, path, &f);

	if (code != CLI_OK)
		*worst = code;
	else if (f.status != 200 && *worst == CLI_OK)
		*worst = CLI_DEGRADED;
	return f;
}

static void
pack_part(struct packer *p, const char *name, const struct fetched *f)
{
	pack_string(p, name);
	pack_map(p, 2);
	pack_field_u64(p, "status_code", (uint64_t)f->status);
	pack_string(p, "payload");
	pack_raw(p, f->payload);
}

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
		row(t, "Health", RED, show_text(payload, "message"));
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
		      : show_text(show_map(payload, "cluster"), "cluster_id"));
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
transport_row(struct table *t, struct arena *a, const struct fetched parts[4])
{
	struct unpacker u;
	struct text key, value;
	struct text scores = show_map(
	    show_map(parts[3].payload, "unified_metrics"),
	    "transport_health_snapshots");
	uint32_t listeners =
	    show_array(show_map(parts[2].payload, "transport_endpoints"),
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

static void
status_table(struct cli *cli, const struct fetched parts[4])
{
	struct text kept = show_map(parts[1].payload, "persistence_snapshots");
	struct text unified = show_map(
	    show_map(parts[3].payload, "unified_metrics"), "overall_health");
	struct arena *a = &cli->arena;
	struct buffer page;
	struct view view = {
	    .out = &page, .arena = a, .has_colour = cli->wants_colour};
	struct table t;

	buffer_init(&page, 1 << 20);
	table_begin(&t, &view, "PART|STATE", "ll");
	bool is_well = health_row(&t, a, parts[0].payload);
	clusters_row(&t, a, parts[0].payload);
	row(&t, "Persistence", PLAIN,
	    show_bool(kept, "enabled")
		? arena_printf(a, "%.*s %.*s",
		      TEXT_ARG(show_text(kept, "mode")),
		      TEXT_ARG(show_text(kept, "data_dir")))
		: TEXT("disabled"));
	snapshots_row(&t, a, kept);
	transport_row(&t, a, parts);
	row(&t, "Unified", colour_of(show_text(unified, "status")),
	    arena_printf(a, "%.*s, score %.2f",
		TEXT_ARG(show_text(unified, "status")),
		show_f64(unified, "health_score")));
	table_end(&t);
	if (!is_well)
		view_print(&view, "next: banyan health\n");
	enum err e = fd_write_whole(
	    STDOUT_FILENO, buffer_at(&page), buffer_used(&page));
	(void)e; /* a reader that left needs no rest */
	buffer_finish(&page);
}

static enum cli_exit
status(struct cli *cli)
{
	static const char *const names[] = {
	    "health", "persistence", "transport", "unified"};
	char health[512] = "";
	enum cli_exit worst = CLI_OK;
	struct text args = monitoring_args(cli);
	struct fetched parts[4];
	struct buffer all;
	struct packer p;
	bool is_json;

	if (args.at == NULL || monitoring_output(cli, &is_json) != CLI_OK)
		return CLI_USAGE;
	health_path(args, health, sizeof(health));
	parts[0] = part(cli, health, &worst);
	if (worst == CLI_UNREACHABLE || worst == CLI_USAGE)
		return worst;
	parts[1] = part(cli, "/metrics/persistence", &worst);
	parts[2] = part(cli, "/transport/endpoints", &worst);
	parts[3] = part(cli, "/metrics/unified", &worst);
	if (!is_json) {
		status_table(cli, parts);
		return worst;
	}
	buffer_init(&all, 64 << 20);
	pack_init(&p, &all);
	pack_map(&p, 4);
	for (int i = 0; i < 4; i++)
		pack_part(&p, names[i], &parts[i]);
	show_json(buffer_text(&all));
	buffer_finish(&all);
	return worst;
}

bool
monitoring_is_watch(const struct cli *cli)
{
	const char *verb = cli->command->verb;

	for (size_t i = 0; i < COUNT_OF(verbs); i++)
		if (strcmp(verbs[i].verb, verb) == 0 && verbs[i].every_s != NULL)
			return strcmp(cli->command->noun, "monitor") == 0;
	return strcmp(verb, "watch") == 0;
}

enum cli_exit
monitoring_run(struct cli *cli)
{
	if (strcmp(cli->command->verb, "status") == 0)
		return status(cli);
	for (size_t i = 0; i < COUNT_OF(verbs); i++)
		if (strcmp(verbs[i].verb, cli->command->verb) == 0 &&
		    verbs[i].every_s != NULL)
			return monitoring_repeat(cli, verbs[i].every_s, once);
	return once(cli);
}
