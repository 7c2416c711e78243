// SPDX-License-Identifier: MIT
#ifndef WORKERS_RELAY_SHELF_H
#define WORKERS_RELAY_SHELF_H

/*
 * shelf - groups and memberships on disk: LMDB in <state_dir>/relay.
 *
 *   groups   number, big-endian → sum, bytes
 *   members  number, big-endian → sum, bytes
 *
 * Knows no fields: bytes in, the same bytes out, in the order of their
 * numbers. Changes are collected in a batch and become one transaction.
 *
 * Trust:  what is read may be damaged: each value has a checksum, and a store
 *         whose reading has ended three lives in a row is moved aside.
 * Owner:  open/close; batches are the caller's buffers.
 * Errors: ERR_FULL (no room), ERR_SYSTEM (errno), ERR_MALFORMED (damaged).
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/buffer.h"
#include "protocol/base/err.h"
#include "protocol/base/text.h"

struct shelf;

enum shelf_table {
	SHELF_GROUPS,
	SHELF_MEMBERS,
	SHELF_TABLES
};

/* shelf_open: with `is_first` this life is counted until it has read all. */
enum err shelf_open(
    const char *state_dir, bool is_first, struct shelf **) MUST_USE;
void shelf_close(struct shelf **);

/* shelf_set_aside renames the closed store to relay.damaged-<wall_ms>. */
enum err shelf_set_aside(const char *state_dir, uint64_t wall_ms) MUST_USE;

/* A visitor that returns anything but OK ends the reading with that error. */
typedef enum err shelf_visit(
    void *ctx, enum shelf_table, uint64_t number, struct text value);

/* shelf_read visits all groups, then all members. */
enum err shelf_read(struct shelf *, shelf_visit *, void *ctx) MUST_USE;

/* A batch is full when its buffer is: ERR_FULL, and nothing was added. */
enum err shelf_put(struct buffer *batch, enum shelf_table, uint64_t number,
    struct text value) MUST_USE;
enum err shelf_drop(
    struct buffer *batch, enum shelf_table, uint64_t number) MUST_USE;

/*
 * shelf_apply makes a batch durable, in one transaction; `is_anew` empties
 * the store first. An empty batch asks the disk whether it takes writes.
 */
enum err shelf_apply(struct shelf *, struct text batch, bool is_anew) MUST_USE;

#endif /* WORKERS_RELAY_SHELF_H */
