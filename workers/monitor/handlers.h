// SPDX-License-Identifier: MIT
#ifndef WORKERS_MONITOR_HANDLERS_H
#define WORKERS_MONITOR_HANDLERS_H

/*
 * handlers - functions that are called with events: which events each wants,
 * what waits for it, one batch out at a time, and when it has failed too often.
 *
 * Pure: time is an argument, and who calls them is the caller's affair.
 *
 * Trust:  rows come from settings; why a batch failed may quote the function,
 *         and is cut and made printable here.
 * Owner:  the caller's struct (init/finish).
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/buffer.h"
#include "protocol/base/text.h"
#include "protocol/pack.h"
#include "protocol/telemetry.h"

enum {
	HANDLERS = 16,
	HANDLER_BATCH = 64, /* events that make a batch go at once */
	HANDLER_BATCH_MS =
	    200,               /* the longest that one event waits for others */
	HANDLER_WAITING = 512, /* events kept while a batch is out */
	HANDLER_BYTES = 512 * 1024, /* … and their bytes */
	HANDLER_FAILURES = 5,       /* in a row: it is detached */
	HANDLER_WORD = 129, /* of module, function, pool: NUL included */
	HANDLER_NAME = 2 * HANDLER_WORD,
	HANDLER_MATCH = 256,
	HANDLER_REASON = 160
};

/* HANDLER_SERVICE: what worker_pool calls a batch in events of its own. */
#define HANDLER_SERVICE "telemetry.handler"

struct handler {
	char name[HANDLER_NAME];
	char match[HANDLER_MATCH];
	char module[HANDLER_WORD];
	char function[HANDLER_WORD];
	char pool[HANDLER_WORD];
	struct telemetry_choice choice;
	bool is_detached;
	char reason[HANDLER_REASON]; /* of the last failure; "": none */
	struct buffer waiting;       /* packed events, one behind the other */
	uint32_t count;              /* of them */
	uint64_t since_ms;           /* when the first of them came */
	uint32_t out;      /* events of the batch that is out; 0: none */
	uint32_t failures; /* in a row */
	uint64_t sent;     /* events it took */
	uint64_t failed;   /* events of batches it failed at */
	uint64_t dropped;  /* events it never got */
};

struct handlers {
	struct handler items[HANDLERS];
	uint32_t count;
};

void handlers_init(struct handlers *);
void handlers_finish(struct handlers *);

/*
 * handlers_read takes the rows of the settings (a list of maps); all are
 * attached again. A row that was there before keeps its counters and what
 * waits; batches that are out count as dropped: forget them first.
 */
void handlers_read(struct handlers *, struct text list);

/* handlers_choice: what all that are attached want. */
void handlers_choice(const struct handlers *, struct telemetry_choice *to);

/*
 * handlers_is_own: the text of this event speaks of a handler's own call.
 * Nobody is given those: they would never end.
 */
bool handlers_is_own(struct text record);

/* handlers_offer lets everybody have an event who wants it and has room. */
void handlers_offer(
    struct handlers *, enum event, struct text packed, uint64_t now_ms);

/* handler_is_due: it is to be called now. */
bool handler_is_due(const struct handler *, uint64_t now_ms);

/* handler_pack packs its arguments: a list with one list of events. */
void handler_pack(const struct handler *, struct packer *);

void handler_sent(struct handler *);     /* the batch is out */
void handler_answered(struct handler *); /* and was taken */

/* handler_unserved: nobody could call it; no fault of its own. */
void handler_unserved(struct handler *, struct text why);

/* handler_failed: true when that was once too often: it is detached now. */
bool handler_failed(struct handler *, struct text why);

#endif /* WORKERS_MONITOR_HANDLERS_H */
