// SPDX-License-Identifier: MIT
/* monitoring - the verbs of `banyan monitor`: each is a page of the monitor. */

#include "supervisor/cli/monitoring.h"

#include <stdio.h>
#include <string.h>

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
	    cluster.len > 0                 ? "/health/clusters/"
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
	buffer_init(&all, 64 << 20);
	pack_init(&p, &all);
	pack_map(&p, 4);
	for (int i = 0; i < 4; i++)
		pack_part(&p, names[i], &parts[i]);
	monitoring_print(
	    cli, is_json ? NULL : show_monitor_status, buffer_text(&all));
	buffer_finish(&all);
	return worst;
}

bool
monitoring_is_watch(const struct cli *cli)
{
	const char *verb = cli->command->verb;

	for (size_t i = 0; i < COUNT_OF(verbs); i++)
		if (strcmp(verbs[i].verb, verb) == 0 &&
		    verbs[i].every_s != NULL)
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
