// SPDX-License-Identifier: MIT
#ifndef WORKERS_MONITOR_DIAGNOSTICS_H
#define WORKERS_MONITOR_DIAGNOSTICS_H

/*
 * diagnostics - the records of the debugger: traces, analyses and snapshots
 * with their ids, the last hundred of each; and errors, each once.
 *
 * Pure: what a record holds was packed by whoever made it.
 *
 * Trust:  errors quote logs, which may quote strangers: cut and copied.
 * Owner:  init/finish; records are copies.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/buffer.h"
#include "protocol/base/text.h"

enum {
	DIAGNOSTICS_KEPT = 100, /* of each kind */
	DIAGNOSTICS_ID = 32,
	DIAGNOSTICS_BYTES = 64 << 10, /* of one record */
	ERRORS_KEPT = 100,
	ERROR_TYPE_BYTES = 48,
	ERROR_TEXT_BYTES = 200
};

enum diagnostics_kind {
	DIAGNOSTICS_TRACE,
	DIAGNOSTICS_ANALYSIS,
	DIAGNOSTICS_SNAPSHOT,
	DIAGNOSTICS_KINDS
};

struct diagnostics_record {
	enum diagnostics_kind kind;
	uint64_t serial; /* over all kinds; 0: this place is empty */
	uint64_t wall_ms;
	char id[DIAGNOSTICS_ID];
	struct buffer map; /* msgpack */
};

/* One error, however often it came. */
struct error_group {
	uint64_t last_serial; /* when it was last seen, in order; 0: empty */
	uint64_t frequency;
	uint64_t first_ms, last_ms; /* wall */
	char process[40];
	char type[ERROR_TYPE_BYTES];
	char message[ERROR_TEXT_BYTES + 1];
};

struct diagnostics {
	struct diagnostics_record kept[DIAGNOSTICS_KINDS][DIAGNOSTICS_KEPT];
	uint64_t counts[DIAGNOSTICS_KINDS];
	uint64_t serial;
	struct error_group errors[ERRORS_KEPT];
	uint64_t errors_seen;
};

void diagnostics_init(struct diagnostics *);
void diagnostics_finish(struct diagnostics *);

/* diagnostics_name makes the id of a new record: "trace_" + 16 hex. */
void diagnostics_name(
    enum diagnostics_kind, uint64_t chance, char to[DIAGNOSTICS_ID]);

/* diagnostics_keep copies a record; the oldest of its kind may go. */
void diagnostics_keep(struct diagnostics *, enum diagnostics_kind,
    const char *id, uint64_t wall_ms, struct text map);

const struct diagnostics_record *diagnostics_find(
    const struct diagnostics *, struct text id);

/* diagnostics_next goes from the newest record to the oldest; begin with
 * UINT64_MAX, NULL ends. */
const struct diagnostics_record *diagnostics_next(
    const struct diagnostics *, uint64_t before_serial);

/* diagnostics_error counts an error: a known one, or a new group. */
void diagnostics_error(struct diagnostics *, const char *process,
    const char *type, struct text message, uint64_t wall_ms);

/* diagnostics_next_error goes from the last seen to the first. */
const struct error_group *diagnostics_next_error(
    const struct diagnostics *, uint64_t before_serial);

#endif /* WORKERS_MONITOR_DIAGNOSTICS_H */
