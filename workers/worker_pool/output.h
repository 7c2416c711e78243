// SPDX-License-Identifier: MIT
#ifndef WORKERS_WORKER_POOL_OUTPUT_H
#define WORKERS_WORKER_POOL_OUTPUT_H

/*
 * output - what a runner prints, as lines fit for the log: cut when long,
 * counted when repeated, dropped and counted when there are too many.
 *
 * Pure: the time comes as an argument, lines leave through a callback.
 *
 * Trust:  any bytes; control bytes and quotes are replaced, so that a line
 *         cannot forge another.
 * Owner:  the struct is the caller's; nothing inside needs freeing.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/text.h"

enum {
	OUTPUT_LINE = 400,      /* bytes of a line that are kept */
	OUTPUT_BURST = 100,     /* lines at once */
	OUTPUT_PER_SECOND = 20, /* and then */
};

enum output_kind {
	OUTPUT_SAID,     /* text */
	OUTPUT_REPEATED, /* `count` times more what was said last */
	OUTPUT_DROPPED,  /* `count` lines, for there were too many */
};

typedef void output_say(
    void *ctx, enum output_kind, struct text, uint64_t count);

struct output {
	char line[OUTPUT_LINE]; /* begun, not ended */
	char last[OUTPUT_LINE]; /* said last */
	uint32_t used, last_used;
	uint64_t repeats, dropped;
	uint64_t tokens; /* thousandths of a line */
	uint64_t counted_ms;
	output_say *say;
	void *ctx;
};

void output_init(struct output *, output_say *, void *ctx, uint64_t now_ms);

void output_feed(struct output *, const void *, size_t bytes, uint64_t now_ms);

/* output_end says what is left: a line without end, repeats, drops. */
void output_end(struct output *, uint64_t now_ms);

#endif /* WORKERS_WORKER_POOL_OUTPUT_H */
