// SPDX-License-Identifier: MIT
/*
 *   word 0       version: copy (version & 1) is the one in force; 0 is none
 *   words 1 …    copy 0: checksum over version and payload, payload
 *   words …      copy 1: the same
 *
 * Design notes
 *
 * A reader that starts on copy v is disturbed only by the write of v + 2. It
 * sees that in two ways: the version has moved on, or (should the writer have
 * died half-way through it) cannot have: then copy v was not touched, because
 * v + 2 is written only after v + 1 was published. So "version unchanged
 * after the copy" is enough; the checksum is against damage, not races.
 * All words are atomic (relaxed): a torn copy is thrown away, never undefined.
 */

#include "protocol/two_copy.h"

#include "protocol/hash.h"

enum {
	ATTEMPTS = 16
};

static uint64_t
sum_of(uint64_t version, const uint64_t *words, size_t count)
{
	return hash_words(words, count) ^ (version * 0x94d049bb133111ebu);
}

void
two_copy_write(_Atomic uint64_t *slot, const uint64_t *from, size_t words)
{
	uint64_t version =
	    atomic_load_explicit(&slot[0], memory_order_relaxed) + 1;
	_Atomic uint64_t *copy = slot + 1 + (version & 1) * (words + 1);

	if (version == 0) /* damage: 0 would mean "none" */
		version = 2;
	/*
	 * A reader of this copy (two versions old) that meets one of the new
	 * words must also see that the version has moved: the fence orders
	 * the last publication before them.
	 */
	atomic_thread_fence(memory_order_release);
	atomic_store_explicit(
	    &copy[0], sum_of(version, from, words), memory_order_relaxed);
	for (size_t i = 0; i < words; i++)
		atomic_store_explicit(
		    &copy[1 + i], from[i], memory_order_relaxed);
	atomic_store_explicit(&slot[0], version, memory_order_release);
}

enum err
two_copy_read(const _Atomic uint64_t *slot, uint64_t *to, size_t words)
{
	for (int i = 0; i < ATTEMPTS; i++) {
		uint64_t version =
		    atomic_load_explicit(&slot[0], memory_order_acquire);
		const _Atomic uint64_t *copy =
		    slot + 1 + (version & 1) * (words + 1);
		uint64_t sum;

		if (version == 0)
			return ERR_MISSING;
		sum = atomic_load_explicit(&copy[0], memory_order_relaxed);
		for (size_t w = 0; w < words; w++)
			to[w] = atomic_load_explicit(
			    &copy[1 + w], memory_order_relaxed);
		atomic_thread_fence(memory_order_acquire);
		if (atomic_load_explicit(&slot[0], memory_order_relaxed) !=
		    version)
			continue;
		return sum == sum_of(version, to, words) ? OK : ERR_MALFORMED;
	}
	return ERR_AGAIN;
}
