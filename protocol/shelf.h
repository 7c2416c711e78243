// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_SHELF_H
#define PROTOCOL_SHELF_H

/*
 * shelf - a role's records on disk: LMDB in <state_dir>/<folder>, a few
 * tables of number, big-endian → sum, bytes.
 *
 * Knows no fields: bytes in, the same bytes out, in the order of their
 * numbers. Changes are collected in a batch and become one transaction.
 *
 * Trust:  what is read may be damaged: each value has a checksum, and a store
 *         whose reading has ended three lives in a row is moved aside.
 * Owner:  open/close; batches are the caller's buffers. One process, which
 *         is the store's owner, opens it; the shape outlives the shelf.
 * Errors: ERR_FULL (no room), ERR_SYSTEM (errno), ERR_MALFORMED (damaged).
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/buffer.h"
#include "protocol/base/err.h"
#include "protocol/base/text.h"

struct shelf;

enum {
	SHELF_TABLES_MOST = 4
};

struct shelf_shape {
	const char *folder; /* the role's word */
	const char *tables[SHELF_TABLES_MOST];
	uint32_t table_count;
};

/* shelf_open: with `is_first` this life is counted until it has read all. */
enum err shelf_open(const char *state_dir, const struct shelf_shape *,
    bool is_first, struct shelf **) MUST_USE;
void shelf_close(struct shelf **);

/* shelf_set_aside renames the closed store to <folder>.damaged-<wall_ms>. */
enum err shelf_set_aside(const char *state_dir, const struct shelf_shape *,
    uint64_t wall_ms) MUST_USE;

/* A visitor that returns anything but OK ends the reading with that error. */
typedef enum err shelf_visit(
    void *ctx, uint32_t table, uint64_t number, struct text value);

/* shelf_read visits the tables in their order. */
enum err shelf_read(struct shelf *, shelf_visit *, void *ctx) MUST_USE;

/* A batch is full when its buffer is: ERR_FULL, and nothing was added. */
enum err shelf_put(struct buffer *batch, uint32_t table, uint64_t number,
    struct text value) MUST_USE;
enum err shelf_drop(
    struct buffer *batch, uint32_t table, uint64_t number) MUST_USE;

/* shelf_batch_each visits what a batch would change. */
typedef void shelf_change(void *ctx, uint32_t table, uint64_t number);
void shelf_batch_each(struct text batch, shelf_change *, void *ctx);

/*
 * shelf_apply makes a batch durable, in one transaction; `is_anew` empties
 * the store first. An empty batch asks the disk whether it takes writes.
 */
enum err shelf_apply(struct shelf *, struct text batch, bool is_anew) MUST_USE;

#endif /* PROTOCOL_SHELF_H */
