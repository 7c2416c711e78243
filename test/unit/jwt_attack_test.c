// SPDX-License-Identifier: MIT
/* jwt - every way to cheat with a token. */

#include "test/unit/jwt_rig.h"

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
