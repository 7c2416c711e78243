// SPDX-License-Identifier: MIT
/* jwt - good tokens of every algorithm, and every way to cheat with one. */

#include <malloc.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <openssl/pem.h>

#include "signer.h"
#include "workers/gateway/base64url.h"
#include "workers/gateway/jwt.h"

#define NOW_S  UINT64_C(1700000000)
#define NOW_MS (NOW_S * 1000)
#define EXP    "\"exp\":1700000060"
#define ANNA   "{\"sub\":\"anna\"," EXP "}"

static struct arena arena;
static struct identity facts;
static char token[16384];
static char jwk[4096];
static uint32_t signatures;

static const struct jwt_rules plain = {
    .user_claim = {.at = "sub", .len = 3},
    .roles_claim = {.at = "roles", .len = 5},
    .leeway_ms = 5000,
    .needs_expiry = true,
};

/* keys_of reads a set of up to three JWKs. */
static struct jwks *
keys_of(const char *a, const char *b, const char *c)
{
	char set[16384], why[JWKS_WHY_BYTES];
	struct jwks *keys = NULL;

	snprintf(set, sizeof(set), "{\"keys\":[%s%s%s%s%s]}", a,
	    b != NULL ? "," : "", b != NULL ? b : "", c != NULL ? "," : "",
	    c != NULL ? c : "");
	if (jwks_read(text_of(set), &keys, why) != OK)
		fail_msg("%s", why);
	return keys;
}

static enum jwt_verdict
verify_by(const struct jwks *keys, const struct jwt_rules *rules,
    const char *text, uint64_t now_ms)
{
	arena_reset(&arena);
	signatures = 0;
	return jwt_verify(
	    keys, rules, text_of(text), now_ms, &arena, &facts, &signatures);
}

/* The signer most tests use: one HMAC key without a kid. */
static struct signer hs;
static struct jwks *hs_keys;

static enum jwt_verdict
verify(const char *header, const char *payload)
{
	signer_sign(&hs, header, payload, token, sizeof(token));
	return verify_by(hs_keys, &plain, token, NOW_MS);
}

static enum jwt_verdict
payload_is(const char *payload)
{
	return verify("{\"alg\":\"HS256\"}", payload);
}

static int
start(void **state)
{
	(void)state;
	arena_init(&arena);
	signer_init(&hs, JWT_HS256, NULL);
	signer_jwk(&hs, jwk, sizeof(jwk));
	hs_keys = keys_of(jwk, NULL, NULL);
	return 0;
}

static int
finish(void **state)
{
	(void)state;
	jwks_destroy(&hs_keys);
	signer_finish(&hs);
	arena_finish(&arena);
	return 0;
}

/* --- vectors --- */

static void
try_vector(char *line)
{
	char *key = strchr(line, '\t'), *text;
	uint8_t signature[1100];
	size_t bytes = 0;

	assert_non_null(key);
	*key++ = '\0';
	text = strchr(key, '\t');
	assert_non_null(text);
	*text++ = '\0';
	text[strcspn(text, "\n")] = '\0';
	struct jwks *keys = keys_of(key, NULL, NULL);
	char *last = strrchr(text, '.');
	struct text signed_part = {text, (uint32_t)(last - text)};
	assert_int_equal(base64url_decode(text_of(last + 1), signature,
			     sizeof(signature), &bytes),
	    OK);
	if (!jwk_verify(&keys->keys[0], signed_part, signature, bytes))
		fail_msg("%s does not verify", line);
	for (size_t i = 0; i < bytes; i += 7) {
		signature[i] ^= 0x10;
		assert_false(
		    jwk_verify(&keys->keys[0], signed_part, signature, bytes));
		signature[i] ^= 0x10;
	}
	signed_part.len--;
	assert_false(jwk_verify(&keys->keys[0], signed_part, signature, bytes));
	jwks_destroy(&keys);
}

static void
the_examples_of_the_rfcs_verify_and_no_changed_bit_does(void **state)
{
	FILE *f = fopen(SOURCE_ROOT "/test/golden/jwt.txt", "r");
	char line[8192];
	int count = 0;

	(void)state;
	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		if (line[0] == '#')
			continue;
		try_vector(line);
		count++;
	}
	fclose(f);
	assert_int_equal(count, 9);
}

