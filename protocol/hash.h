// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_HASH_H
#define PROTOCOL_HASH_H

/*
 * hash - SipHash, the keyed hash for names that strangers choose.
 *
 * The key comes from a segment's header (random at creation), so nobody
 * outside can aim two names at one place. hash_name has a fixed key and is
 * for names of ours: layouts, functions, golden values.
 *
 * Trust:  any bytes.
 * Owner:  no memory.
 */

#include <stddef.h>
#include <stdint.h>

#include "protocol/base/text.h"

struct hash_seed {
	uint64_t k0;
	uint64_t k1;
};

/* hash_keyed is SipHash-2-4; hash_short is SipHash-1-3, for the hot path. */
uint64_t hash_keyed(struct hash_seed, const void *, size_t bytes);
uint64_t hash_short(struct hash_seed, const void *, size_t bytes);

/* hash_name: SipHash-2-4 under a fixed key; the same in every process. */
uint64_t hash_name(struct text);

/* hash_names is hash_name over a list in its order: a table's layout. */
uint64_t hash_names(const char *const *, size_t count);

/* hash_words sums up `count` 64-bit words: corruption, not attack. */
uint64_t hash_words(const uint64_t *, size_t count);

#endif /* PROTOCOL_HASH_H */
