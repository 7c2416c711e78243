// SPDX-License-Identifier: MIT
/*
 * discovery - `banyan discovery …` and `banyan report …`: which services there
 * are, how fresh that is, and what changes.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/base/clock.h"
#include "protocol/pack.h"
#include "protocol/unpack.h"
#include "supervisor/cli/again.h"
#include "supervisor/cli/monitoring.h"
#include "supervisor/cli/options.h"
#include "supervisor/cli/show.h"

enum {
	LOOK_MS = 200,  /* between two looks of a watch */
	AWAY_MS = 1000, /* the same while nobody answers */
	QUERY_BYTES = 1800
};

static enum cli_exit
fetch_and_show(struct cli *cli, const char *path)
{
	struct fetched f;
	enum cli_exit code = monitoring_get(cli, path, &f);

	return code == CLI_OK ? monitoring_show(cli, &f) : code;
}

/* status is four pages in one object. */
static enum cli_exit
status(struct cli *cli)
{
	static const char *const parts[] = {
	    "summary", "cache", "policy", "lag"};
	enum cli_exit worst = CLI_OK;
	struct fetched all = {.status = 200};
	struct buffer out;
	struct packer p;

	buffer_init(&out, 64 << 20);
	pack_init(&p, &out);
	pack_map(&p, COUNT_OF(parts));
	for (size_t i = 0; i < COUNT_OF(parts); i++) {
		struct fetched f;
		char path[64];

		snprintf(path, sizeof(path), "/discovery/%s", parts[i]);
		enum cli_exit code = monitoring_get(cli, path, &f);
		if (code != CLI_OK) {
			buffer_finish(&out);
			return code;
		}
		if (f.status != 200)
			worst = CLI_DEGRADED;
		pack_string(&p, parts[i]);
		pack_raw(&p, f.payload);
	}
	all.payload = buffer_text(&out);
	enum cli_exit code = monitoring_show(cli, &all);
	buffer_finish(&out);
	return code != CLI_OK ? code : worst;
}

/* add_repeated: an option that may come several times is one parameter with
 * commas between. */
static void
add_repeated(struct cli *cli, char *path, size_t size, const char *option,
    const char *key)
{
	bool is_first = true;

	for (int i = 0; i + 1 < cli->argc; i++) {
		size_t used = strlen(path);

		if (strcmp(cli->argv[i], option) != 0)
			continue;
		i++;
		if (is_first)
			snprintf(path + used, size - used,
			    "%s%s=", strchr(path, '?') == NULL ? "?" : "&",
			    key);
		else
			snprintf(path + used, size - used, ",");
		monitoring_segment(path, size, text_of(cli->argv[i]));
		is_first = false;
	}
}

static enum cli_exit
query(struct cli *cli)
{
	static const char *const keys[] = {"entry_type", "namespace", "scope",
	    "cluster_id", "node_id", "function_name", "function_id",
	    "version_constraint", "queue_name", "topic", "viewer_cluster_id",
	    "viewer_tenant_id", "limit", "page_token"};
	struct text args = monitoring_args(cli);
	char path[QUERY_BYTES] = "/discovery/query";

	if (args.at == NULL)
		return CLI_USAGE;
	for (size_t i = 0; i < COUNT_OF(keys); i++)
		monitoring_query(path, sizeof(path), args, keys[i]);
	add_repeated(cli, path, sizeof(path), "--capability", "capability");
	add_repeated(cli, path, sizeof(path), "--resource", "resource");
	add_repeated(cli, path, sizeof(path), "--tag", "tag");
	if (strlen(path) + 4 < sizeof(path)) /* else something was cut */
		return fetch_and_show(cli, path);
	cli_complain("ask for less", "the query is over %d bytes", QUERY_BYTES);
	return CLI_USAGE;
}

/* --- watch: the stream of changes, a line of JSON each --- */

struct watching {
	uint64_t after;
	uint64_t count; /* to print; 0: no end */
	uint64_t until_ms;
	const char *topic; /* NULL: all */
	struct text space;
};