static void
a_token_of_every_algorithm_is_taken_and_a_forged_one_is_not(void **state)
{
	char header[64];

	(void)state;
	for (int a = 0; a < JWT_ALGORITHM_COUNT; a++) {
		struct signer s, other;

		signer_init(&s, (enum jwt_algorithm)a, "k1");
		signer_init(&other, (enum jwt_algorithm)a, "k1");
		signer_jwk(&s, jwk, sizeof(jwk));
		struct jwks *keys = keys_of(jwk, NULL, NULL);
		snprintf(header, sizeof(header),
		    "{\"alg\":\"%s\",\"kid\":\"k1\"}",
		    jwt_algorithm_name((enum jwt_algorithm)a));
		signer_sign(&s, header, ANNA, token, sizeof(token));
		assert_int_equal(
		    verify_by(keys, &plain, token, NOW_MS), JWT_IS_good);
		assert_true(text_is(facts.user_id, "anna"));
		assert_int_equal(signatures, 1);
		signer_sign(&other, header, ANNA, token, sizeof(token));
		assert_int_equal(
		    verify_by(keys, &plain, token, NOW_MS), JWT_IS_signature);
		jwks_destroy(&keys);
		signer_finish(&s);
		signer_finish(&other);
	}
}

/* --- whom it names --- */

static void
user_roles_expiry_and_name_come_from_the_claims(void **state)
{
	(void)state;
	assert_int_equal(payload_is("{\"sub\":\"anna\"," EXP
				    ",\"iat\":1699999990,\"jti\":\"t1\","
				    "\"roles\":[\"admin\",\"\",\"a b\"]}"),
	    JWT_IS_good);
	assert_true(text_is(facts.user_id, "anna"));
	assert_int_equal(facts.role_count, 2);
	assert_true(identity_has_role(&facts, TEXT("admin")));
	assert_true(identity_has_role(&facts, TEXT("a b")));
	assert_true(text_is(facts.token_id, "t1"));
	assert_int_equal(facts.issued_ms, 1699999990000);
	assert_int_equal(facts.expires_ms, 1700000065000); /* and leeway */
}

static void
other_claims_can_be_named_for_user_and_roles(void **state)
{
	struct jwt_rules rules = plain;

	(void)state;
	rules.user_claim = TEXT("uid");
	rules.roles_claim = TEXT("scope");
	signer_sign(&hs, "{\"alg\":\"HS256\"}",
	    "{\"uid\":42," EXP ",\"scope\":\"read  write\",\"roles\":[1]}",
	    token, sizeof(token));
	assert_int_equal(
	    verify_by(hs_keys, &rules, token, NOW_MS), JWT_IS_good);
	assert_true(text_is(facts.user_id, "42"));
	assert_int_equal(facts.role_count, 2);
	assert_true(identity_has_role(&facts, TEXT("write")));
}

/* a user taken from jti must still be a token that can be revoked */
static void
a_claim_that_names_the_user_keeps_its_own_meaning(void **state)
{
	struct jwt_rules rules = plain;

	(void)state;
	rules.user_claim = TEXT("jti");
	signer_sign(&hs, "{\"alg\":\"HS256\"}", "{\"jti\":\"t9\"," EXP "}",
	    token, sizeof(token));
	assert_int_equal(
	    verify_by(hs_keys, &rules, token, NOW_MS), JWT_IS_good);
	assert_true(text_is(facts.user_id, "t9"));
	assert_true(text_is(facts.token_id, "t9"));
	rules.user_claim = TEXT("iss");
	rules.issuer = TEXT("ours");
	signer_sign(&hs, "{\"alg\":\"HS256\"}", "{\"iss\":\"ours\"," EXP "}",
	    token, sizeof(token));
	assert_int_equal(
	    verify_by(hs_keys, &rules, token, NOW_MS), JWT_IS_good);
}

static enum jwt_verdict
roles_in(const char *claim, const char *payload)
{
	struct jwt_rules rules = plain;

	rules.roles_claim = text_of(claim);
	signer_sign(&hs, "{\"alg\":\"HS256\"}", payload, token, sizeof(token));
	return verify_by(hs_keys, &rules, token, NOW_MS);
}

