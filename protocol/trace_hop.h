// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_TRACE_HOP_H
#define PROTOCOL_TRACE_HOP_H

/*
 * trace_hop - what one process did for one traced request: records in its
 * ring that name the trace, the span, the stage and the time.
 *
 *   trace=4bf9… span=00f0… stage=permission us=41 permission=allowed …
 *   trace=4bf9… span=00f0… at=0 of=212 text=request_id=r1 user_id=…
 *
 * The second kind carries what is longer than a record, in pieces: the facts
 * of the request, key=value with quoting. Reading them back is here too.
 *
 * Trust:  facts quote strangers: they are quoted as lines of a log are, and
 *         cut. Whoever reads checks every field.
 * Owner:  no memory; what is read borrows the record.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/buffer.h"
#include "protocol/base/err.h"
#include "protocol/base/text.h"
#include "protocol/tables/stages.h"
#include "protocol/traceparent.h"

enum stage {
#define G(name, ...) STAGE_##name,
	TRACE_STAGES(G)
#undef G
	STAGES
};

enum {
	TRACE_FACTS_BYTES = 1500, /* of one request, all pieces */
	TRACE_PIECE_BYTES = 104   /* in one record */
};

struct stage_info {
	const char *name;
	uint32_t flag;     /* enum trace_flag; 0: always */
	const char *event; /* of the request tracer; "" for none */
	const char *keys;
	const char *meaning;
};

const struct stage_info *stage_info(enum stage);
bool stage_by_name(struct text, enum stage *);

/* Where the hops of one request belong. */
struct trace_span {
	struct traceparent at;    /* `span` is the request's own */
	uint64_t parent;          /* who asked us; 0: nobody said */
	uint64_t arrived_us;      /* monotonic; hops count from here */
	uint32_t flags;           /* enum trace_flag, of all its filters */
	uint32_t places;          /* bit n: the trace counted at place n */
	_Atomic uint64_t *counts; /* trace_counts.h; NULL: not counted */
};

/* trace_hop records a stage if the span's flags want it. */
void trace_hop(const struct trace_span *, enum stage, const char *fmt, ...)
    PRINTF(3, 4);

/*
 * trace_listen: lines logged from now on are hops of this span too, until
 * NULL. `who` is the role that logs.
 */
void trace_listen(const struct trace_span *, const char *who);

/* trace_facts records `facts`, cut at TRACE_FACTS_BYTES, in pieces. */
void trace_facts(const struct trace_span *, struct text facts);

/* facts_put appends " key=value", quoted where a reader needs it. */
void facts_put(struct buffer *, const char *key, struct text value);

/*
 * facts_next gives the next key and its value from "key=value key="two
 * words"", unquoted into `room` if it was quoted. False at the end.
 */
bool facts_next(struct text *rest, struct text *key, struct text *value,
    char *room, size_t room_bytes);
bool facts_find(struct text facts, const char *key, struct text *value,
    char *room, size_t room_bytes);

/* A record, read back. */
struct hop {
	uint64_t trace[2];
	uint64_t span;
	bool is_piece;
	enum stage stage;
	uint64_t us;
	struct text rest; /* "status=ok …" */
	uint32_t at, of;  /* of a piece */
	struct text piece;
};
enum err hop_read(struct text record, struct hop *) MUST_USE;

#endif /* PROTOCOL_TRACE_HOP_H */
