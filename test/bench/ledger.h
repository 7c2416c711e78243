// SPDX-License-Identifier: MIT
#ifndef TEST_BENCH_LEDGER_H
#define TEST_BENCH_LEDGER_H

/*
 * ledger - what became of every call: each ends in exactly one of answer,
 * typed error, client time-out. What came twice or never is counted too, and
 * that is the point of it.
 *
 * Latencies go to a log-linear histogram (1 % wide buckets). In a closed loop
 * a stall keeps the generator from sending, so the calls that would have felt
 * it are missing: ledger_correct adds them (Tene's correction for coordinated
 * omission) with the mean interval of a slot as the pace they would have had.
 *
 * Trust:  codes come from the server under test: bounded and escaped.
 * Owner:  plain memory, no pointers.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "protocol/base/text.h"

enum {
	LEDGER_STEP_BITS = 7, /* 128 buckets for each power of two */
	LEDGER_BUCKETS = 40 << LEDGER_STEP_BITS,
	LEDGER_CODES = 32,
	LEDGER_CODE_BYTES = 40,
};

struct ledger_code {
	char name[LEDGER_CODE_BYTES];
	uint64_t count;
};

struct ledger {
	uint64_t calls; /* sent */
	uint64_t answers;
	uint64_t errors;   /* typed */
	uint64_t untyped;  /* errors without a code; also in `errors` */
	uint64_t wrong;    /* answers without the expected text */
	uint64_t timeouts; /* nothing within the time-out */
	uint64_t late;     /* of those, answered afterwards */
	uint64_t lost;     /* their connection was closed under them */
	uint64_t acks;     /* async calls and streams said to be taken */
	uint64_t chunks;   /* parts of streams, each in its place */
	uint64_t
	    disordered;     /* a part out of its place, an end before its ack */
	uint64_t unreplied; /* answered, but without the phx_reply */
	uint64_t twice;     /* an ending for a call that had ended */
	uint64_t foreign;   /* frames for calls nobody made */
	struct ledger_code codes[LEDGER_CODES];
	uint64_t buckets[LEDGER_BUCKETS]; /* of nanoseconds */
	uint64_t recorded;
	double sum_ns;
	uint64_t longest_ns;
};

void ledger_error(struct ledger *, struct text code);
void ledger_record(struct ledger *, uint64_t ns);

/* ledger_correct is called once, when all is recorded. */
void ledger_correct(struct ledger *);

/* ledger_quantile: 0.99 → nanoseconds. */
uint64_t ledger_quantile(const struct ledger *, double);

/* Calls the server never ended: lost ones and time-outs without late answer. */
uint64_t ledger_unanswered(const struct ledger *);

/* ledger_forget_times drops latencies and starts over: the warm-up is done. */
void ledger_forget_times(struct ledger *);

/* ledger_print writes the members of a JSON object, without its braces. */
void ledger_print(const struct ledger *, FILE *);

#endif /* TEST_BENCH_LEDGER_H */
