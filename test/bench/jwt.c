// SPDX-License-Identifier: MIT
/*
 * jwt - what a token costs beside the signature it carries: for each
 * algorithm the bare EVP verify, all of jwt_verify, and the same token again
 * from the cache; in microseconds of CPU, the best of many short rounds, as
 * one line of JSON.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>

#include "test/unit/signer.h"
#include "workers/gateway/base64url.h"
#include "workers/gateway/jwt.h"
#include "workers/gateway/tokens.h"

enum {
	ROUNDS = 40,
	TIMES = 25,
	AGAIN_TIMES = 1000,
	TOKEN_BYTES = 4096
};

#define NOW_MS UINT64_C(1700000000000)

static const struct jwt_rules rules = {
    .user_claim = {.at = "sub", .len = 3},
    .roles_claim = {.at = "roles", .len = 5},
    .issuer = {.at = "https://login.example", .len = 21},
    .needs_expiry = true,
};

/* A token as logins make them, and all that is known of it. */
struct subject {
	struct signer signer;
	struct jwks *keys;
	char token[TOKEN_BYTES];
	struct text signed_part;
	unsigned char signature[1100]; /* as EVP wants it */
	size_t signature_bytes;
};

static void
raw_to_der(struct subject *s, size_t width)
{
	unsigned char raw[200], *at = s->signature;
	ECDSA_SIG *sig = ECDSA_SIG_new();

	memcpy(raw, s->signature, width * 2);
	INVARIANT(ECDSA_SIG_set0(sig, BN_bin2bn(raw, (int)width, NULL),
		      BN_bin2bn(raw + width, (int)width, NULL)) == 1);
	s->signature_bytes = (size_t)i2d_ECDSA_SIG(sig, &at);
	ECDSA_SIG_free(sig);
}

static void
prepare(struct subject *s, enum jwt_algorithm algorithm)
{
	char jwk[4096], set[5000], header[100], why[JWKS_WHY_BYTES];

	signer_init(&s->signer, algorithm, "2026-11");
	signer_jwk(&s->signer, jwk, sizeof(jwk));
	snprintf(set, sizeof(set), "{\"keys\":[%s]}", jwk);
	INVARIANT(jwks_read(text_of(set), &s->keys, why) == OK);
	snprintf(header, sizeof(header),
	    "{\"alg\":\"%s\",\"typ\":\"JWT\",\"kid\":\"2026-11\"}",
	    jwt_algorithm_name(algorithm));
	signer_sign(&s->signer, header,
	    "{\"iss\":\"https://login.example\",\"sub\":\"auth0|5f7c8ec7c33\","
	    "\"aud\":[\"api\",\"web\"],\"iat\":1699999000,\"exp\":1700003600,"
	    "\"jti\":\"id-1\",\"azp\":\"my_client\",\"email\":\"a@b.example\","
	    "\"roles\":[\"user\",\"editor\"]}",
	    s->token, sizeof(s->token));
	char *dot = strrchr(s->token, '.');
	s->signed_part = (struct text){s->token, (uint32_t)(dot - s->token)};
	INVARIANT(base64url_decode(text_of(dot + 1), s->signature,
		      sizeof(s->signature), &s->signature_bytes) == OK);
	if (jwt_algorithm_family(algorithm) == JWT_ECDSA)
		raw_to_der(s, jwt_algorithm_bytes(algorithm));
}