/* print_changes gives how many lines it printed. */
static uint64_t
print_changes(struct watching *w, struct text payload)
{
	struct unpacker u;
	struct text span;
	uint32_t total = show_array(payload, "changes", &u);
	uint64_t printed = 0;

	for (uint32_t i = 0; i < total && unpack_raw(&u, &span) == OK; i++) {
		struct text body = show_map(span, "payload");

		w->after = show_u64(body, "sequence");
		if ((w->topic != NULL &&
			!text_is(show_text(span, "topic"), w->topic)) ||
		    (w->space.len > 0 &&
			!text_starts_with(
			    show_text(body, "namespace"), w->space)))
			continue;
		show_json(span);
		printed++;
		if (w->count > 0 && --w->count == 0)
			break;
	}
	fflush(stdout);
	return printed;
}

static double
number_of(const struct cli *cli, const char *name)
{
	const char *typed = options_value(cli, name);

	return typed != NULL ? strtod(typed, NULL) : 0;
}

/*
 * look asks once for what came behind w->after. A number that is lower than
 * ours is a new life of the monitor, which counts from 0 again.
 */
static enum cli_exit
look(struct cli *cli, struct watching *w)
{
	struct fetched f;
	char path[64];

	snprintf(path, sizeof(path), "/discovery/changes?after=%llu",
	    (unsigned long long)w->after);
	enum cli_exit code = monitoring_get(cli, path, &f);
	if (code != CLI_OK)
		return code;
	uint64_t last = show_u64(f.payload, "last");
	if (w->after == UINT64_MAX)
		w->after = last;
	else if (last < w->after)
		w->after = 0;
	else
		print_changes(w, f.payload);
	return CLI_OK;
}

static enum cli_exit
watch(struct cli *cli)
{
	double seconds = number_of(cli, "--duration");
	const char *space = options_value(cli, "--namespace");
	bool is_counted = number_of(cli, "--count") > 0;
	struct watching w = {.after = UINT64_MAX,
	    .count = (uint64_t)number_of(cli, "--count"),
	    .until_ms = seconds > 0
		? clock_mono_ms() + (uint64_t)(seconds * 1000)
		: UINT64_MAX,
	    .topic = show_bool(monitoring_args(cli), "summary")
		? "discovery/summary"
		: "discovery/delta",
	    .space = space != NULL ? text_of(space) : TEXT("")};

	again_listen();
	while (clock_mono_ms() < w.until_ms) {
		struct arena kept = cli->arena;

		arena_init(&cli->arena);
		enum cli_exit code = look(cli, &w);
		arena_finish(&cli->arena);
		cli->arena = kept;
		/* who answered once is being replaced: it comes back */
		if (code != CLI_OK && w.after == UINT64_MAX)
			return code;
		if (is_counted && w.count == 0)
			break;
		if (!again_nap(code == CLI_OK ? LOOK_MS : AWAY_MS))
			return again_stopped();
	}
	return CLI_OK;
}

/* page_of gives the page a verb shows; `client` has names of its own. */
static const char *
page_of(const struct command_info *command)
{
	static const char *const named[][2] = {{"access-audit", "access"},
	    {"list-peers", "peers"}, {"resolver-cache-stats", "cache"},
	    {"", "peers"}};

	for (size_t i = 0; i < COUNT_OF(named); i++)
		if (strcmp(command->verb, named[i][0]) == 0)
			return named[i][1];
	return command->verb;
}

enum cli_exit
discovery_run(struct cli *cli)
{
	static const char *const keys[] = {
	    "limit", "scope", "cluster_id", "target_cluster"};
	const char *verb = cli->command->verb;
	struct text args;
	char path[QUERY_BYTES];

	if (strcmp(verb, "status") == 0)
		return status(cli);
	if (strcmp(verb, "query") == 0)
		return query(cli);
	if (strcmp(verb, "watch") == 0)
		return watch(cli);
	args = monitoring_args(cli); /* complains of what is not understood */
	if (args.at == NULL)
		return CLI_USAGE;
	snprintf(path, sizeof(path), "/discovery/%s", page_of(cli->command));
	for (size_t i = 0; i < COUNT_OF(keys); i++)
		monitoring_query(path, sizeof(path), args, keys[i]);
	return fetch_and_show(cli, path);
}

