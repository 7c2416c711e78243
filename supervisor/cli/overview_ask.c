// SPDX-License-Identifier: MIT
/* overview_ask - `banyan overview`, `processes` and `top`: asks control what
 * they are made of, as often as wanted. */

#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "protocol/pack.h"
#include "supervisor/cli/again.h"
#include "supervisor/cli/local.h"
#include "supervisor/cli/options.h"
#include "supervisor/cli/overview.h"
#include "supervisor/cli/show.h"

enum {
	RATE_MS = 300, /* between two looks, for rates */
	TOP_EVERY_MS = 2000,
	TOP_LIMIT = 10,
	NAME_BYTES = 256,
	PAGE_BYTES = 16 << 20
};

static void
nap(uint32_t ms)
{
	struct timespec span = {
	    .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

	nanosleep(&span, NULL);
}

/* answer_of asks and keeps the answer in the arena. */
static enum cli_exit
answer_of(struct cli *cli, const char *op, struct text args, struct text *to)
{
	struct reply reply;
	enum cli_exit code = remote_ask(cli, op, args, &reply);

	if (code != CLI_OK)
		return code;
	if (reply.is_ok) {
		*to = arena_text(&cli->arena, reply.result);
	} else {
		cli_complain(arena_string(&cli->arena, reply.hint), "%s: %.*s",
		    op, TEXT_ARG(reply.message));
		code = CLI_UNHEALTHY;
	}
	request_finish(&reply);
	return code;
}

/* peek looks at the counters and leaves `since the last time` to others. */
static enum cli_exit
peek(struct cli *cli, struct text *to)
{
	/* {"peek": true} */
	return answer_of(cli, "stats", TEXT("\x81\xa4peek\xc3"), to);
}

/* --- overview --- */

static enum cli_exit
ask_why(struct cli *cli, struct overview *o, struct text name)
{
	struct text why;
	struct buffer args;
	struct packer p;
	enum cli_exit code = CLI_OK;

	buffer_init(&args, NAME_BYTES);
	pack_init(&p, &args);
	pack_map(&p, 1);
	pack_string(&p, "role");
	pack_text(&p, name);
	if (pack_finish(&p) == OK)
		code = answer_of(cli, "why", buffer_text(&args), &why);
	if (code == CLI_OK)
		overview_add_deaths(o, &cli->arena, why);
	buffer_finish(&args);
	return code;
}

/* is_told: was this pool asked about for another runner of it? They stand side
 * by side, so the one before tells. */
static bool
is_told(const struct overview_child *children, uint32_t at)
{
	for (uint32_t i = at; i > 0; i--) {
		const struct overview_child *before = &children[i - 1];

		if (!before->is_runner ||
		    !text_eq(before->type, children[at].type))
			return false;
		if (before->restarts > 0)
			return true;
	}
	return false;
}

/* ask_deaths asks about those that began again; a pool tells of all its
 * runners at once. */
static enum cli_exit
ask_deaths(struct cli *cli, struct overview *o)
{
	struct overview_child *children =
	    ARENA_ARRAY(&cli->arena, struct overview_child, OVERVIEW_CHILDREN);
	uint32_t count = overview_children(o->tree, children);
	enum cli_exit code = CLI_OK;

	for (uint32_t i = 0; i < count && code == CLI_OK; i++) {
		const struct overview_child *c = &children[i];

		if (c->restarts == 0 || (c->is_runner && is_told(children, i)))
			continue;
		code = ask_why(cli, o,
		    c->is_runner ? c->type
				 : show_child_name(&cli->arena, c->whole));
	}
	return code;
}

static enum cli_exit
overview(struct cli *cli, struct packer *p)
{
	struct overview o = {0};
	enum cli_exit code = peek(cli, &o.before);

	if (code == CLI_OK)
		code = answer_of(cli, "tree", TEXT("\x80"), &o.tree);
	if (code == CLI_OK)
		code = answer_of(cli, "health", TEXT("\x80"), &o.health);
	if (code == CLI_OK)
		code = ask_deaths(cli, &o);
	if (code != CLI_OK)
		return code;
	nap(RATE_MS);
	code = peek(cli, &o.after);
	if (code == CLI_OK)
		overview_pack(p, &cli->arena, &o);
	return code;
}

/* --- processes, top --- */

static enum cli_exit
processes(struct cli *cli, struct packer *p)
{
	struct text tree;
	enum cli_exit code = answer_of(cli, "tree", TEXT("\x80"), &tree);

	if (code == CLI_OK)
		overview_pack_processes(p, &cli->arena, tree);
	return code;
}

static enum cli_exit
top(struct cli *cli, struct packer *p)
{
	const char *sort = options_value(cli, "--sort");
	const char *typed = options_value(cli, "--limit");
	enum top_sort by = sort != NULL ? top_sort_of(sort) : TOP_MEMORY;
	uint64_t limit = TOP_LIMIT;
	struct text before, after;
	enum cli_exit code;

	if (by == TOP_SORTS) {
		cli_complain("banyan top --sort memory, cpu, turns or queue",
		    "nothing is sorted by \"%s\"", sort);
		return CLI_USAGE;
	}
	if (typed != NULL &&
	    (text_to_u64(text_of(typed), &limit) != OK || limit == 0)) {
		cli_complain("banyan top --limit 10",
		    "--limit is a number of processes, not \"%s\"", typed);
		return CLI_USAGE;
	}
	code = peek(cli, &before);
	if (code != CLI_OK)
		return code;
	nap(RATE_MS);
	code = peek(cli, &after);
	if (code == CLI_OK)
		top_pack(p, &cli->arena, before, after, by, limit);
	return code;
}

/* --- pages, one or many --- */

typedef enum cli_exit composer(struct cli *, struct packer *);

/* one_page has an arena of its own: a watch may last for days. */
struct page {
	composer *compose;
};

static enum cli_exit
one_page(struct cli *cli, const void *ctx)
{
	const struct page *page = ctx;
	struct buffer packed;
	struct packer p;

	buffer_init(&packed, PAGE_BYTES);
	pack_init(&p, &packed);
	enum cli_exit code = page->compose(cli, &p);
	if (code == CLI_OK && pack_finish(&p) != OK) {
		cli_complain(NULL, "the page is larger than 16 MiB");
		code = CLI_UNHEALTHY;
	} else if (code == CLI_OK) {
		code = remote_print(cli, buffer_text(&packed));
	}
	buffer_finish(&packed);
	return code;
}

/* has_word: an option without a value was typed. */
static bool
has_word(const struct cli *cli, const char *word)
{
	for (int i = 0; i < cli->argc; i++)
		if (strcmp(cli->argv[i], word) == 0)
			return true;
	return false;
}

static enum cli_exit
run(struct cli *cli, composer *compose)
{
	struct buffer args;
	enum cli_exit code;

	signal(SIGPIPE, SIG_IGN);
	buffer_init(&args, PAGE_BYTES);
	code =
	    options_pack(cli, &args); /* complains of what is not understood */
	buffer_finish(&args);
	if (code != CLI_OK)
		return code;
	const struct page page = {compose};
	return cli->watch_ms > 0
	    ? again_run(cli, cli->watch_ms, one_page, &page)
	    : one_page(cli, &page);
}

enum cli_exit
local_overview(struct cli *cli)
{
	return run(cli, overview);
}

enum cli_exit
local_processes(struct cli *cli)
{
	return run(cli, processes);
}

enum cli_exit
local_top(struct cli *cli)
{
	if (has_word(cli, "--once"))
		cli->watch_ms = 0;
	else if (cli->watch_ms == 0 && !cli->wants_json &&
	    isatty(STDOUT_FILENO) == 1)
		cli->watch_ms = TOP_EVERY_MS;
	return run(cli, top);
}
