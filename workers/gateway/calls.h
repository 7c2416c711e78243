// SPDX-License-Identifier: MIT
#ifndef WORKERS_GATEWAY_CALLS_H
#define WORKERS_GATEWAY_CALLS_H

/*
 * calls - the calls in flight: each is here from its acceptance to the one
 * answer or the one error it ends in.
 *
 * Pure bookkeeping: memory, deadlines, and the list that ties a call to its
 * client. What names a call on the wire is its link's id (link_client.h),
 * which carries the gateway's life and is never given twice.
 *
 * Trust:  sizes of the texts kept were bounded by the codecs.
 * Owner:  calls and the texts in them are the table's, until calls_finish_one.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/text.h"
#include "workers/gateway/credit.h"

struct call;

/* A list a call can be on; zeroed is empty. */
struct call_list {
	struct call *first;
};

struct call_place {
	struct call *next;
	struct call **back; /* what points at us; NULL: on no list */
};

enum {
	CALL_TEXT_BYTES = 192, /* texts up to this live inside the call */
	CALL_WHEEL = 1024,     /* deadline buckets … */
	CALL_TICK_MS = 16      /* … of this width */
};

/* The deadline of a stream that may go on for ever. */
#define CALL_NO_DEADLINE UINT64_MAX

struct ask;
struct client;
struct compiled;
struct hooked;
struct link_client;
struct pick;
struct traced;

struct call {
	uint64_t serial;          /* never reused in a life of this gateway */
	uint64_t link_id;         /* what the link calls it */
	struct link_client *link; /* where it runs; NULL: nowhere */
	uint64_t deadline_ms;
	uint64_t due_ms; /* when it is looked at: its deadline, or earlier */
	uint64_t arrived_us;
	uint64_t dispatched_us;
	struct client *client; /* NULL: it left, and the call runs on */
	struct compiled *function;
	struct call_place by_client;
	struct call_place by_deadline;
	struct call_place by_credit; /* streams whose credit may be due */
	struct text ref;             /* JSON */
	struct text request_id;      /* JSON */
	struct text correlation;     /* as its client sent it; mostly empty */
	struct text args;            /* msgpack: to hand to another node */
	struct text facts;           /* the same, of the caller; may be empty */
	uint32_t channel;            /* serial of the join it came through */
	uint8_t form;                /* enum phoenix_form */
	uint8_t tried;               /* nodes of `order` already asked */
	bool may_have_run;           /* a node was lost while it had the call */
	uint8_t order_count;
	uint8_t order[8]; /* candidates, best first: places in the
			     function's nodes */
	bool is_in_flight;
	bool was_sent;    /* to one node at least */
	bool is_resting;  /* until its next attempt */
	uint32_t retries; /* attempts after the first, the coming one too */
	bool is_accepted; /* its client has heard so; counted among its kind */
	bool is_over;     /* its last word is written */
	bool has_parts;   /* a part of a stream has reached its client */
	struct credit credit;  /* of a stream */
	struct pick *pick;     /* its nodes are a function's to name (pick.h) */
	struct hooked *hooked; /* its function has hooks (hooked.h) */
	struct ask *ask; /* its permission is a callback's to give (ask.h) */
	struct traced *traced; /* NULL: no trace is after it (tracing.h) */
	char *kept;            /* texts of calls_keep */
	char *overflow;        /* texts that did not fit inside */
	char inside[CALL_TEXT_BYTES];
};

struct calls {
	struct call *idle; /* chained through by_client.next */
	struct call_list wheel[CALL_WHEEL];
	struct call **chunks; /* of calls, for the end */
	uint64_t serial;      /* the last one given */
	uint64_t swept_tick;
	uint32_t count;
	uint32_t chunk_count;
};

void calls_init(struct calls *, uint64_t now_ms);
void calls_finish(struct calls *);

/* What a call keeps of the frame it came in, which will be gone. */
struct call_texts {
	struct text ref;
	struct text request_id;
	struct text args;
	struct text facts;
	struct text correlation; /* mostly empty */
};

/*
 * calls_start takes a fresh call in and copies its texts. Then fill in what
 * is yours and calls_arm it; a call may be armed again.
 */
struct call *calls_start(struct calls *, const struct call_texts *);
void calls_arm(struct calls *, struct call *, uint64_t deadline_ms);

/* calls_rest looks at a call before its deadline; calls_arm ends that. */
void calls_rest(struct calls *, struct call *, uint64_t until_ms);

/* calls_keep gives a call the arguments and facts it came without; once. */
void calls_keep(struct call *, struct text args, struct text facts);

/* calls_finish_one takes it out of all lists and gives its memory back. */
void calls_finish_one(struct calls *, struct call *);

/*
 * calls_next_due gives one call whose deadline or rest is over, or NULL; the
 * caller finishes or arms it and asks again.
 */
struct call *calls_next_due(struct calls *, uint64_t now_ms);

/* calls_each visits every call in flight; the visitor ends none. */
void calls_each(
    struct calls *, void (*visit)(void *ctx, struct call *), void *ctx);

/* calls_of_client puts it on its client's list; calls_forget_client takes it
 * off, and the call has no client any more. */
void calls_of_client(struct call_list *, struct call *);
void calls_forget_client(struct call *);

/* calls_credit_due puts it on a list of streams, if it is on none. */
void calls_credit_due(struct call_list *, struct call *);
void calls_credit_done(struct call *);

#endif /* WORKERS_GATEWAY_CALLS_H */