/* --- reports --- */

struct space {
	struct text name;
	uint64_t exports, summaries, count;
	double at;
};

static int
by_summaries(const void *a, const void *b)
{
	const struct space *x = a, *y = b;

	if (x->summaries != y->summaries)
		return x->summaries > y->summaries ? -1 : 1;
	int order = memcmp(x->name.at, y->name.at,
	    x->name.len < y->name.len ? x->name.len : y->name.len);
	return order != 0 ? order : (int)x->name.len - (int)y->name.len;
}

static uint32_t
read_spaces(struct cli *cli, struct text export, struct space **to)
{
	const char *prefix = options_value(cli, "--namespace");
	struct unpacker u;
	struct text span;
	uint32_t total = show_array(export, "per_namespace", &u), count = 0;

	*to = arena_alloc(&cli->arena, (total + 1) * sizeof(**to));
	for (uint32_t i = 0; i < total && unpack_raw(&u, &span) == OK; i++) {
		struct space s = {.name = show_text(span, "namespace"),
		    .exports = show_u64(span, "exports_total"),
		    .summaries = show_u64(span, "summaries_exported"),
		    .count = show_u64(span, "last_export_count"),
		    .at = show_f64(span, "last_export_at")};

		if (prefix == NULL || text_starts_with(s.name, text_of(prefix)))
			(*to)[count++] = s;
	}
	qsort(*to, count, sizeof(**to), by_summaries);
	double limit = number_of(cli, "--limit");
	return limit > 0 && limit < count ? (uint32_t)limit : count;
}

static void
say_spaces(
    struct cli *cli, bool is_json, const struct space *spaces, uint32_t count)
{
	struct buffer out;
	struct packer p;

	buffer_init(&out, 16 << 20);
	pack_init(&p, &out);
	pack_array(&p, count);
	for (uint32_t i = 0; i < count; i++) {
		pack_map(&p, 5);
		pack_string(&p, "namespace");
		pack_text(&p, spaces[i].name);
		pack_field_u64(&p, "exports_total", spaces[i].exports);
		pack_field_u64(&p, "summaries_exported", spaces[i].summaries);
		pack_field_u64(&p, "last_export_count", spaces[i].count);
		pack_string(&p, "last_export_at");
		if (spaces[i].at > 0)
			pack_f64(&p, spaces[i].at);
		else
			pack_nil(&p);
	}
	monitoring_print(
	    cli, is_json ? NULL : show_namespaces, buffer_text(&out));
	buffer_finish(&out);
}

static enum cli_exit
namespace_health(struct cli *cli)
{
	struct fetched f;
	struct space *spaces;
	bool is_json;
	enum cli_exit code = monitoring_output(cli, &is_json);

	if (code == CLI_OK)
		code = monitoring_get(cli, "/discovery/summary", &f);
	if (code != CLI_OK)
		return code;
	struct text export = show_map(f.payload, "summary_export");
	if (!show_bool(export, "enabled"))
		cli_complain(
		    "discovery: {summary_export: true} in the settings",
		    "no summaries are made");
	uint32_t count = read_spaces(cli, export, &spaces);
	say_spaces(cli, is_json, spaces, count);
	return f.status == 200 ? CLI_OK : CLI_DEGRADED;
}

static enum cli_exit
export_lag(struct cli *cli)
{
	struct fetched f;
	bool is_json;
	enum cli_exit code = monitoring_output(cli, &is_json);

	if (code == CLI_OK)
		code = monitoring_get(cli, "/discovery/lag", &f);
	if (code != CLI_OK)
		return code;
	monitoring_print(
	    cli, is_json ? NULL : show_export_lag, show_map(f.payload, "lag"));
	return f.status == 200 ? CLI_OK : CLI_DEGRADED;
}

enum cli_exit
report_run(struct cli *cli)
{
	if (monitoring_args(cli).at == NULL)
		return CLI_USAGE;
	if (strcmp(cli->command->verb, "export-lag") == 0)
		return export_lag(cli);
	return namespace_health(cli);
}
