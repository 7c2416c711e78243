// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_LIMITS_ROW_H
#define PROTOCOL_LIMITS_ROW_H

/*
 * limits_row - the hits of one key: 8, 32 or 128 slots, each one word.
 *
 * Only words and time: which row belongs to which key is limits_table.h.
 * The row's drawing and the proof of the limit are in limits_row.c.
 *
 * Trust:  words may be garbage; nothing here loops or indexes on them.
 * Owner:  no memory; rows are the segment's.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "protocol/limits.h"

enum {
	ROW_HEAD_WORDS = 8,
	ROW_SLOTS_MOST = 128
};

struct limits_row {
	_Atomic uint64_t hint;      /* slot to try first; any value is valid */
	_Atomic uint64_t max;       /* largest max whose hits may be in here */
	_Atomic uint64_t window_ms; /* of the last hit */
	_Atomic uint64_t floor_us;  /* no hit is recorded under less */
	_Atomic uint64_t zero[ROW_HEAD_WORDS - 4];
	_Atomic uint64_t slots[]; /* row_slots(class) */
};

/* Where a slot's word stands. */
struct row_claim {
	uint32_t at;
	uint64_t old;
	uint64_t next;
};

uint32_t row_slots(uint32_t class); /* 8, 32, 128 */
uint32_t row_class_for(uint32_t max);
static inline size_t
row_bytes(uint32_t class)
{
	return (ROW_HEAD_WORDS + (size_t)row_slots(class)) * 8;
}

/*
 * row_find_claim says which word to change into what to record the hit, or
 * fills the verdict with a refusal and returns false. It changes nothing but
 * the row's notes (max, window).
 */
bool row_find_claim(struct limits_row *, uint32_t class,
    const struct limits_hit *, struct row_claim *, struct limits_verdict *);

/* row_claim does the one CAS; false when somebody was faster. */
bool row_claim(
    struct limits_row *, const struct limits_hit *, const struct row_claim *);

/* row_claim_time is the time the hit is recorded under. */
uint64_t row_claim_time(const struct row_claim *);

/* row_look counts without touching anything. */
void row_look(const struct limits_row *, uint32_t class,
    const struct limits_hit *, struct limits_verdict *);

/* row_begin readies a row for a new key, before it is live. */
void row_begin(
    struct limits_row *, const struct limits_hit *, uint64_t closed_us);

/* row_raise lifts a time to at least `us`. */
void row_raise(_Atomic uint64_t *, uint64_t us);

/* row_is_possible: not so far ahead that only damage explains it. */
bool row_is_possible(uint64_t us, uint64_t now_us);

/* row_import copies the hits that count from a row of a smaller class. */
void row_import(struct limits_row *to, const struct limits_row *from,
    uint32_t from_class, const struct limits_hit *);

/*
 * row_close gives every slot a new free word, so that a claim prepared
 * earlier fails. With `force` false it stops with false at a hit younger than
 * `keep_us` and than the row's window.
 */
bool row_close(struct limits_row *, uint32_t class, uint64_t now_us,
    uint64_t keep_us, bool force);

/* row_is_idle: no hit that row_close would stop at. */
bool row_is_idle(const struct limits_row *, uint32_t class, uint64_t now_us,
    uint64_t keep_us);

/* row_repair frees slots whose time lies in the far future. */
uint32_t row_repair(struct limits_row *, uint32_t class, uint64_t now_us);

#endif /* PROTOCOL_LIMITS_ROW_H */