static void
roles_may_stand_inside_an_object_or_under_a_name_with_dots(void **state)
{
	const char *inside =
	    "{\"sub\":\"a\"," EXP ",\"realm_access\":{\"x\":[1],\"roles\":"
	    "[\"admin\"]},\"realm\":{\"roles\":[1]},"
	    "\"realm_access.x\":1}";

	(void)state;
	assert_int_equal(roles_in("realm_access.roles", inside), JWT_IS_good);
	assert_int_equal(facts.role_count, 1);
	assert_true(identity_has_role(&facts, TEXT("admin")));
	assert_int_equal(roles_in("realm_access.r", inside), JWT_IS_good);
	assert_int_equal(facts.role_count, 0);
	assert_int_equal(roles_in("", inside), JWT_IS_good);
	assert_int_equal(facts.role_count, 0);
	assert_int_equal(
	    roles_in("https://a.example/roles",
		"{\"sub\":\"a\"," EXP ",\"https://a.example/roles\":[\"x\"]}"),
	    JWT_IS_good);
	assert_int_equal(facts.role_count, 1);
	/* twice, in whatever way, is refused */
	assert_int_equal(roles_in("a.b",
			     "{\"sub\":\"a\"," EXP
			     ",\"a\":{\"b\":[\"x\"]},\"a.b\":[\"admin\"]}"),
	    JWT_IS_claims);
	assert_int_equal(
	    roles_in("a.b",
		"{\"sub\":\"a\"," EXP ",\"a\":{\"b\":[\"x\"],\"b\":[]}}"),
	    JWT_IS_claims);
}

static void
a_claim_of_the_wrong_type_or_size_refuses_the_token(void **state)
{
	static const char *const wrong[] = {
	    "{" EXP "}",
	    "{\"sub\":\"\"," EXP "}",
	    "{\"sub\":null," EXP "}",
	    "{\"sub\":1.5," EXP "}",
	    "{\"sub\":[\"anna\"]," EXP "}",
	    "{\"sub\":\"guest:1-1-1\"," EXP "}",
	    "{\"sub\":\"a\\nb\"," EXP "}",
	    "{\"sub\":\"a\\u0000b\"," EXP "}",
	    "{\"sub\":\"anna\",\"exp\":\"1700000060\"}",
	    "{\"sub\":\"anna\",\"exp\":-1}",
	    "{\"sub\":\"anna\",\"exp\":1e12}",
	    "{\"sub\":\"anna\",\"exp\":99999999999999999999}",
	    "{\"sub\":\"anna\",\"exp\":null}",
	    "{\"sub\":\"anna\"}",
	    "{\"sub\":\"anna\"," EXP ",\"roles\":{}}",
	    "{\"sub\":\"anna\"," EXP ",\"roles\":[1]}",
	    "{\"sub\":\"anna\"," EXP ",\"jti\":7}",
	    "{\"sub\":\"anna\"," EXP ",\"iss\":[\"x\"]}",
	    "{\"sub\":\"anna\"," EXP ",\"aud\":1}",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		if (payload_is(wrong[i]) != JWT_IS_claims)
			fail_msg("%s was not refused for its claims", wrong[i]);
	}
}

static void
too_many_and_too_long_roles_and_names_are_refused(void **state)
{
	char payload[6000];
	size_t n = 0;

	(void)state;
	n = (size_t)snprintf(
	    payload, sizeof(payload), "{\"sub\":\"anna\"," EXP ",\"roles\":[");
	for (int i = 0; i <= IDENTITY_ROLES; i++)
		n += (size_t)snprintf(payload + n, sizeof(payload) - n,
		    "%s\"r%d\"", i > 0 ? "," : "", i);
	snprintf(payload + n, sizeof(payload) - n, "]}");
	assert_int_equal(payload_is(payload), JWT_IS_claims);
	snprintf(
	    payload, sizeof(payload), "{\"sub\":\"%0*d\"," EXP "}", 256, 1);
	assert_int_equal(payload_is(payload), JWT_IS_claims);
	snprintf(
	    payload, sizeof(payload), "{\"sub\":\"%0*d\"," EXP "}", 255, 1);
	assert_int_equal(payload_is(payload), JWT_IS_good);
	snprintf(payload, sizeof(payload),
	    "{\"sub\":\"a\"," EXP ",\"jti\":\"%0*d\"}", 129, 1);
	assert_int_equal(payload_is(payload), JWT_IS_claims);
}

