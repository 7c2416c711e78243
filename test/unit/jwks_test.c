// SPDX-License-Identifier: MIT
/* jwks - which key files are taken, which are refused and what is said. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "signer.h"
#include "workers/gateway/jwks.h"

#define K32 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
#define X25 "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"

static char why[JWKS_WHY_BYTES];
static struct jwks *keys;

static enum err
read_keys(const char *list)
{
	char set[8192];

	jwks_destroy(&keys);
	snprintf(set, sizeof(set), "{\"keys\":[%s]}", list);
	return jwks_read(text_of(set), &keys, why);
}

static void
refused(const char *list, const char *said)
{
	assert_int_not_equal(read_keys(list), OK);
	assert_null(keys);
	if (strstr(why, said) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", why, said);
}

static void
the_algorithm_is_the_keys_own_or_follows_from_its_type(void **state)
{
	(void)state;
	assert_int_equal(
	    read_keys("{\"kty\":\"oct\",\"k\":\"" K32 "\"},"
		      "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"e\","
		      "\"x\":\"" X25 "\",\"extra\":{\"a\":[1]}}"),
	    OK);
	assert_int_equal(keys->count, 2);
	assert_int_equal(keys->keys[0].algorithm, JWT_HS256);
	assert_int_equal(keys->keys[1].algorithm, JWT_EdDSA);
	assert_true(text_is(keys->keys[1].kid, "e"));
	jwks_destroy(&keys);
}

static void
keys_for_other_purposes_are_skipped_and_counted(void **state)
{
	(void)state;
	assert_int_equal(
	    read_keys(
		"{\"kty\":\"oct\",\"k\":\"" K32 "\"},"
		"{\"kty\":\"oct\",\"k\":\"" K32 "\",\"use\":\"enc\"},"
		"{\"kty\":\"oct\",\"k\":\"" K32 "\",\"alg\":\"A128KW\"},"
		"{\"kty\":\"oct\",\"k\":\"" K32 "\",\"key_ops\":[\"sign\"]},"
		"{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"" X25 "\"},"
		"{\"kty\":\"LWE\"}"),
	    OK);
	assert_int_equal(keys->count, 1);
	assert_int_equal(keys->skipped, 5);
	assert_int_equal(
	    read_keys("{\"kty\":\"oct\",\"k\":\"" K32
		      "\",\"use\":\"sig\",\"key_ops\":[\"sign\",\"verify\"]}"),
	    OK);
	refused("{\"kty\":\"LWE\"}", "no key to verify with; 1 for other");
	refused("", "no key to verify with; 0 for other");
	jwks_destroy(&keys);
}

static void
a_broken_key_refuses_the_set_and_says_which_and_why(void **state)
{
	static const struct {
		const char *list;
		const char *said;
	} rows[] = {
	    {"{}", "keys[0]: \"kty\" is missing"},
	    {"{\"kty\":7}", "keys[0]: \"kty\" must be a string"},
	    {"{\"kty\":\"oct\",\"kty\":\"oct\"}", "\"kty\" is there twice"},
	    {"{\"kty\":\"oct\"}", "a secret for HS256 has 32 bytes at least"},
	    {"{\"kty\":\"oct\",\"k\":\"AAAA\"}", "32 bytes at least, not 3"},
	    {"{\"kty\":\"oct\",\"k\":\"A=\"}", "\"k\" is no secret"},
	    {"{\"kty\":\"oct\",\"k\":\"" K32 "\",\"alg\":\"HS512\"}",
		"HS512 has 64 bytes at least, not 32"},
	    {"{\"kty\":\"oct\",\"k\":\"" K32 "\",\"alg\":\"RS256\"}",
		"a key of type oct cannot be for RS256"},
	    {"{\"kty\":\"oct\",\"k\":\"" K32 "\"},{\"kty\":\"RSA\"}",
		"keys[1]: \"n\" is no number"},
	    {"{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}",
		"2048 to 8192 bits, not 17"},
	    {"{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\","
	     "\"alg\":\"HS256\"}",
		"a key of type RSA cannot be for HS256"},
	    {"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" K32 "\"}",
		"must have 32 bytes each"},
	    {"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" K32 "\",\"y\":\"" K32
	     "\"}",
		"not on its curve"},
	    {"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAA\"}",
		"no key of its curve"},
	    {"{\"kty\":\"oct\",\"kid\":\"a\",\"k\":\"" K32
	     "\"},{\"kty\":\"oct\",\"kid\":\"a\",\"k\":\"" K32 "\"}",
		"keys[1]: its kid is another key's too"},
	    {"7", "no JWK Set"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		refused(rows[i].list, rows[i].said);
}

static void
what_is_no_jwk_set_is_refused(void **state)
{
	static const char *const wrong[] = {"", "[]", "{", "{}", "null",
	    "{\"keys\":{}}", "{\"keys\":[]} x",
	    "{\"keys\":[{\"kty\":\"oct\",\"k\":\"" K32 "\"}],\"keys\":[]}",
	    "-----BEGIN PUBLIC KEY-----"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		assert_int_not_equal(
		    jwks_read(text_of(wrong[i]), &keys, why), OK);
		assert_null(keys);
		assert_true(strlen(why) > 10);
	}
}

static void
an_rsa_modulus_or_exponent_that_is_weak_is_refused(void **state)
{
	struct signer s;
	char jwk[4096], bad[4096];

	(void)state;
	signer_init(&s, JWT_RS256, "r");
	signer_jwk(&s, jwk, sizeof(jwk));
	assert_int_equal(read_keys(jwk), OK);
	static const char *const exponents[] = {"AQ", "Ag", "AA", "AQAA"};
	for (size_t i = 0; i < COUNT_OF(exponents); i++) {
		char *e = strstr(jwk, "\"e\":\"");

		snprintf(bad, sizeof(bad), "%.*s\"e\":\"%s\"}", (int)(e - jwk),
		    jwk, exponents[i]);
		refused(bad, "no public exponent");
	}
	signer_finish(&s);
	jwks_destroy(&keys);
}

static void
more_keys_than_a_set_may_hold_are_refused(void **state)
{
	static char set[JWKS_KEYS * 40 + 200];
	size_t n = (size_t)snprintf(set, sizeof(set), "{\"keys\":[");

	(void)state;
	for (int i = 0; i <= JWKS_KEYS; i++)
		n += (size_t)snprintf(set + n, sizeof(set) - n,
		    "%s{\"kty\":\"x\"}", i > 0 ? "," : "");
	snprintf(set + n, sizeof(set) - n, "]}");
	assert_int_not_equal(jwks_read(text_of(set), &keys, why), OK);
	assert_non_null(strstr(why, "more than 256 keys"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		the_algorithm_is_the_keys_own_or_follows_from_its_type),
	    cmocka_unit_test(keys_for_other_purposes_are_skipped_and_counted),
	    cmocka_unit_test(
		a_broken_key_refuses_the_set_and_says_which_and_why),
	    cmocka_unit_test(what_is_no_jwk_set_is_refused),
	    cmocka_unit_test(
		an_rsa_modulus_or_exponent_that_is_weak_is_refused),
	    cmocka_unit_test(more_keys_than_a_set_may_hold_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
