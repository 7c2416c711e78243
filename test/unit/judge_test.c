// SPDX-License-Identifier: MIT
/* judge - what an audit calls stale, orphaned or missing, and above all what
 * it does not. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "protocol/base/memory.h"
#include "workers/relay/judge_store.h"
#include "workers/relay/records.h"

enum {
	GRACE_MS = 1000
};

static struct groups *gs;
static struct findings found;
static struct shelf *shelf;
static struct buffer waiting; /* changes on their way to the store */
static char dir[64];

static void
to_be_written_group(void *ctx, struct group *g, bool is_gone)
{
	(void)ctx;
	assert_int_equal(records_group(&waiting, g, is_gone), OK);
}

static void
to_be_written_member(void *ctx, struct member *m, bool is_gone)
{
	(void)ctx;
	assert_int_equal(records_member(&waiting, m, is_gone), OK);
}

static int
set_up(void **state)
{
	static const struct groups_limits limits = {.groups = 100,
	    .members = 100,
	    .memberships = 100,
	    .grace_ms = GRACE_MS};
	const struct groups_watch watch = {
	    .group = to_be_written_group, .member = to_be_written_member};

	(void)state;
	groups_create_table(&gs, &limits, &watch, (struct hash_seed){5, 6});
	groups_at(gs, (struct groups_now){.mono_ms = 100, .wall_ms = 7000});
	findings_init(&found);
	buffer_init(&waiting, 1 << 20);
	strcpy(dir, "/tmp/judge_test.XXXXXX");
	assert_non_null(mkdtemp(dir));
	assert_int_equal(shelf_open(dir, &records_shape, true, &shelf), OK);
	return 0;
}