/* --- time --- */

static void
expired_and_future_tokens_are_refused_beyond_the_leeway(void **state)
{
	static const struct {
		const char *payload;
		uint64_t now_ms;
		enum jwt_verdict verdict;
	} rows[] = {
	    {ANNA, 1700000064999, JWT_IS_good},
	    {ANNA, 1700000065000, JWT_IS_expired},
	    {"{\"sub\":\"a\",\"exp\":1700000060.9}", 1700000065000,
		JWT_IS_expired},
	    {"{\"sub\":\"a\"," EXP ",\"nbf\":1700000005}", NOW_MS, JWT_IS_good},
	    {"{\"sub\":\"a\"," EXP ",\"nbf\":1700000006}", NOW_MS,
		JWT_IS_early},
	    {"{\"sub\":\"a\"," EXP ",\"iat\":1700000005}", NOW_MS, JWT_IS_good},
	    {"{\"sub\":\"a\"," EXP ",\"iat\":1700000006}", NOW_MS,
		JWT_IS_early},
	    {"{\"sub\":\"a\",\"exp\":0}", NOW_MS, JWT_IS_expired},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		signer_sign(&hs, "{\"alg\":\"HS256\"}", rows[i].payload, token,
		    sizeof(token));
		assert_int_equal(
		    verify_by(hs_keys, &plain, token, rows[i].now_ms),
		    rows[i].verdict);
	}
}

static void
a_token_without_exp_is_for_those_who_allow_it(void **state)
{
	struct jwt_rules rules = plain;

	(void)state;
	rules.needs_expiry = false;
	assert_int_equal(payload_is("{\"sub\":\"anna\"}"), JWT_IS_claims);
	assert_int_equal(
	    verify_by(hs_keys, &rules, token, NOW_MS), JWT_IS_good);
	assert_int_equal(facts.expires_ms, 0);
}

static void
issuer_and_audience_are_asked_for_where_they_are_set(void **state)
{
	static const struct text audiences[] = {
	    {.at = "api", .len = 3}, {.at = "web", .len = 3}};
	static const struct {
		const char *more;
		enum jwt_verdict verdict;
	} rows[] = {
	    {"\"iss\":\"https://a\",\"aud\":\"web\"", JWT_IS_good},
	    {"\"iss\":\"https://a\",\"aud\":[\"x\",\"api\"]", JWT_IS_good},
	    {"\"iss\":\"https://a/\",\"aud\":\"web\"", JWT_IS_issuer},
	    {"\"aud\":\"web\"", JWT_IS_issuer},
	    {"\"iss\":\"https://a\"", JWT_IS_audience},
	    {"\"iss\":\"https://a\",\"aud\":[]", JWT_IS_audience},
	    {"\"iss\":\"https://a\",\"aud\":\"webb\"", JWT_IS_audience},
	};
	struct jwt_rules rules = plain;
	char payload[256];

	(void)state;
	rules.issuer = TEXT("https://a");
	rules.audiences = audiences;
	rules.audience_count = COUNT_OF(audiences);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		snprintf(payload, sizeof(payload), "{\"sub\":\"a\"," EXP ",%s}",
		    rows[i].more);
		signer_sign(
		    &hs, "{\"alg\":\"HS256\"}", payload, token, sizeof(token));
		assert_int_equal(
		    verify_by(hs_keys, &rules, token, NOW_MS), rows[i].verdict);
	}
	assert_int_equal(
	    payload_is("{\"sub\":\"a\"," EXP ",\"aud\":\"any\"}"), JWT_IS_good);
}

/* --- attacks --- */

static void
alg_none_is_refused_in_every_spelling(void **state)
{
	static const char *const spellings[] = {"none", "None", "NONE", "nOnE",
	    "", "HS0", "HS256 ", "hs256", "RS256", "ES256"};
	char header[64];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(spellings); i++) {
		snprintf(
		    header, sizeof(header), "{\"alg\":\"%s\"}", spellings[i]);
		assert_int_not_equal(verify(header, ANNA), JWT_IS_good);
		assert_int_equal(signatures, 0);
		/* and without a signature */
		strrchr(token, '.')[1] = '\0';
		assert_int_not_equal(
		    verify_by(hs_keys, &plain, token, NOW_MS), JWT_IS_good);
		assert_int_equal(signatures, 0);
	}
	assert_int_equal(verify("{\"alg\":\"none\"}", ANNA), JWT_IS_algorithm);
	assert_int_equal(verify("{\"typ\":\"JWT\"}", ANNA), JWT_IS_algorithm);
	assert_int_equal(verify("{\"alg\":null}", ANNA), JWT_IS_malformed);
	assert_int_equal(
	    verify("{\"alg\":[\"HS256\"]}", ANNA), JWT_IS_malformed);
	assert_int_equal(payload_is(ANNA), JWT_IS_good);
	strrchr(token, '.')[1] = '\0';
	assert_int_equal(
	    verify_by(hs_keys, &plain, token, NOW_MS), JWT_IS_signature);
}

