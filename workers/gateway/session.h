// SPDX-License-Identifier: MIT
#ifndef WORKERS_GATEWAY_SESSION_H
#define WORKERS_GATEWAY_SESSION_H

/*
 * session - the channels of one socket: what is joined, under which reference,
 * and what each message of the protocol means for that.
 *
 * Pure bookkeeping: it decides, the client module writes the frames.
 *
 * Trust:  topics and references come from strangers, bounded by the envelope
 *         codec; channels are bounded by `max_channels`.
 * Owner:  the struct is the caller's (init/finish), the channels are ours. A
 *         verdict borrows from the session until the next call.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/err.h"
#include "protocol/base/text.h"
#include "workers/gateway/phoenix.h"

/* One row of gateway.channels; it outlives the sessions that point at it. */
struct channel_rule {
	struct text topic; /* exact, or a prefix with a trailing '*' */
	struct text event; /* "phoenix_gen_api" */
	struct text event_json;
	bool override_user_id;
	bool require_verified_user_id;
};

struct channel_rules {
	const struct channel_rule *all;
	uint32_t count;
	uint32_t max_channels; /* per socket */
};

struct channel {
	const struct channel_rule *rule;
	struct text topic;      /* as JSON; the bytes follow the struct */
	struct text join_ref;   /* as JSON */
	uint32_t serial;        /* of this join; never 0, never reused */
	bool is_binary;         /* joined with a binary frame */
	enum phoenix_form form; /* of that frame */
};

/* channel_form: a channel joined with a binary frame is spoken to in binary,
 * whatever form one of its messages has. */
static inline enum phoenix_form
channel_form(const struct channel *c, enum phoenix_form asked)
{
	return c->is_binary && asked == PHOENIX_V2 ? c->form : asked;
}

struct session {
	struct channel **channels;
	uint32_t count;
	uint32_t room;
	uint32_t serial; /* the last one given */
};

enum session_move {
	SESSION_HEARTBEAT,    /* reply ok */
	SESSION_JOINED,       /* reply ok; `closed` may name the old channel */
	SESSION_REFUSED,      /* reply error with `reason` */
	SESSION_LEFT,         /* reply ok, then phx_close of `closed` */
	SESSION_LEFT_NOTHING, /* reply ok */
	SESSION_UNMATCHED,    /* reply error "unmatched topic", join_ref null */
	SESSION_STALE,        /* say nothing */
	SESSION_REQUEST,      /* the application event of `channel` */
	SESSION_STOP_STREAM,  /* the event stop_stream on `channel` */
	SESSION_REFRESH,      /* the event refresh_token on `channel` */
	SESSION_CRASHED       /* phx_error of `closed`, which is gone */
};

struct session_verdict {
	enum session_move move;
	const struct channel *channel; /* JOINED, REQUEST, STOP_STREAM */
	struct phoenix_address closed; /* topic.len 0: none was */
	const char *reason;            /* REFUSED */
};

void session_init(struct session *);
void session_finish(struct session *);

/*
 * session_take decides what a message means. After JOINED or LEFT the answers
 * to calls of the old channel have nobody to go to.
 */
void session_take(struct session *, const struct channel_rules *,
    const struct phoenix_message *, struct session_verdict *);

/* session_match gives the rule a topic may be joined by, or NULL. */
const struct channel_rule *session_match(
    const struct channel_rules *, struct text topic);

/* session_find gives a channel while the join it stands for lasts. */
const struct channel *session_find(const struct session *, uint32_t serial);

/* session_at gives one of `count`, in the order of their joins. */
const struct channel *session_at(const struct session *, uint32_t index);
/* session_dropped gives the serial of the channel the last call has dropped;
 * 0: it dropped none. */
uint32_t session_dropped(const struct session *);

/*
 * session_rematch points the channels at new rules and drops the first that
 * has none: false, and `closed` is to be told; call again until true.
 */
bool session_rematch(struct session *, const struct channel_rules *,
    struct phoenix_address *closed);

#endif /* WORKERS_GATEWAY_SESSION_H */
