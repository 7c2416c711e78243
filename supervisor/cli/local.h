// SPDX-License-Identifier: MIT
#ifndef SUPERVISOR_CLI_LOCAL_H
#define SUPERVISOR_CLI_LOCAL_H

/*
 * local - the commands `banyan` answers itself, and how it asks control for
 * all the others.
 *
 * Trust:  replies come from control, of the same user; request.h bounds them.
 * Owner:  what they allocate is in cli->arena; a reply is its asker's.
 */

#include "supervisor/cli/cli.h"
#include "supervisor/cli/request.h"

enum cli_exit local_help(struct cli *);       /* help.c */
enum cli_exit local_completion(struct cli *); /* completion.c */
enum cli_exit local_check(struct cli *);      /* check.c */
enum cli_exit local_call(struct cli *);       /* call.c */
enum cli_exit local_diff(struct cli *);       /* diff.c */
enum cli_exit local_inspect(struct cli *);    /* inspect.c */
enum cli_exit local_doctor(struct cli *);     /* doctor.c */
enum cli_exit local_scaling(struct cli *);    /* diagnose.c */
enum cli_exit local_overview(struct cli *);   /* overview_ask.c */
enum cli_exit local_config(struct cli *);     /* config_show.c */
enum cli_exit local_processes(struct cli *);
enum cli_exit local_top(struct cli *);
enum cli_exit local_bench(struct cli *); /* observe_bench.c */
enum cli_exit local_tail(struct cli *);  /* tail.c */
enum cli_exit local_bus_tail(struct cli *);
enum cli_exit local_log_tail(struct cli *);

/* remote_run asks control, shows the answer, repeats it for --watch. */
enum cli_exit remote_run(struct cli *);

/*
 * remote_ask asks once. CLI_OK: `reply` has an answer (finish it); else it has
 * complained. Questions that only read are asked again when control dies.
 */
enum cli_exit remote_ask(
    struct cli *, const char *op, struct text args, struct reply *reply);

/* remote_print shows what stands for the answer of the command that was typed.
 */
enum cli_exit remote_print(struct cli *, struct text result);

/* remote_folder gives the run folder, or NULL after a complaint. */
const char *remote_folder(struct cli *);

/*
 * wait_after waits for what an accepted order leads to, when that ends the
 * one who would have told: shutdown, drain of the tree, a restart of control.
 * wait_before notes how things are before the order.
 */
struct wait {
	bool is_needed;
	bool for_the_end; /* of the whole tree; else of a life of control */
	uint64_t life;
	int lock_fd;
};
void wait_before(struct cli *, struct text args, struct wait *);
enum cli_exit wait_after(struct cli *, struct wait *);

#endif /* SUPERVISOR_CLI_LOCAL_H */
