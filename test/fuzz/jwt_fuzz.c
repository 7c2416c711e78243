// SPDX-License-Identifier: MIT
/*
 * jwt_fuzz - any bytes as a token, as a key file, and as a service's answer. A
 * token's bytes are also taken as the parts behind a good signature, where the
 * claims are read.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "workers/gateway/credentials.h"
#include "workers/gateway/jwt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SECRET "0123456789abcdef0123456789abcdef"
#define SET \
	"{\"keys\":[{\"kty\":\"oct\",\"k\":" \
	"\"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY\"}]}"

static const struct jwt_rules rules = {
    .user_claim = {.at = "sub", .len = 3},
    .roles_claim = {.at = "roles", .len = 5},
    .audiences = &rules.user_claim,
    .audience_count = 1,
};

static size_t
encode(const uint8_t *from, size_t bytes, char *to)
{
	int n = EVP_EncodeBlock((unsigned char *)to, from, (int)bytes);

	while (n > 0 && to[n - 1] == '=')
		n--;
	for (int i = 0; i < n; i++) {
		if (to[i] == '+')
			to[i] = '-';
		else if (to[i] == '/')
			to[i] = '_';
	}
	return (size_t)n;
}

/* sign makes a token whose payload is `data`. */
static size_t
sign(const uint8_t *data, size_t size, char *to)
{
	static const uint8_t header[] = "{\"alg\":\"HS256\"}";
	uint8_t tag[EVP_MAX_MD_SIZE];
	unsigned int tag_bytes;
	size_t n = encode(header, sizeof(header) - 1, to);

	to[n++] = '.';
	n += encode(data, size, to + n);
	HMAC(EVP_sha256(), SECRET, 32, (unsigned char *)to, n, tag, &tag_bytes);
	to[n++] = '.';
	return n + encode(tag, tag_bytes, to + n);
}

static void
try(const struct jwks *keys, struct text token)
{
	struct arena arena;
	struct identity facts;
	uint32_t signatures = 0;

	arena_init(&arena);
	enum jwt_verdict v = jwt_verify(
	    keys, &rules, token, 1700000000000, &arena, &facts, &signatures);
	if (v == JWT_IS_good &&
	    (!identity_is_user(facts.user_id) ||
		facts.role_count > IDENTITY_ROLES))
		abort();
	if (signatures > JWT_TRIES)
		abort();
	arena_finish(&arena);
}

/* answer: the bytes as what a service says of a client. */
static void
answer(struct text bytes)
{
	struct identity facts;
	struct arena arena;

	if (pack_check(bytes, PACK_LIMITS) != OK)
		return;
	arena_init(&arena);
	if (credentials_answer(bytes, 1, &arena, &facts) == OK &&
	    (!identity_is_user(facts.user_id) ||
		facts.role_count > IDENTITY_ROLES))
		abort();
	arena_finish(&arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct jwks *good;
	struct jwks *theirs = NULL;
	char why[JWKS_WHY_BYTES], token[JWT_BYTES * 2];
	struct text bytes = {.at = (const char *)data, .len = (uint32_t)size};

	if (good == NULL && jwks_read(TEXT(SET), &good, why) != OK)
		abort();
	try(good, bytes);
	if (size < JWT_BYTES - 200) {
		size_t n = sign(data, size, token);

		try(good, (struct text){.at = token, .len = (uint32_t)n});
	}
	if (jwks_read(bytes, &theirs, why) == OK)
		try(theirs, bytes);
	else if (theirs != NULL || memchr(why, '\0', sizeof(why)) == NULL)
		abort();
	jwks_destroy(&theirs);
	answer(bytes);
	return 0;
}
