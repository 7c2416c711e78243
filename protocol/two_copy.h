// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_TWO_COPY_H
#define PROTOCOL_TWO_COPY_H

/*
 * two_copy - a small record in shared memory that one process writes and
 * others read, with no state in which a death can leave it broken.
 *
 * The writer fills the copy nobody is sent to, then publishes it with one
 * store. Killed before that store: readers still have the old copy, whole.
 * A sequence lock would be odd forever (152 of 300 kills, spec/measured.md).
 *
 * Trust:  the shared words may be garbage: the checksum says so.
 * Owner:  no memory; the words are the segment's. One writer at a time.
 */

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/base/err.h"

/* Words a slot of `words` payload words takes: version, 2 × (sum, payload). */
#define TWO_COPY_WORDS(words) (1 + 2 * (1 + (words)))

/* two_copy_write publishes `words` words; wait-free. */
void two_copy_write(_Atomic uint64_t *slot, const uint64_t *from, size_t words);

/*
 * two_copy_read gives one whole record: ERR_MISSING when none was ever
 * written, ERR_MALFORMED when the bytes are not what a writer left, ERR_AGAIN
 * when a writer overtook sixteen attempts.
 */
enum err two_copy_read(
    const _Atomic uint64_t *slot, uint64_t *to, size_t words) MUST_USE;

#endif /* PROTOCOL_TWO_COPY_H */