static int
tear_down(void **state)
{
	char command[128];

	(void)state;
	shelf_close(&shelf);
	groups_destroy_table(&gs);
	findings_finish(&found);
	buffer_finish(&waiting);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

/* join: the first makes the group. */
static void
join(const char *group, const char *user, uint64_t gateway, uint64_t client,
    uint32_t channel)
{
	const struct actor who = {.user = text_of(user),
	    .at = {.gateway = gateway, .client = client, .channel = channel}};
	enum member_status became;

	if (groups_find(gs, text_of(group)) == NULL)
		assert_int_equal(
		    groups_create(gs, text_of(group), GROUP_PUBLIC, &who),
		    GROUPS_done);
	else
		assert_int_equal(groups_join(gs, text_of(group), &who, &became),
		    GROUPS_done);
}

static bool
is_in(const char *group, const char *user)
{
	const struct group *g = groups_find(gs, text_of(group));

	return g != NULL && groups_member(gs, g, text_of(user)) != NULL;
}

/* A roll as roll_read makes it: clients sorted, each on channels 1…count. */
static const uint32_t channels[] = {1, 2, 3};

static struct roll
roll_of(struct roll_client *clients, uint32_t count)
{
	return (struct roll){.clients = clients,
	    .count = count,
	    .channels = (uint32_t *)(uintptr_t)channels,
	    .channel_count = 3};
}

static void
expect(uint32_t stale, uint32_t orphaned, uint32_t missing)
{
	assert_int_equal(found.counts[ISSUE_STALE], stale);
	assert_int_equal(found.counts[ISSUE_ORPHANED], orphaned);
	assert_int_equal(found.counts[ISSUE_MISSING], missing);
	assert_int_equal(found.listed, stale + orphaned + missing);
}

static void
expect_one(uint32_t at, const char *reason, const char *group, const char *user)
{
	const struct finding *f = &found.list[at];

	assert_string_equal(finding_reason_name(f->reason), reason);
	assert_true(text_is(f->group, group));
	assert_true(text_is(f->user, user));
}

static void
who_is_on_the_roll_with_his_channel_is_never_stale(void **state)
{
	struct roll_client clients[] = {
	    {.client = 1, .count = 1}, {.client = 2, .count = 3}};
	struct roll roll = roll_of(clients, 2);
	struct judged ended = {.memberships = 0};

	(void)state;
	join("g", "ann", 1, 1, 1);
	join("g", "bob", 1, 2, 3);
	join("h", "bob", 1, 2, 1);
	judge_roll(gs, 1, &roll, &found);
	judge_apply(gs, &found, &ended);
	expect(0, 0, 0);
	assert_int_equal(ended.memberships, 0);
	assert_int_equal(gs->memberships, 3);
}

static void
only_those_the_roll_does_not_name_end(void **state)
{
	struct roll_client clients[] = {{.client = 2, .count = 2}};
	struct roll roll = roll_of(clients, 1);
	struct judged ended = {.memberships = 0};

	(void)state;
	join("g", "gone", 1, 1, 1); /* the client is gone */
	join("g", "left", 1, 2, 3); /* his channel is */
	join("g", "here", 1, 2, 1);
	join("g", "far", 9, 1, 1); /* another gateway's client 1 */
	judge_roll(gs, 1, &roll, &found);
	expect(2, 0, 0);
	expect_one(0, "client_gone", "g", "gone");
	expect_one(1, "channel_gone", "g", "left");
	assert_true(is_in("g", "gone")); /* a look changes nothing */
	judge_apply(gs, &found, &ended);
	assert_int_equal(ended.memberships, 2);
	assert_false(is_in("g", "gone"));
	assert_false(is_in("g", "left"));
	assert_true(is_in("g", "here"));
	assert_true(is_in("g", "far"));
}

static void
a_look_that_is_forgotten_ends_nobody_later(void **state)
{
	struct roll roll = roll_of(NULL, 0);
	struct judged ended = {.memberships = 0};

	(void)state;
	join("g", "gone", 1, 1, 1);
	judge_roll(gs, 1, &roll, &found);
	expect(1, 0, 0);
	judge_forget(&found);
	judge_apply(gs, &found, &ended);
	assert_int_equal(ended.memberships, 0);
	assert_true(is_in("g", "gone"));
}

static void
a_mute_that_is_remembered_is_no_membership(void **state)
{
	const struct actor ann = {.user = TEXT("ann"),
	    .at = {.gateway = 1, .client = 1, .channel = 1}};
	const struct actor bob = {.user = TEXT("bob"),
	    .at = {.gateway = 1, .client = 2, .channel = 1}};
	struct roll_client clients[] = {{.client = 1, .count = 1}};
	struct roll roll = roll_of(clients, 1);
	struct judged ended = {.memberships = 0};
	enum member_status became;

	(void)state;
	groups_create(gs, TEXT("g"), GROUP_STRICT_PRIVATE, &ann);
	groups_join(gs, TEXT("g"), &bob, &became);
	groups_accept(gs, TEXT("g"), ann.user, bob.user, &became);
	groups_mute(gs, TEXT("g"), ann.user, bob.user);
	groups_leave(gs, TEXT("g"), bob.user);
	judge_roll(gs, 1, &roll, &found);
	expect(0, 0, 0);
	/* … and keeps its group from being an orphan */
	groups_leave(gs, TEXT("g"), ann.user);
	groups_at(gs, (struct groups_now){.mono_ms = 100 + 2 * GRACE_MS});
	judge_empty(gs, &found);
	judge_apply(gs, &found, &ended);
	expect(0, 0, 0);
	assert_true(is_in("g", "bob"));
}

static enum gateway_word
word_of(void *ctx, uint64_t gateway)
{
	(void)ctx;
	return gateway == 1 ? GATEWAY_ANSWERED
	    : gateway == 2  ? GATEWAY_SILENT
			    : GATEWAY_NOBODY;
}

static void
who_is_on_a_silent_gateway_is_unconfirmed_and_stays(void **state)
{
	struct judged ended = {.memberships = 0};

	(void)state;
	join("g", "ann", 1, 1, 1);
	join("g", "bob", 2, 1, 1);
	join("g", "cid", 3, 1, 1);
	judge_gateways(gs, word_of, NULL, &found);
	judge_apply(gs, &found, &ended);
	expect(1, 0, 0);
	expect_one(0, "gateway_gone", "g", "cid");
	assert_int_equal(found.unconfirmed, 1);
	assert_true(is_in("g", "ann"));
	assert_true(is_in("g", "bob"));
	assert_false(is_in("g", "cid"));
}

static void
a_group_is_an_orphan_when_its_grace_is_over_and_nobody_keeps_it(void **state)
{
	struct judged ended = {.memberships = 0};

	(void)state;
	join("lively", "ann", 1, 1, 1);
	join("left", "bob", 1, 2, 1);
	groups_leave(gs, TEXT("left"), TEXT("bob"));
	assert_int_equal(
	    groups_keep(gs, TEXT("kept"), GROUP_PUBLIC, TEXT("")), GROUPS_done);
	groups_at(gs, (struct groups_now){.mono_ms = 99 + GRACE_MS});
	judge_empty(gs, &found);
	expect(0, 0, 0); /* he may come back yet */
	groups_at(gs, (struct groups_now){.mono_ms = 100 + GRACE_MS});
	judge_empty(gs, &found);
	expect(0, 1, 0);
	expect_one(0, "empty", "left", "");
	judge_apply(gs, &found, &ended);
	assert_int_equal(ended.groups, 1);
	assert_null(groups_find(gs, TEXT("left")));
	assert_non_null(groups_find(gs, TEXT("kept")));
	assert_non_null(groups_find(gs, TEXT("lively")));
}

static void
more_than_can_be_listed_is_counted_and_ended(void **state)
{
	struct roll roll = roll_of(NULL, 0);
	struct judged ended = {.memberships = 0};
	char group[16];

	(void)state;
	gs->limits.members = gs->limits.memberships = 10000;
	for (int i = 0; i < 50; i++) {
		for (int k = 0; k < 30; k++) {
			char user[16];

			snprintf(group, sizeof(group), "g%d", i);
			snprintf(user, sizeof(user), "u%d", k);
			join(group, user, 1, (uint64_t)k + 1, 1);
		}
	}
	judge_roll(gs, 1, &roll, &found);
	assert_int_equal(found.counts[ISSUE_STALE], 1500);
	assert_int_equal(found.listed, FINDINGS_LISTED);
	judge_apply(gs, &found, &ended);
	assert_int_equal(ended.memberships, 1500);
	assert_int_equal(gs->memberships, 0);
}

/* --- the store --- */

static void
commit(void)
{
	assert_int_equal(shelf_apply(shelf, buffer_text(&waiting), false), OK);
	buffer_truncate(&waiting, 0);
}

static void
compare_store(void)
{
	const struct judge_pending pending = {.waiting = buffer_text(&waiting)};

	findings_finish(&found);
	findings_init(&found);
	assert_int_equal(judge_store(gs, shelf, &pending, &found), OK);
	assert_int_equal(found.of_store, found.listed);
}

static void
a_store_that_is_up_to_date_has_no_issue(void **state)
{
	(void)state;
	join("g", "ann", 1, 1, 1);
	join("g", "bob", 1, 2, 1);
	commit();
	compare_store();
	expect(0, 0, 0);
}

static void
what_is_on_its_way_to_the_store_is_not_judged(void **state)
{
	struct buffer writing;

	(void)state;
	join("g", "ann", 1, 1, 1);
	join("old", "ann", 1, 1, 1);
	commit();
	join("g", "bob", 1, 2, 1);
	join("new", "bob", 1, 2, 1);
	assert_int_equal(groups_remove(gs, TEXT("old")), GROUPS_done);
	compare_store();
	expect(0, 0, 0);
	/* the same while a batch is being written, before and after it is */
	writing = waiting;
	buffer_init(&waiting, 1 << 20);
	join("newer", "cid", 1, 3, 1);
	for (int i = 0; i < 2; i++) {
		const struct judge_pending pending = {
		    .writing = buffer_text(&writing),
		    .waiting = buffer_text(&waiting)};

		assert_int_equal(judge_store(gs, shelf, &pending, &found), OK);
		expect(0, 0, 0);
		assert_int_equal(
		    shelf_apply(shelf, buffer_text(&writing), false), OK);
	}
	buffer_finish(&writing);
}

static void
what_a_restart_would_lose_is_missing(void **state)
{
	(void)state;
	join("g", "ann", 1, 1, 1);
	commit();
	join("g", "bob", 1, 2, 1);
	join("new", "ann", 1, 1, 1);
	buffer_truncate(&waiting, 0); /* lost */
	compare_store();
	expect(0, 0, 3);
}

static void
what_a_restart_would_bring_back_is_named(void **state)
{
	(void)state;
	join("g", "ann", 1, 1, 1);
	join("g", "bob", 1, 2, 1);
	join("old", "cid", 1, 3, 1);
	commit();
	groups_leave(gs, TEXT("g"), TEXT("bob"));
	assert_int_equal(groups_remove(gs, TEXT("old")), GROUPS_done);
	buffer_truncate(&waiting, 0); /* lost */
	compare_store();
	expect(2, 1, 0);
	expect_one(0, "deleted_but_stored", "old", "");
	expect_one(1, "stored_only", "", "bob");
	expect_one(2, "stored_only", "", "cid");
	/* written anew it is well */
	assert_int_equal(records_all(&waiting, gs), OK);
	assert_int_equal(shelf_apply(shelf, buffer_text(&waiting), true), OK);
	buffer_truncate(&waiting, 0);
	compare_store();
	expect(0, 0, 0);
}

static void
a_stored_membership_of_no_group_is_missing_one(void **state)
{
	struct group *g;

	(void)state;
	join("g", "ann", 1, 1, 1);
	commit();
	g = groups_find(gs, TEXT("g"));
	uint64_t number = g->number;
	assert_int_equal(groups_remove(gs, TEXT("g")), GROUPS_done);
	buffer_truncate(&waiting, 0);
	assert_int_equal(shelf_drop(&waiting, SHELF_GROUPS, number), OK);
	commit(); /* the group's record went, its member's stayed */
	compare_store();
	expect(0, 0, 1);
	expect_one(0, "stored_without_group", "", "ann");
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    T(who_is_on_the_roll_with_his_channel_is_never_stale),
	    T(only_those_the_roll_does_not_name_end),
	    T(a_look_that_is_forgotten_ends_nobody_later),
	    T(a_mute_that_is_remembered_is_no_membership),
	    T(who_is_on_a_silent_gateway_is_unconfirmed_and_stays),
	    T(a_group_is_an_orphan_when_its_grace_is_over_and_nobody_keeps_it),
	    T(more_than_can_be_listed_is_counted_and_ended),
	    T(a_store_that_is_up_to_date_has_no_issue),
	    T(what_is_on_its_way_to_the_store_is_not_judged),
	    T(what_a_restart_would_lose_is_missing),
	    T(what_a_restart_would_bring_back_is_named),
	    T(a_stored_membership_of_no_group_is_missing_one),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
