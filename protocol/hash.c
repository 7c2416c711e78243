// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * SipHash as in Aumasson and Bernstein, "SipHash: a fast short-input PRF"
 * (2012), section 2; the test holds it to the vectors of their reference
 * implementation (github.com/veorq/SipHash, vectors.h). 2-4 where a key lives
 * as long as the machine, 1-3 (the choice of Rust and Python) where a call
 * waits for it: 1-3 has no known attack on table keys.
 */

#include "protocol/hash.h"

#include <string.h>

struct sip {
	uint64_t v0, v1, v2, v3;
};

static inline uint64_t
rotate(uint64_t x, int bits)
{
	return (x << bits) | (x >> (64 - bits));
}

static inline void
sip_round(struct sip *s)
{
	s->v0 += s->v1;
	s->v1 = rotate(s->v1, 13) ^ s->v0;
	s->v0 = rotate(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = rotate(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = rotate(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = rotate(s->v1, 17) ^ s->v2;
	s->v2 = rotate(s->v2, 32);
}

static inline uint64_t
little_endian(const uint8_t *at, size_t bytes)
{
	uint64_t word = 0;

	for (size_t i = 0; i < bytes; i++)
		word |= (uint64_t)at[i] << (8 * i);
	return word;
}

/* sip is inlined with constant rounds into its two callers. */
static inline uint64_t
sip(struct hash_seed seed, const uint8_t *at, size_t bytes, const int rounds[2])
{
	struct sip s = {seed.k0 ^ 0x736f6d6570736575u,
	    seed.k1 ^ 0x646f72616e646f6du, seed.k0 ^ 0x6c7967656e657261u,
	    seed.k1 ^ 0x7465646279746573u};
	uint64_t last = (uint64_t)bytes << 56;

	for (; bytes >= 8; at += 8, bytes -= 8) {
		uint64_t word = little_endian(at, 8);

		s.v3 ^= word;
		for (int r = 0; r < rounds[0]; r++)
			sip_round(&s);
		s.v0 ^= word;
	}
	last |= little_endian(at, bytes);
	s.v3 ^= last;
	for (int r = 0; r < rounds[0]; r++)
		sip_round(&s);
	s.v0 ^= last;
	s.v2 ^= 0xff;
	for (int r = 0; r < rounds[1]; r++)
		sip_round(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

uint64_t
hash_keyed(struct hash_seed seed, const void *data, size_t bytes)
{
	return sip(seed, data, bytes, (const int[2]){2, 4});
}

uint64_t
hash_short(struct hash_seed seed, const void *data, size_t bytes)
{
	return sip(seed, data, bytes, (const int[2]){1, 3});
}

uint64_t
hash_name(struct text name)
{
	/* "banyan: names of ours", any constant would do */
	const struct hash_seed fixed = {
	    0x62616e79616e3a20u, 0x6e616d6573206f66u};

	return hash_keyed(fixed, name.at, name.len);
}

uint64_t
hash_names(const char *const *names, size_t count)
{
	uint64_t both[2] = {0, 0};

	for (size_t i = 0; i < count; i++) {
		both[1] = hash_name(text_of(names[i]));
		both[0] = hash_name((struct text){
		    .at = (const char *)both, .len = sizeof(both)});
	}
	return both[0];
}

uint64_t
hash_words(const uint64_t *words, size_t count)
{
	uint64_t sum = 0x9e3779b97f4a7c15u + count;

	for (size_t i = 0; i < count; i++) {
		sum = rotate(sum ^ words[i], 29) * 0xbf58476d1ce4e5b9u;
		sum ^= sum >> 32;
	}
	return sum;
}
