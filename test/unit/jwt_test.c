// SPDX-License-Identifier: MIT
/* jwt - good tokens of every algorithm, and whom they name for how long. */

#include "test/unit/jwt_rig.h"

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
	};

	return cmocka_run_group_tests(tests, start, finish);
}