/* confuse signs with HMAC under what everybody knows of the RSA key. */
static void
confuse(const struct jwks *keys, const void *known, size_t bytes)
{
	struct signer thief = {.algorithm = JWT_HS256};

	memcpy(thief.secret, known, bytes < 64 ? bytes : 64);
	signer_sign(&thief, "{\"alg\":\"HS256\",\"kid\":\"r1\"}", ANNA, token,
	    sizeof(token));
	assert_int_equal(
	    verify_by(keys, &plain, token, NOW_MS), JWT_IS_algorithm);
	signer_sign(&thief, "{\"alg\":\"HS256\"}", ANNA, token, sizeof(token));
	assert_int_equal(verify_by(keys, &plain, token, NOW_MS), JWT_IS_no_key);
	assert_int_equal(signatures, 0);
}

static void
an_rsa_key_never_verifies_an_hmac(void **state)
{
	struct signer rs;
	char *pem;

	(void)state;
	signer_init(&rs, JWT_RS256, "r1");
	signer_jwk(&rs, jwk, sizeof(jwk));
	struct jwks *keys = keys_of(jwk, NULL, NULL);
	confuse(keys, jwk, strlen(jwk));
	BIO *bio = BIO_new(BIO_s_mem());
	assert_int_equal(PEM_write_bio_PUBKEY(bio, rs.key), 1);
	long bytes = BIO_get_mem_data(bio, &pem);
	confuse(keys, pem, (size_t)bytes);
	BIO_free(bio);
	/* the right key, another algorithm of its family */
	rs.algorithm = JWT_PS256;
	signer_sign(&rs, "{\"alg\":\"PS256\",\"kid\":\"r1\"}", ANNA, token,
	    sizeof(token));
	assert_int_equal(
	    verify_by(keys, &plain, token, NOW_MS), JWT_IS_algorithm);
	signer_finish(&rs);
	jwks_destroy(&keys);
}

static void
a_kid_is_compared_and_nothing_else(void **state)
{
	static const char *const kids[] = {"../../../../dev/null",
	    "/proc/self/environ", "k1' OR '1'='1", "k1\\u0000", "K1",
	    "k1/../k1", "|cat /etc/passwd", "http://evil/k1"};
	struct signer s, any;
	char header[256], second[2048];

	(void)state;
	signer_init(&s, JWT_HS256, "k1");
	signer_init(&any, JWT_HS512, NULL);
	signer_jwk(&s, jwk, sizeof(jwk));
	signer_jwk(&any, second, sizeof(second));
	struct jwks *keys = keys_of(jwk, second, NULL);
	for (size_t i = 0; i < COUNT_OF(kids); i++) {
		snprintf(header, sizeof(header),
		    "{\"alg\":\"HS256\",\"kid\":\"%s\"}", kids[i]);
		signer_sign(&s, header, ANNA, token, sizeof(token));
		assert_int_equal(
		    verify_by(keys, &plain, token, NOW_MS), JWT_IS_no_key);
	}
	/* a key without a kid is for any; a token without one, for its keys */
	signer_sign(&any, "{\"alg\":\"HS512\",\"kid\":\"whatever\"}", ANNA,
	    token, sizeof(token));
	assert_int_equal(verify_by(keys, &plain, token, NOW_MS), JWT_IS_good);
	signer_sign(&s, "{\"alg\":\"HS256\"}", ANNA, token, sizeof(token));
	assert_int_equal(verify_by(keys, &plain, token, NOW_MS), JWT_IS_good);
	assert_int_equal(
	    verify("{\"alg\":\"HS256\",\"kid\":7}", ANNA), JWT_IS_malformed);
	jwks_destroy(&keys);
}

