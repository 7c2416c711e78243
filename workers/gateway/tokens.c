// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * Places of 8 entries each: an entry can only stand in its own place, so a
 * look-up reads one place and a full one has 8 to choose from. All memory is
 * taken at the start.
 */

#include "workers/gateway/tokens.h"

#include <string.h>
#include <openssl/evp.h>

#include "protocol/base/memory.h"
#include "workers/gateway/identity.h"

enum {
	WAYS = 8
};

struct entry {
	struct token_digest digest;
	struct identity *identity; /* NULL: empty */
	uint64_t used;             /* when, counted in uses */
};

struct tokens {
	struct entry *entries;
	uint32_t places; /* a power of two, or 0 */
	uint32_t count;
	uint64_t uses;
	struct hash_seed seed;
	EVP_MD *sha256; /* fetched once, by the first token: a gateway without
			   tokens starts without OpenSSL's 1 ms */
	EVP_MD_CTX *ctx;
};

struct tokens *
tokens_create(uint32_t most, struct hash_seed seed)
{
	struct tokens *t = MEMORY_NEW(struct tokens);

	t->seed = seed;
	if (most == 0)
		return t;
	t->places = 1;
	while ((uint64_t)t->places * WAYS < most)
		t->places *= 2;
	t->entries =
	    memory_new((size_t)t->places * WAYS * sizeof(struct entry));
	return t;
}

void
tokens_destroy(struct tokens **t)
{
	if (*t == NULL)
		return;
	tokens_clear(*t);
	memory_free((*t)->entries);
	EVP_MD_CTX_free((*t)->ctx);
	EVP_MD_free((*t)->sha256);
	memory_free(*t);
	*t = NULL;
}

void
tokens_digest(struct tokens *t, struct text token, struct token_digest *to)
{
	unsigned int bytes = 0;

	if (t->sha256 == NULL) {
		t->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
		t->ctx = EVP_MD_CTX_new();
		INVARIANT(t->sha256 != NULL && t->ctx != NULL);
	}
	INVARIANT(EVP_DigestInit_ex2(t->ctx, t->sha256, NULL) == 1 &&
	    EVP_DigestUpdate(t->ctx, token.at, token.len) == 1 &&
	    EVP_DigestFinal_ex(t->ctx, to->bytes, &bytes) == 1 &&
	    bytes == TOKEN_DIGEST_BYTES);
}

static struct entry *
place_of(struct tokens *t, const struct token_digest *digest)
{
	uint64_t hash = hash_short(t->seed, digest->bytes, TOKEN_DIGEST_BYTES);

	return &t->entries[(hash & (t->places - 1)) * WAYS];
}

static void
drop(struct tokens *t, struct entry *e)
{
	if (e->identity == NULL)
		return;
	identity_release(&e->identity);
	t->count--;
}

static bool
is_same(const struct entry *e, const struct token_digest *digest)
{
	return e->identity != NULL &&
	    memcmp(e->digest.bytes, digest->bytes, TOKEN_DIGEST_BYTES) == 0;
}

struct identity *
tokens_find(
    struct tokens *t, const struct token_digest *digest, uint64_t now_ms)
{
	if (t->places == 0)
		return NULL;
	struct entry *place = place_of(t, digest);
	for (int i = 0; i < WAYS; i++) {
		struct entry *e = &place[i];

		if (!is_same(e, digest))
			continue;
		if (e->identity->expires_ms != 0 &&
		    now_ms >= e->identity->expires_ms) {
			drop(t, e);
			return NULL;
		}
		e->used = ++t->uses;
		return e->identity;
	}
	return NULL;
}

void
tokens_keep(struct tokens *t, const struct token_digest *digest,
    struct identity *identity)
{
	struct entry *place, *to;

	if (t->places == 0)
		return;
	place = to = place_of(t, digest);
	for (int i = 0; i < WAYS; i++) {
		if (is_same(&place[i], digest)) {
			to = &place[i];
			break;
		}
		if (to->identity != NULL &&
		    (place[i].identity == NULL || place[i].used < to->used))
			to = &place[i];
	}
	drop(t, to);
	*to = (struct entry){
	    .digest = *digest,
	    .identity = identity_hold(identity),
	    .used = ++t->uses,
	};
	t->count++;
}

void
tokens_clear(struct tokens *t)
{
	for (size_t i = 0; i < (size_t)t->places * WAYS; i++)
		drop(t, &t->entries[i]);
}

uint32_t
tokens_count(const struct tokens *t)
{
	return t->count;
}
