// SPDX-License-Identifier: MIT
#ifndef SUPERVISOR_CLI_CALL_H
#define SUPERVISOR_CLI_CALL_H

/*
 * call - what the parts of `banyan call` share: whom to call (call_place.c),
 * one call after the other (call.c), calls that are typed (call_follow.c), and
 * many of the same (observe_bench.c).
 *
 * Trust:  arguments are the operator's; what comes back is call_talk.h's.
 * Owner:  struct call lives on the stack of whoever calls.
 */

#include "supervisor/cli/call_talk.h"
#include "supervisor/cli/cli.h"

enum {
	CALL_TOKEN_BYTES = 8 << 10
};

/* What is being waited for: one call at a time. */
struct waiting {
	uint32_t ref;
	char request_id[40];
	bool has_reply;
	bool is_refused;   /* phx_reply says error */
	bool has_response; /* a push has come */
	bool is_stream;    /* one with more to follow has come */
	bool is_final;     /* no push is to follow */
	enum cli_exit code;
	char class[48]; /* of an error; empty: success */
};

struct call {
	struct cli *cli;
	struct text args; /* what was typed, packed */
	struct text url, topic, event;
	uint32_t serial; /* of the request ids made */
	uint64_t random;
	uint64_t most_ms; /* for one answer */
	uint64_t join_ms; /* to connect and join */
	bool follows;
	bool is_quiet; /* what comes is looked at, not printed */
	struct call_url place;
	char token[CALL_TOKEN_BYTES];
	struct talk talk;
	struct waiting waiting;
};

/* What one call asks for. */
struct ask {
	struct text service, function, version;
	struct text args; /* msgpack */
};

/* ---- call_place.c ---- */

/* call_choose_url: false after a complaint. */
bool call_choose_url(struct call *);
void call_choose_channel(struct call *);

/* call_read_token reads --token-file: a token in argv would show in `ps`. */
bool call_read_token(struct call *, char token[CALL_TOKEN_BYTES]);

/* ---- call.c ---- */

/*
 * call_prepare finds out whom to call from call->args; CLI_OK, or after a
 * complaint. call_ready dials and joins, talk_finish ends that; call_ask_of
 * reads what the arguments ask for.
 */
enum cli_exit call_prepare(struct call *);
enum cli_exit call_ready(struct call *);
struct ask call_ask_of(const struct call *);

/* call_exchange makes one call to its end: call->waiting says how it ended. */
enum err call_exchange(struct call *, const struct ask *) MUST_USE;

/* call_ask makes one call and prints what comes back, to its end. */
enum cli_exit call_ask(struct call *, const struct ask *);

/* call_take prints one message nobody waits for. */
enum err call_take(struct call *) MUST_USE;
enum cli_exit call_failed(struct call *, const char *at, enum err);

/* ---- call_follow.c ---- */

/*
 * call_follow prints what comes and makes the calls that are typed, until
 * nothing more is typed or the gateway leaves. `code` is that of the last call.
 */
enum cli_exit call_follow(struct call *, enum cli_exit code);

#endif /* SUPERVISOR_CLI_CALL_H */
