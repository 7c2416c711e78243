// SPDX-License-Identifier: MIT
/*
 * observe_bench - `banyan observe bench`: the same call many times, one after
 * the other, on one socket as a client has it.
 *
 * A call nobody answers in time, and a socket that is lost, are counted; then
 * a new socket is opened, so that no late answer is taken for another call's.
 */

#include <stdio.h>
#include <unistd.h>

#include "protocol/base/clock.h"
#include "protocol/pack.h"
#include "supervisor/cli/again.h"
#include "supervisor/cli/bench.h"
#include "supervisor/cli/call.h"
#include "supervisor/cli/local.h"
#include "supervisor/cli/monitoring.h"

enum {
	CALLS = 1000,
	CALLS_MOST = 1000000,
	SECONDS = 60,
	SECONDS_MOST = 86400,
	TELL_MS = 200, /* between two words of progress */
	JOIN_MS = 10000,
	LOST_MOST = 10 /* in a row: nobody is there */
};

struct run {
	struct call *call;
	struct bench *bench;
	struct ask ask;
	uint64_t until_ms, tell_ms;
	uint32_t lost; /* in a row */
	bool is_terminal;
};

static void
tell(struct run *r)
{
	uint64_t now_ms = clock_mono_ms();

	if (!r->is_terminal || now_ms < r->tell_ms)
		return;
	r->tell_ms = now_ms + TELL_MS;
	fprintf(stderr, "\r%llu of %llu calls, %llu failed ",
	    (unsigned long long)r->bench->made,
	    (unsigned long long)r->bench->asked,
	    (unsigned long long)r->bench->failed);
}

static void
tell_no_more(const struct run *r)
{
	if (r->is_terminal)
		fputs("\r\033[K", stderr);
}

/* lost notes a call without an answer and opens a new socket. */
static enum cli_exit
lost(struct run *r, enum err e)
{
	bench_lose(r->bench,
	    e == ERR_TIMEOUT ? TEXT("timeout") : TEXT("connection_lost"));
	if (++r->lost == LOST_MOST)
		return call_failed(r->call, "no response from", e);
	talk_finish(&r->call->talk);
	return call_ready(r->call);
}

/* make makes the calls; CLI_OK unless nobody was there any more. */
static enum cli_exit
make(struct run *r)
{
	struct bench *b = r->bench;
	enum cli_exit code = CLI_OK;

	while (code == CLI_OK && b->made < b->asked &&
	    clock_mono_ms() < r->until_ms && again_goes_on()) {
		uint64_t from_ns = clock_mono_ns();
		enum err e = call_exchange(r->call, &r->ask);
		uint64_t took_ns = clock_mono_ns() - from_ns;

		if (e == OK) {
			r->lost = 0;
			bench_add(b, took_ns, text_of(r->call->waiting.class));
		} else if (again_goes_on()) {
			code = lost(r, e);
		}
		tell(r);
	}
	return code;
}

static void
show(struct cli *cli, struct bench *b)
{
	struct buffer out;
	struct packer p;

	buffer_init(&out, 64 << 10);
	pack_init(&p, &out);
	bench_pack(b, &p);
	monitoring_print(cli, show_value, buffer_text(&out));
	buffer_finish(&out);
}

static bool
number_in(struct text args, const char *key, uint64_t most, uint64_t *to)
{
	struct text typed = show_text(args, key);

	if (typed.len == 0 ||
	    (text_to_u64(typed, to) == OK && *to > 0 && *to <= most))
		return true;
	cli_complain(NULL, "--%s is a whole number of 1 to %llu", key,
	    (unsigned long long)most);
	return false;
}

static enum cli_exit
run(struct call *call)
{
	uint64_t calls = CALLS, seconds = SECONDS;
	enum cli_exit code;
	struct bench b;

	if (!number_in(call->args, "count", CALLS_MOST, &calls) ||
	    !number_in(call->args, "for", SECONDS_MOST, &seconds))
		return CLI_USAGE;
	code = call_prepare(call);
	if (code != CLI_OK)
		return code;
	/* what is measured is calls: a short time for them is none to connect
	 */
	if (call->join_ms < JOIN_MS)
		call->join_ms = JOIN_MS;
	code = call_ready(call);
	if (code == CLI_OK) {
		uint64_t from_ns = clock_mono_ns();
		struct run r = {.call = call,
		    .bench = &b,
		    .ask = call_ask_of(call),
		    .until_ms = clock_mono_ms() + seconds * 1000,
		    .is_terminal = isatty(STDERR_FILENO) == 1};

		bench_init(&b, calls);
		again_listen();
		code = make(&r);
		b.elapsed_ns = clock_mono_ns() - from_ns;
		tell_no_more(&r);
		show(call->cli, &b);
		if (code == CLI_OK && b.failed > 0)
			code = CLI_DEGRADED;
		bench_finish(&b);
	}
	talk_finish(&call->talk);
	return code;
}

enum cli_exit
local_bench(struct cli *cli)
{
	struct call call = {.cli = cli, .is_quiet = true};

	call.args = monitoring_args(cli); /* complains */
	return call.args.at == NULL ? CLI_USAGE : run(&call);
}