static void
keys_in_the_header_and_critical_extensions_count_for_nothing(void **state)
{
	struct signer thief;
	char header[6000];

	(void)state;
	signer_init(&thief, JWT_ES256, NULL);
	signer_jwk(&thief, jwk, sizeof(jwk));
	snprintf(header, sizeof(header),
	    "{\"alg\":\"ES256\",\"jwk\":%s,\"jku\":\"http://evil/\"}", jwk);
	signer_sign(&thief, header, ANNA, token, sizeof(token));
	assert_int_equal(
	    verify_by(hs_keys, &plain, token, NOW_MS), JWT_IS_no_key);
	assert_int_equal(
	    verify(
		"{\"alg\":\"HS256\",\"crit\":[\"b64\"],\"b64\":false}", ANNA),
	    JWT_IS_algorithm);
	signer_finish(&thief);
}

static void
keys_that_come_twice_are_refused(void **state)
{
	(void)state;
	assert_int_equal(verify("{\"alg\":\"none\",\"alg\":\"HS256\"}", ANNA),
	    JWT_IS_malformed);
	assert_int_equal(
	    verify("{\"alg\":\"HS256\",\"al\\u0067\":\"HS256\"}", ANNA),
	    JWT_IS_malformed);
	assert_int_equal(
	    verify("{\"alg\":\"HS256\",\"kid\":\"a\",\"kid\":\"b\"}", ANNA),
	    JWT_IS_malformed);
	static const char *const twice[] = {
	    "{\"sub\":\"anna\",\"sub\":\"root\"," EXP "}",
	    "{\"sub\":\"anna\",\"s\\u0075b\":\"root\"," EXP "}",
	    "{\"sub\":\"anna\"," EXP "," EXP "}",
	    "{\"sub\":\"anna\"," EXP ",\"roles\":[],\"roles\":[\"admin\"]}",
	    "{\"sub\":\"anna\"," EXP ",\"nbf\":1,\"nbf\":2}",
	    "{\"sub\":\"anna\"," EXP ",\"iat\":1,\"iat\":2}",
	    "{\"sub\":\"anna\"," EXP ",\"iss\":\"a\",\"iss\":\"b\"}",
	    "{\"sub\":\"anna\"," EXP ",\"jti\":\"a\",\"jti\":\"b\"}",
	    "{\"sub\":\"anna\"," EXP ",\"aud\":\"a\",\"aud\":\"b\"}",
	};
	for (size_t i = 0; i < COUNT_OF(twice); i++)
		assert_int_equal(payload_is(twice[i]), JWT_IS_claims);
	assert_int_equal(
	    payload_is("{\"sub\":\"anna\",\"x\":1,\"x\":2," EXP "}"),
	    JWT_IS_good);
}

static void
what_is_no_json_object_or_goes_on_behind_it_is_refused(void **state)
{
	static const char *const broken[] = {"", "[]", "null", "\"x\"", "{",
	    "{\"sub\":\"anna\"," EXP "}}", "{\"sub\":\"anna\"," EXP "} x",
	    "{\"sub\":\"anna\"," EXP "}{\"sub\":\"root\"}",
	    "{\"sub\":\"anna\",\"sub", "\xff"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(broken); i++) {
		assert_int_not_equal(payload_is(broken[i]), JWT_IS_good);
		assert_int_equal(verify(broken[i], ANNA), JWT_IS_malformed);
	}
	assert_int_equal(
	    verify("{\"alg\":\"HS256\"} x", ANNA), JWT_IS_malformed);
	assert_int_equal(
	    payload_is("{\"sub\":\"anna\"," EXP "} x"), JWT_IS_malformed);
}