static void
bare(struct subject *s)
{
	enum jwt_algorithm a = s->signer.algorithm;
	const unsigned char *bytes = (const unsigned char *)s->signed_part.at;
	unsigned char tag[EVP_MAX_MD_SIZE];
	unsigned int tag_bytes;
	EVP_PKEY_CTX *key_ctx;

	if (s->signer.key == NULL) {
		INVARIANT(HMAC(EVP_get_digestbyname(jwt_algorithm_digest(a)),
			      s->signer.secret, sizeof(s->signer.secret), bytes,
			      s->signed_part.len, tag, &tag_bytes) != NULL);
		return;
	}
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	INVARIANT(
	    EVP_DigestVerifyInit_ex(ctx, &key_ctx, jwt_algorithm_digest(a),
		NULL, NULL, s->signer.key, NULL) == 1);
	if (jwt_algorithm_family(a) == JWT_PSS)
		INVARIANT(EVP_PKEY_CTX_set_rsa_padding(
			      key_ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
		    EVP_PKEY_CTX_set_rsa_pss_saltlen(
			key_ctx, RSA_PSS_SALTLEN_DIGEST) == 1);
	INVARIANT(EVP_DigestVerify(ctx, s->signature, s->signature_bytes, bytes,
		      s->signed_part.len) == 1);
	EVP_MD_CTX_free(ctx);
}

static void
whole(struct subject *s)
{
	struct identity facts;
	struct arena arena;
	uint32_t signatures = 0;

	arena_init(&arena);
	INVARIANT(jwt_verify(s->keys, &rules, text_of(s->token), NOW_MS, &arena,
		      &facts, &signatures) == JWT_IS_good);
	struct identity *who = identity_create(&facts);
	identity_release(&who);
	arena_finish(&arena);
}

static struct tokens *cache;

static void
again(struct subject *s)
{
	struct token_digest digest;

	tokens_digest(cache, text_of(s->token), &digest);
	INVARIANT(tokens_find(cache, &digest, NOW_MS) != NULL);
}

/* fill puts the token among as many others as the cache holds. */
static void
fill(struct subject *s)
{
	const struct identity facts = {.user_id = TEXT("u")};
	struct token_digest digest;
	char other[64];

	for (int i = 0; i < 10000; i++) {
		struct identity *who = identity_create(&facts);

		snprintf(other, sizeof(other), "token %d", i);
		tokens_digest(cache,
		    i < 9999 ? text_of(other) : text_of(s->token), &digest);
		tokens_keep(cache, &digest, who);
		identity_release(&who);
	}
}

/* cpu_ns: of this process only, so that a busy machine adds nothing. */
static uint64_t
cpu_ns(void)
{
	struct timespec t;

	INVARIANT(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) == 0);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static double
time_us(void (*run)(struct subject *), struct subject *s, int times)
{
	uint64_t before_ns = cpu_ns();

	for (int i = 0; i < times; i++)
		run(s);
	return (double)(cpu_ns() - before_ns) / 1000 / times;
}

static void
measure(enum jwt_algorithm algorithm, bool is_first)
{
	struct subject s;
	double best[3] = {1e9, 1e9, 1e9};

	prepare(&s, algorithm);
	cache = tokens_create(10000, (struct hash_seed){1, 2});
	fill(&s);
	for (int round = 0; round < ROUNDS; round++) {
		double now[3] = {time_us(bare, &s, TIMES),
		    time_us(whole, &s, TIMES), time_us(again, &s, AGAIN_TIMES)};

		for (int i = 0; i < 3; i++)
			best[i] = now[i] < best[i] ? now[i] : best[i];
	}
	printf("%s\"%s\":{\"bare_us\":%.2f,\"verify_us\":%.2f,"
	       "\"again_us\":%.3f}",
	    is_first ? "" : ",", jwt_algorithm_name(algorithm), best[0],
	    best[1], best[2]);
	tokens_destroy(&cache);
	jwks_destroy(&s.keys);
	signer_finish(&s.signer);
}

int
main(void)
{
	static const enum jwt_algorithm shown[] = {
	    JWT_HS256, JWT_RS256, JWT_PS256, JWT_ES256, JWT_ES384, JWT_EdDSA};

	printf("{");
	for (size_t i = 0; i < COUNT_OF(shown); i++)
		measure(shown[i], i == 0);
	printf("}\n");
	return 0;
}
