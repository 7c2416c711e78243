// SPDX-License-Identifier: MIT
#ifndef SUPERVISOR_CLI_MONITORING_H
#define SUPERVISOR_CLI_MONITORING_H

/*
 * monitoring - what the monitor's HTTP tells, fetched and shown: the nouns
 * `monitor`, `report` and `discovery`.
 *
 * Where it is: --url, else $BANYAN_MONITORING_URL, else the running tree's
 * endpoints.json.
 *
 * Trust:  the server may be anything that listens there: head and body are
 *         bounded, JSON is read by the codec strangers meet.
 * Owner:  all in cli->arena.
 */

#include <stdbool.h>

#include "supervisor/cli/cli.h"
#include "supervisor/cli/show.h"

struct fetched {
	int status;          /* 200, 404, 503 … */
	struct text payload; /* msgpack of the whole body */
};

/*
 * monitoring_get fetches a path. CLI_OK: an answer came, of any status; else
 * it has complained: CLI_UNREACHABLE, CLI_USAGE (no URL).
 */
enum cli_exit monitoring_get(
    struct cli *, const char *path, struct fetched *to);

/*
 * monitoring_show prints what was fetched, as a page or as JSON. An answer
 * that is not 200 is shown, too, and means CLI_DEGRADED.
 */
enum cli_exit monitoring_show(struct cli *, const struct fetched *);

/* monitoring_print prints a page made of an answer, or the answer as JSON
 * when that is wanted or `page` is NULL. False: nobody reads any more. */
bool monitoring_print(struct cli *, show_page *page, struct text answer);

/* monitoring_repeat runs `once` every --interval seconds until interrupted. */
enum cli_exit monitoring_repeat(
    struct cli *, const char *fallback_s, enum cli_exit (*once)(struct cli *));

/* monitoring_is_watch: the verb itself looks again and again. */
bool monitoring_is_watch(const struct cli *);

/* monitoring_output reads --output (table or json) and --json; CLI_OK, or
 * CLI_USAGE after a complaint. */
enum cli_exit monitoring_output(const struct cli *, bool *is_json);

/* monitoring_segment appends a value to a path, percent-encoded. */
void monitoring_segment(char *to, size_t size, struct text value);

/* monitoring_query appends an argument to a path's query if it was given. */
void monitoring_query(char *to, size_t size, struct text args, const char *key);

/* monitoring_args gives the arguments as typed, packed; NULL at: complained. */
struct text monitoring_args(struct cli *);

enum cli_exit monitoring_run(struct cli *); /* every verb of `monitor` */
enum cli_exit report_run(struct cli *);
enum cli_exit discovery_run(struct cli *);

#endif /* SUPERVISOR_CLI_MONITORING_H */
