// SPDX-License-Identifier: MIT
/* tokens - what was good a moment ago, in a bounded place. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "workers/gateway/identity.h"
#include "workers/gateway/tokens.h"

static struct tokens *tokens;

static struct token_digest
digest_of(int n)
{
	struct token_digest d;
	char text[32];

	snprintf(text, sizeof(text), "token %d", n);
	tokens_digest(tokens, text_of(text), &d);
	return d;
}

static void
keep(int n, uint64_t expires_ms)
{
	char user[32];
	struct token_digest d = digest_of(n);

	snprintf(user, sizeof(user), "u%d", n);
	const struct identity facts = {
	    .user_id = text_of(user), .expires_ms = expires_ms};
	struct identity *id = identity_create(&facts);
	tokens_keep(tokens, &d, id);
	identity_release(&id);
}

static struct identity *
find(int n, uint64_t now_ms)
{
	struct token_digest d = digest_of(n);

	return tokens_find(tokens, &d, now_ms);
}

static void
the_digest_is_sha_256(void **state)
{
	static const uint8_t abc[] = {
	    0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea};
	struct token_digest d;

	(void)state;
	tokens = tokens_create(0, (struct hash_seed){1, 2});
	tokens_digest(tokens, TEXT("abc"), &d);
	assert_memory_equal(d.bytes, abc, sizeof(abc));
	keep(1, 0);
	assert_null(find(1, 0)); /* no room asked for: nothing is kept */
	tokens_destroy(&tokens);
	assert_null(tokens);
	tokens_destroy(&tokens);
}

static void
a_token_is_found_until_it_expires_or_all_are_forgotten(void **state)
{
	(void)state;
	tokens = tokens_create(100, (struct hash_seed){1, 2});
	keep(1, 1000);
	keep(2, 0);
	assert_true(text_is(find(1, 999)->user_id, "u1"));
	assert_null(find(1, 1000));
	assert_int_equal(tokens_count(tokens), 1);
	assert_true(text_is(find(2, UINT64_MAX)->user_id, "u2"));
	keep(2, 0);
	assert_int_equal(tokens_count(tokens), 1);
	tokens_clear(tokens);
	assert_null(find(2, 1));
	assert_int_equal(tokens_count(tokens), 0);
	tokens_destroy(&tokens);
}

static void
what_is_full_gives_up_what_was_not_used_for_longest(void **state)
{
	(void)state;
	tokens = tokens_create(8, (struct hash_seed){1, 2}); /* one place */
	for (int i = 0; i < 8; i++)
		keep(i, 0);
	assert_non_null(find(0, 1)); /* used: 1 is the oldest now */
	keep(8, 0);
	assert_null(find(1, 1));
	assert_non_null(find(0, 1));
	assert_non_null(find(8, 1));
	assert_int_equal(tokens_count(tokens), 8);
	for (int i = 0; i < 10000; i++)
		keep(i, 0);
	assert_int_equal(tokens_count(tokens), 8);
	tokens_destroy(&tokens);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_digest_is_sha_256),
	    cmocka_unit_test(
		a_token_is_found_until_it_expires_or_all_are_forgotten),
	    cmocka_unit_test(
		what_is_full_gives_up_what_was_not_used_for_longest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
