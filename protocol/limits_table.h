// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_LIMITS_TABLE_H
#define PROTOCOL_LIMITS_TABLE_H

/*
 * limits_table - which row belongs to which key, and how a row changes hands.
 *
 * Used by limits.c and limits_sweep.c only. The states of a tag and why no
 * key ever has two rows are in limits_table.c.
 *
 * Trust:  tags may be garbage; places come from arithmetic, never from words.
 * Owner:  no memory.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "protocol/limits.h"
#include "protocol/limits_row.h"

enum {
	TABLE_HEAD_BYTES = 64,
	TABLE_BUCKET = 8, /* tags of a cache line */
	TABLE_PROBES = 32 /* tags a key may be at */
};

/* A row as somebody found it; good while the tag is still the same. */
struct place {
	uint32_t class;
	uint32_t index;
	uint64_t tag;
	struct limits_row *row;
};

/* table_find gives the live row of the key, if it has one in this class. */
bool table_find(
    const struct limits *, uint32_t class, uint64_t key, struct place *);

/*
 * table_claim finds the key's row or makes one, with the hits the key had in
 * a smaller class: ERR_FULL when all its places are taken by others.
 */
enum err table_claim(
    struct limits *, const struct limits_hit *, struct place *) MUST_USE;

/* place_is_mine: the row still belongs to the key it was found for. */
bool place_is_mine(const struct limits *, const struct place *);

/*
 * table_tend looks at one place of a class: finishes or undoes what the dead
 * left half done, and frees the row if it is idle. Gives what it found.
 */
enum table_tended {
	TENDED_FREE,
	TENDED_KEPT,
	TENDED_FREED
};
enum table_tended table_tend(struct limits *, uint32_t class, uint32_t index,
    uint64_t now_us, uint64_t keep_us);

/* table_drop frees a row whatever is in it; false if somebody revived it. */
bool table_drop(struct limits *, const struct place *, uint64_t now_us);

/* table_repair takes back an impossible closing time. */
void table_repair(struct limits *, uint64_t now_us);

/* table_row is the row at an index, whoever owns it. */
struct limits_row *table_row(
    const struct limits *, uint32_t class, uint32_t index);
/* table_at gives the place at an index; false unless a key lives there. */
bool table_at(
    const struct limits *, uint32_t class, uint32_t index, struct place *);
bool table_is_used(const struct limits *, uint32_t class, uint32_t index);

#endif /* PROTOCOL_LIMITS_TABLE_H */
