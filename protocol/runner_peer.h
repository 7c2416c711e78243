// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_RUNNER_PEER_H
#define PROTOCOL_RUNNER_PEER_H

/*
 * runner_peer - what a pool knows of one life of a runner: which calls it
 * has, what it may send for each, and the first lie it tells.
 *
 * Pure: no socket, no clock, no process. It judges frames; the pool sends,
 * kills, and settles what is left.
 *
 * A call that nobody waits for any more (runner_peer_give_up) keeps its room
 * until the runner answers it: it is still being worked on. That late answer
 * is dropped and counted. A runner that breaks a rule is to be killed.
 *
 * Trust:  every frame is a stranger's: ids find only what was given, chunks
 *         are held to their credit, pongs to the pings that were sent.
 * Owner:  init/finish; `work` is the pool's and never looked at.
 */

#include "protocol/runner.h"

enum runner_fault {
	RUNNER_FAULT_none,
	RUNNER_FAULT_hello,   /* something before HELLO, or one we refuse */
	RUNNER_FAULT_garbage, /* bytes that are no frame */
	RUNNER_FAULT_too_big, /* a length above max_bytes */
	RUNNER_FAULT_order,   /* a frame that is not a runner's to send now */
	RUNNER_FAULT_unknown, /* an answer to an id that was never given */
	RUNNER_FAULT_twice,   /* an answer to what was answered already */
	RUNNER_FAULT_gap,     /* chunks out of order */
	RUNNER_FAULT_flood,   /* chunks without end for a call given up */
};

const char *runner_fault_name(enum runner_fault);

/* runner_fault_text says it as one sentence for the obituary. */
const char *runner_fault_text(enum runner_fault);

enum runner_word {
	RUNNER_SAYS_nothing, /* a late answer, or a frame of no concern */
	RUNNER_SAYS_ready,   /* HELLO: `capacity`, `answers_always` are set */
	RUNNER_SAYS_result,  /* work is done: frame->value */
	RUNNER_SAYS_error,   /* work is done: frame->code, frame->text */
	RUNNER_SAYS_chunk,   /* a part: frame->value; pay with _credit */
	RUNNER_SAYS_end,     /* a stream is over; work is done */
	RUNNER_SAYS_bad,     /* answered wrong (a chunk that was not allowed):
				the call is given up; send CANCEL, answer
				bad_result */
	RUNNER_SAYS_pong,
	RUNNER_SAYS_recycle, /* it wants to be replaced */
	RUNNER_SAYS_fault,   /* kill it; `fault` says why */
};

struct runner_said {
	enum runner_word word;
	enum runner_fault fault;
	uint64_t id;
	void *work; /* of result, error, chunk, end, bad */
};

struct runner_slot {
	uint64_t id;     /* the last one given here */
	void *work;      /* NULL: nobody waits */
	uint64_t chunks; /* received */
	int64_t credit;  /* bytes of chunks it may still send */
	uint64_t late;   /* bytes of chunks since it was given up */
	bool is_open;    /* not answered yet */
	bool is_stream;
};

struct runner_peer {
	struct runner_slot *slots; /* `capacity` of them, after HELLO */
	uint32_t capacity;
	uint32_t open;     /* given and not answered */
	uint32_t given_up; /* of those, nobody waits for */
	uint32_t max_bytes;
	uint64_t counter; /* of ids */
	uint64_t pinged, ponged;
	uint64_t late_count; /* answers dropped */
	uint32_t most; /* the pool lets it have no more, whatever it says */
	bool is_greeted;
	bool answers_always;
	bool is_draining; /* we told it to finish */
	bool wants_recycling;
};

/* `most` calls at once at most, whatever its HELLO says. */
void runner_peer_init(struct runner_peer *, uint32_t most, uint32_t max_bytes);
void runner_peer_finish(struct runner_peer *);

/* runner_peer_room: how many calls may be given now. */
uint32_t runner_peer_room(const struct runner_peer *);

/*
 * runner_peer_give takes a place for a call and names it; there must be room.
 * `credit` is the first window of a stream, 0 for a call that is none.
 */
uint64_t runner_peer_give(struct runner_peer *, void *work, uint32_t credit);

/* runner_peer_give_up: nobody waits for it; true: send CANCEL. */
bool runner_peer_give_up(struct runner_peer *, uint64_t id);

/* runner_peer_credit: true: send CREDIT; false: no such stream any more. */
bool runner_peer_credit(struct runner_peer *, uint64_t id, uint32_t bytes);

/* runner_peer_ping gives the number for the next PING. */
uint64_t runner_peer_ping(struct runner_peer *);

/* runner_peer_drain: from now on it is given nothing. */
void runner_peer_drain(struct runner_peer *);

/* runner_peer_hear judges one frame. */
void runner_peer_hear(
    struct runner_peer *, const struct link_frame *, struct runner_said *);

/* runner_peer_read_fault: what an error of runner_read means. */
enum runner_fault runner_peer_read_fault(const struct runner_peer *, enum err);

/*
 * runner_peer_take_any: when it is gone, gives the work of each call
 * somebody still waits for, once; NULL at the end.
 */
void *runner_peer_take_any(struct runner_peer *);

#endif /* PROTOCOL_RUNNER_PEER_H */