static void
other_spellings_of_the_same_token_are_other_tokens(void **state)
{
	char copy[16384];
	size_t len;

	(void)state;
	assert_int_equal(payload_is(ANNA), JWT_IS_good);
	len = strlen(token);
	/* padding, blanks, what follows, a fourth part, a missing one */
	static const char *const behind[] = {"=", " ", "\n", ".", ".x", "x"};
	for (size_t i = 0; i < COUNT_OF(behind); i++) {
		snprintf(copy, sizeof(copy), "%s%s", token, behind[i]);
		assert_int_not_equal(
		    verify_by(hs_keys, &plain, copy, NOW_MS), JWT_IS_good);
	}
	/* 32 bytes leave 4 bits free in the last letter: only one of the 16
	   letters with the same bytes is the token */
	memcpy(copy, token, len + 1);
	copy[len - 1] = (char)(copy[len - 1] + 1);
	assert_int_equal(
	    verify_by(hs_keys, &plain, copy, NOW_MS), JWT_IS_malformed);
	for (const char *bad = "+/=% \t\n\r\"\\"; *bad != '\0'; bad++) {
		memcpy(copy, token, len + 1);
		copy[len / 2] = *bad;
		assert_int_not_equal(
		    verify_by(hs_keys, &plain, copy, NOW_MS), JWT_IS_good);
	}
	static const char *const parts[] = {
	    "", ".", "..", "...", "a", "a.b", "a..b", ".a.b", "a.b."};
	for (size_t i = 0; i < COUNT_OF(parts); i++)
		assert_int_equal(verify_by(hs_keys, &plain, parts[i], NOW_MS),
		    JWT_IS_malformed);
}

static void
huge_tokens_and_headers_are_refused_before_anything_is_made(void **state)
{
	static char payload[9000], header[3000];

	(void)state;
	snprintf(payload, sizeof(payload),
	    "{\"sub\":\"anna\"," EXP ",\"x\":\"%0*d\"}", 8000, 1);
	assert_int_equal(payload_is(payload), JWT_IS_malformed);
	assert_int_equal(arena.used_bytes, 0);
	snprintf(header, sizeof(header), "{\"alg\":\"HS256\",\"x\":\"%0*d\"}",
	    2100, 1);
	assert_int_equal(verify(header, ANNA), JWT_IS_malformed);
	assert_int_equal(signatures, 0);
	/* depth and number of values are bounded too */
	memset(payload, '[', 3000);
	payload[3000] = '\0';
	assert_int_not_equal(payload_is(payload), JWT_IS_good);
	memset(header, '[', 1000);
	header[1000] = '\0';
	assert_int_equal(verify(header, ANNA), JWT_IS_malformed);
}

static void
an_es_signature_has_its_width_and_is_no_der(void **state)
{
	uint8_t raw[300], wide[300];
	struct signer s;
	size_t bytes = 0;

	(void)state;
	signer_init(&s, JWT_ES256, NULL);
	signer_jwk(&s, jwk, sizeof(jwk));
	struct jwks *keys = keys_of(jwk, NULL, NULL);
	signer_sign(&s, "{\"alg\":\"ES256\"}", ANNA, token, sizeof(token));
	char *last = strrchr(token, '.');
	struct text part = {token, (uint32_t)(last - token)};
	assert_int_equal(
	    base64url_decode(text_of(last + 1), raw, sizeof(raw), &bytes), OK);
	assert_int_equal(bytes, 64);
	assert_true(jwk_verify(&keys->keys[0], part, raw, 64));
	for (size_t n = 0; n < 64; n++)
		assert_false(jwk_verify(&keys->keys[0], part, raw, n));
	/* zeros in front of both numbers: same numbers, another width */
	memset(wide, 0, sizeof(wide));
	memcpy(wide + 1, raw, 32);
	memcpy(wide + 34, raw + 32, 32);
	assert_false(jwk_verify(&keys->keys[0], part, wide, 66));
	/* the same signature as DER */
	wide[0] = 0x30;
	uint8_t *at = wide + 2;
	for (int half = 0; half < 2; half++) {
		*at++ = 0x02;
		*at++ = 33;
		*at++ = 0;
		memcpy(at, raw + half * 32, 32);
		at += 32;
	}
	wide[1] = (uint8_t)(at - wide - 2);
	assert_false(
	    jwk_verify(&keys->keys[0], part, wide, (size_t)(at - wide)));
	memset(raw, 0, 64); /* r = s = 0: the blank signature */
	assert_false(jwk_verify(&keys->keys[0], part, raw, 64));
	signer_finish(&s);
	jwks_destroy(&keys);
}

static void
a_token_without_kid_is_not_tried_with_every_key(void **state)
{
	char set[16384] = "{\"keys\":[", why[JWKS_WHY_BYTES];
	struct signer s[JWT_TRIES + 1];
	struct jwks *keys = NULL;
	char kid[JWT_TRIES + 1][8];

	(void)state;
	for (int i = 0; i <= JWT_TRIES; i++) {
		snprintf(kid[i], sizeof(kid[i]), "k%d", i);
		signer_init(&s[i], JWT_HS256, kid[i]);
		signer_jwk(&s[i], jwk, sizeof(jwk));
		snprintf(set + strlen(set), sizeof(set) - strlen(set), "%s%s",
		    i > 0 ? "," : "", jwk);
	}
	snprintf(set + strlen(set), sizeof(set) - strlen(set), "]}");
	assert_int_equal(jwks_read(text_of(set), &keys, why), OK);
	signer_sign(&s[0], "{\"alg\":\"HS256\"}", ANNA, token, sizeof(token));
	assert_int_equal(
	    verify_by(keys, &plain, token, NOW_MS), JWT_IS_ambiguous);
	assert_int_equal(signatures, 0);
	signer_sign(&s[3], "{\"alg\":\"HS256\",\"kid\":\"k3\"}", ANNA, token,
	    sizeof(token));
	assert_int_equal(verify_by(keys, &plain, token, NOW_MS), JWT_IS_good);
	assert_int_equal(signatures, 1);
	jwks_destroy(&keys);
}

static void
no_number_of_tokens_good_or_bad_makes_memory_grow(void **state)
{
	struct signer es;
	size_t before = 0;

	(void)state;
	signer_init(&es, JWT_ES256, "e");
	signer_jwk(&es, jwk, sizeof(jwk));
	struct jwks *keys = keys_of(jwk, NULL, NULL);
	for (int i = 0; i < 3000; i++) {
		if (i == 500)
			before = mallinfo2().uordblks;
		signer_sign(
		    &es, "{\"alg\":\"ES256\"}", ANNA, token, sizeof(token));
		if (i % 2 == 0)
			token[strlen(token) - 5] ^= 1;
		if (i % 3 == 0)
			strcpy(token + i % 200, "..garbage");
		(void)verify_by(keys, &plain, token, NOW_MS);
	}
	assert_true(mallinfo2().uordblks < before + 64 * 1024);
	signer_finish(&es);
	jwks_destroy(&keys);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		the_examples_of_the_rfcs_verify_and_no_changed_bit_does),
	    cmocka_unit_test(
		a_token_of_every_algorithm_is_taken_and_a_forged_one_is_not),
	    cmocka_unit_test(user_roles_expiry_and_name_come_from_the_claims),
	    cmocka_unit_test(
		roles_may_stand_inside_an_object_or_under_a_name_with_dots),
	    cmocka_unit_test(other_claims_can_be_named_for_user_and_roles),
	    cmocka_unit_test(a_claim_that_names_the_user_keeps_its_own_meaning),
	    cmocka_unit_test(
		a_claim_of_the_wrong_type_or_size_refuses_the_token),
	    cmocka_unit_test(too_many_and_too_long_roles_and_names_are_refused),
	    cmocka_unit_test(
		expired_and_future_tokens_are_refused_beyond_the_leeway),
	    cmocka_unit_test(a_token_without_exp_is_for_those_who_allow_it),
	    cmocka_unit_test(
		issuer_and_audience_are_asked_for_where_they_are_set),
	    cmocka_unit_test(alg_none_is_refused_in_every_spelling),
	    cmocka_unit_test(an_rsa_key_never_verifies_an_hmac),
	    cmocka_unit_test(a_kid_is_compared_and_nothing_else),
	    cmocka_unit_test(
		keys_in_the_header_and_critical_extensions_count_for_nothing),
	    cmocka_unit_test(keys_that_come_twice_are_refused),
	    cmocka_unit_test(
		what_is_no_json_object_or_goes_on_behind_it_is_refused),
	    cmocka_unit_test(
		other_spellings_of_the_same_token_are_other_tokens),
	    cmocka_unit_test(
		huge_tokens_and_headers_are_refused_before_anything_is_made),
	    cmocka_unit_test(an_es_signature_has_its_width_and_is_no_der),
	    cmocka_unit_test(a_token_without_kid_is_not_tried_with_every_key),
	    cmocka_unit_test(no_number_of_tokens_good_or_bad_makes_memory_grow),
	};

	return cmocka_run_group_tests(tests, start, finish);
}
