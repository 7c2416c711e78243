// SPDX-License-Identifier: MIT
/* groups - who may do what in which group, and what becomes of those whose
 * people leave. */

#include "test/unit/groups_rig.h"

static void
a_group_is_created_once_and_its_creator_is_an_active_admin(void **state)
{
	static const enum group_type types[] = {
	    GROUP_PUBLIC, GROUP_PRIVATE, GROUP_STRICT_PRIVATE};
	char id[8] = "g0";

	(void)state;
	for (size_t i = 0; i < COUNT_OF(types); i++, id[1]++) {
		enum group_type type;

		assert_true(group_type_by_name(
		    text_of(group_type_name(types[i])), &type));
		assert_int_equal(create(id, type, "a"), GROUPS_done);
		STATE(id, "a", "admin active");
		assert_int_equal(create(id, type, "b"), GROUPS_already_exists);
	}
}

static void
a_join_is_active_in_public_and_pending_elsewhere(void **state)
{
	(void)state;
	assert_int_equal(join("none", "b"), GROUPS_not_found);
	create("pub", GROUP_PUBLIC, "a");
	create("pri", GROUP_PRIVATE, "a");
	create("str", GROUP_STRICT_PRIVATE, "a");
	assert_int_equal(join("pub", "b"), GROUPS_done);
	assert_int_equal(join("pri", "b"), GROUPS_done);
	assert_int_equal(join("str", "b"), GROUPS_done);
	STATE("pub", "b", "member active");
	STATE("pri", "b", "member pending");
	STATE("str", "b", "member pending");
	assert_int_equal(join("pub", "b"), GROUPS_already_member);
	assert_int_equal(join("pri", "b"), GROUPS_already_member);
	assert_int_equal(join("str", "b"), GROUPS_already_member);
	assert_int_equal(join("str", "a"), GROUPS_already_member);
}

static void
any_active_member_accepts_in_private_and_only_admins_in_strict(void **state)
{
	(void)state;
	create("pri", GROUP_PRIVATE, "a");
	join("pri", "b");
	join("pri", "c");
	assert_int_equal(accept("none", "a", "b"), GROUPS_not_found);
	assert_int_equal(accept("pri", "x", "b"), GROUPS_user_not_in_group);
	assert_int_equal(accept("pri", "c", "b"), GROUPS_not_admin);
	assert_int_equal(accept("pri", "a", "x"), GROUPS_user_not_in_group);
	assert_int_equal(accept("pri", "a", "b"), GROUPS_done);
	assert_int_equal(accept("pri", "a", "b"), GROUPS_user_not_pending);
	assert_int_equal(accept("pri", "b", "c"), GROUPS_done);
	create("str", GROUP_STRICT_PRIVATE, "a");
	join("str", "b");
	join("str", "c");
	assert_int_equal(accept("str", "a", "b"), GROUPS_done);
	assert_int_equal(accept("str", "b", "c"), GROUPS_not_admin);
	assert_int_equal(accept("str", "x", "c"), GROUPS_user_not_in_group);
	STATE("str", "c", "member pending");
	create("pub", GROUP_PUBLIC, "a");
	assert_int_equal(accept("pub", "a", "a"), GROUPS_user_not_pending);
}

static void
only_admins_of_strict_groups_mute(void **state)
{
	(void)state;
	create("str", GROUP_STRICT_PRIVATE, "a");
	join("str", "b");
	assert_int_equal(mute("none", "a", "b"), GROUPS_not_found);
	assert_int_equal(mute("str", "a", "b"), GROUPS_cannot_mute);
	accept("str", "a", "b");
	assert_int_equal(mute("str", "b", "a"), GROUPS_not_admin);
	assert_int_equal(mute("str", "x", "a"), GROUPS_not_admin);
	assert_int_equal(mute("str", "a", "x"), GROUPS_user_not_in_group);
	assert_int_equal(unmute("str", "a", "b"), GROUPS_not_muted);
	assert_int_equal(mute("str", "a", "b"), GROUPS_done);
	assert_int_equal(mute("str", "a", "b"), GROUPS_cannot_mute);
	STATE("str", "b", "member muted");
	assert_int_equal(may_send("str", "b"), GROUPS_is_muted);
	assert_true(group_receives(
	    groups_member(gs, groups_find(gs, TEXT("str")), TEXT("b"))));
	assert_int_equal(unmute("str", "b", "b"), GROUPS_not_admin);
	assert_int_equal(unmute("str", "a", "b"), GROUPS_done);
	assert_int_equal(may_send("str", "b"), GROUPS_done);
	create("pri", GROUP_PRIVATE, "a");
	assert_int_equal(mute("pri", "a", "a"), GROUPS_not_strict_private);
	assert_int_equal(unmute("pri", "a", "a"), GROUPS_not_strict_private);
}

static void
a_mute_is_not_shed_by_leaving_and_coming_back(void **state)
{
	(void)state;
	create("str", GROUP_STRICT_PRIVATE, "a");
	join("str", "b");
	accept("str", "a", "b");
	mute("str", "a", "b");
	assert_int_equal(leave("str", "b"), GROUPS_done);
	STATE("str", "b", "absent");
	assert_int_equal(leave("str", "b"), GROUPS_user_not_in_group);
	assert_int_equal(join("str", "b"), GROUPS_done);
	STATE("str", "b", "member pending");
	gone("b");
	assert_int_equal(join("str", "b"), GROUPS_done);
	assert_int_equal(accept("str", "a", "b"), GROUPS_done);
	STATE("str", "b", "member muted");
	gone("b");
	assert_int_equal(unmute("str", "a", "b"), GROUPS_done);
	STATE("str", "b", "");
	join("str", "b");
	accept("str", "a", "b");
	STATE("str", "b", "member active");
}

static void
a_muted_member_that_joins_again_listens_elsewhere_and_stays_muted(void **state)
{
	struct actor b = who("b");
	enum member_status became;

	(void)state;
	create("str", GROUP_STRICT_PRIVATE, "a");
	join("str", "b");
	accept("str", "a", "b");
	mute("str", "a", "b");
	b.at.client = 99;
	assert_int_equal(
	    groups_join(gs, TEXT("str"), &b, &became), GROUPS_done);
	assert_int_equal(became, MEMBER_MUTED);
	gone("b"); /* the old socket no longer counts */
	STATE("str", "b", "member muted");
	groups_client_gone(gs, b.at);
	STATE("str", "b", "absent");
}

static void
a_sender_hears_one_of_four_texts(void **state)
{
	(void)state;
	create("str", GROUP_STRICT_PRIVATE, "a");
	join("str", "b");
	assert_string_equal(
	    groups_word_text(may_send("none", "a")), "Group not found");
	assert_string_equal(groups_word_text(may_send("str", "x")),
	    "Not a member of this group");
	assert_string_equal(groups_word_text(may_send("str", "b")),
	    "Pending membership: wait for acceptance");
	accept("str", "a", "b");
	mute("str", "a", "b");
	assert_string_equal(groups_word_text(may_send("str", "b")),
	    "You are muted and cannot send messages");
	assert_int_equal(may_send("str", "a"), GROUPS_done);
}

static void
a_socket_that_closes_ends_its_memberships_the_creators_too(void **state)
{
	struct actor b = who("b");
	enum member_status became;

	(void)state;
	create("g", GROUP_PUBLIC, "a");
	create("h", GROUP_PUBLIC, "a");
	b.at.channel = 2;
	groups_join(gs, TEXT("g"), &b, &became);
	join("h", "b");
	groups_client_gone(gs, b.at); /* one channel left */
	STATE("g", "b", "");
	STATE("h", "b", "member active");
	gone("a");
	STATE("g", "a", "");
	STATE("h", "a", "");
	STATE("h", "b", "admin active");
	assert_int_equal(gs->memberships, 1);
}

static bool
is_b(void *ctx, struct endpoint at)
{
	(void)ctx;
	return at.client == 'b' && at.channel < 2;
}

static void
a_gateway_that_dies_takes_its_clients_along(void **state)
{
	struct actor far = who("c"), near = who("b");
	enum member_status became;

	(void)state;
	create("g", GROUP_PUBLIC, "a");
	join("g", "b");
	far.at.gateway = 2;
	groups_join(gs, TEXT("g"), &far, &became);
	groups_gateway_left(gs, 1, is_b, NULL);
	STATE("g", "a", "");
	STATE("g", "b", "admin active");
	create("h", GROUP_PUBLIC, "d");
	near.at.channel = 2; /* he stays, one of his channels does not */
	groups_join(gs, TEXT("h"), &near, &became);
	groups_gateway_left(gs, 1, is_b, NULL);
	STATE("g", "b", "admin active");
	STATE("h", "b", "");
	groups_gateway_left(gs, 1, NULL, NULL);
	STATE("g", "b", "");
	STATE("g", "c", "admin active");
}

static void
the_longest_standing_active_member_follows_the_last_admin(void **state)
{
	(void)state;
	create("str", GROUP_STRICT_PRIVATE, "a");
	join("str", "b");
	join("str", "c");
	join("str", "d");
	accept("str", "a", "d");
	accept("str", "a", "c"); /* joined before d; b still waits */
	leave("str", "a");
	STATE("str", "b", "member pending");
	STATE("str", "c", "admin active");
	STATE("str", "d", "member active");
	assert_int_equal(accept("str", "c", "b"), GROUPS_done);
	/* an admin that is muted leads no longer */
	mute("str", "c", "c");
	STATE("str", "b", "admin active");
}

static void
who_left_last_comes_back_as_admin_and_strangers_wait(void **state)
{
	(void)state;
	create("str", GROUP_STRICT_PRIVATE, "a");
	join("str", "b");
	gone("a");
	STATE("str", "b", "member pending");
	join("str", "c");
	STATE("str", "c", "member pending");
	assert_int_equal(join("str", "a"), GROUPS_done);
	STATE("str", "a", "admin active");
	assert_int_equal(accept("str", "a", "b"), GROUPS_done);
}

static void
a_guests_name_is_nobodys_once_his_socket_is_gone(void **state)
{
	(void)state;
	create("str", GROUP_STRICT_PRIVATE, "guest:1-1-7");
	gone("guest:1-1-7");
	join("str", "guest:1-1-7"); /* another one, in another life */
	STATE("str", "guest:1-1-7", "member pending");
	create("g", GROUP_STRICT_PRIVATE, "a");
	join("g", "guest:1-1-8");
	accept("g", "a", "guest:1-1-8");
	mute("g", "a", "guest:1-1-8");
	leave("g", "guest:1-1-8");
	STATE("g", "guest:1-1-8", "");
}

static void
after_the_grace_who_waits_longest_takes_an_unled_group_over(void **state)
{
	(void)state;
	create("str", GROUP_STRICT_PRIVATE, "a");
	join("str", "b");
	join("str", "c");
	gone("a");
	later(GRACE_MS - 1);
	STATE("str", "b", "member pending");
	later(1);
	STATE("str", "b", "admin active");
	STATE("str", "c", "member pending");
	gone("b");
	gone("c");
	join("str", "d");
	STATE("str", "d", "member pending");
	gone("d");
	later(GRACE_MS);
	join("str", "e");
	STATE("str", "e", "admin active");
}

static void
an_empty_group_is_deleted_after_its_time_and_an_operators_is_not(void **state)
{
	(void)state;
	create("g", GROUP_PUBLIC, "a");
	assert_int_equal(
	    groups_keep(gs, TEXT("k"), GROUP_PRIVATE, TEXT("a")), GROUPS_done);
	leave("g", "a");
	later(EMPTY_MS - 1);
	assert_non_null(groups_find(gs, TEXT("g")));
	later(1);
	assert_null(groups_find(gs, TEXT("g")));
	assert_non_null(groups_find(gs, TEXT("k")));
	join("k", "a");
	STATE("k", "a", "admin active");
	assert_int_equal(groups_remove(gs, TEXT("k")), GROUPS_done);
	assert_int_equal(groups_remove(gs, TEXT("k")), GROUPS_not_found);
}

static void
only_an_active_admin_deletes(void **state)
{
	(void)state;
	assert_int_equal(
	    groups_delete(gs, TEXT("g"), TEXT("a")), GROUPS_not_found);
	create("g", GROUP_PUBLIC, "a");
	join("g", "b");
	assert_int_equal(
	    groups_delete(gs, TEXT("g"), TEXT("x")), GROUPS_user_not_in_group);
	assert_int_equal(
	    groups_delete(gs, TEXT("g"), TEXT("b")), GROUPS_not_admin);
	assert_int_equal(groups_delete(gs, TEXT("g"), TEXT("a")), GROUPS_done);
	assert_null(groups_find(gs, TEXT("g")));
	assert_int_equal(gs->memberships, 0);
	assert_int_equal(create("g", GROUP_PRIVATE, "b"), GROUPS_done);
}

static void
anybody_sees_a_public_group_and_its_members_the_others(void **state)
{
	struct group *g;

	(void)state;
	create("pub", GROUP_PUBLIC, "a");
	create("pri", GROUP_PRIVATE, "a");
	join("pri", "b");
	assert_int_equal(
	    groups_may_see(gs, TEXT("pub"), TEXT("x"), &g), GROUPS_done);
	assert_int_equal(groups_may_see(gs, TEXT("pri"), TEXT("x"), &g),
	    GROUPS_not_a_member);
	assert_int_equal(
	    groups_may_see(gs, TEXT("pri"), TEXT("b"), &g), GROUPS_is_pending);
	assert_int_equal(
	    groups_may_see(gs, TEXT("pri"), TEXT("a"), &g), GROUPS_done);
}

static bool
add_id(void *ctx, struct group *g)
{
	char *ids = ctx;

	strncat(ids, g->id.at, g->id.len);
	return strlen(ids) < 2;
}

static bool
add_own(void *ctx, struct member *m)
{
	char *ids = ctx;

	strncat(ids, m->group->id.at, m->group->id.len);
	return true;
}

static void
a_users_groups_and_public_ones_are_found_without_looking_at_all(void **state)
{
	char ids[8] = "";
	struct actor far = who("b");
	enum member_status became;

	(void)state;
	create("1", GROUP_PUBLIC, "a");
	create("2", GROUP_PRIVATE, "a");
	create("3", GROUP_PUBLIC, "a");
	join("2", "b");
	far.at.client = 77; /* another socket of his */
	groups_join(gs, TEXT("1"), &far, &became);
	groups_each_own(gs, TEXT("b"), add_own, ids);
	assert_string_equal(ids, "12");
	leave("1", "b");
	ids[0] = '\0';
	groups_each_own(gs, TEXT("b"), add_own, ids);
	assert_string_equal(ids, "2");
	ids[0] = '\0';
	groups_each_own(gs, TEXT("x"), add_own, ids);
	assert_string_equal(ids, "");
	groups_each_public(gs, add_id, ids);
	assert_string_equal(ids, "31");
	groups_delete(gs, TEXT("3"), TEXT("a"));
	ids[0] = '\0';
	groups_each_public(gs, add_id, ids);
	assert_string_equal(ids, "1");
}

static void
limits_hold_and_the_longest_empty_group_makes_room(void **state)
{
	static const char *const users[] = {"b", "c", "d", "e", "f", "h"};

	(void)state;
	create("g1", GROUP_PUBLIC, "a");
	for (size_t i = 0; i + 1 < COUNT_OF(users); i++)
		assert_int_equal(join("g1", users[i]), GROUPS_done);
	assert_int_equal(join("g1", "h"), GROUPS_too_many_members);
	create("g2", GROUP_PUBLIC, "a");
	create("g3", GROUP_PUBLIC, "a");
	assert_int_equal(
	    create("g4", GROUP_PUBLIC, "a"), GROUPS_too_many_memberships);
	assert_int_equal(create("g4", GROUP_PUBLIC, "z"), GROUPS_done);
	assert_int_equal(
	    create("g5", GROUP_PUBLIC, "y"), GROUPS_too_many_groups);
	leave("g4", "z");
	assert_int_equal(create("g5", GROUP_PUBLIC, "y"), GROUPS_done);
	assert_null(groups_find(gs, TEXT("g4")));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_group_is_created_once_and_its_creator_is_an_active_admin),
	    TEST(a_join_is_active_in_public_and_pending_elsewhere),
	    TEST(
		any_active_member_accepts_in_private_and_only_admins_in_strict),
	    TEST(only_admins_of_strict_groups_mute),
	    TEST(a_mute_is_not_shed_by_leaving_and_coming_back),
	    TEST(
		a_muted_member_that_joins_again_listens_elsewhere_and_stays_muted),
	    TEST(a_sender_hears_one_of_four_texts),
	    TEST(a_socket_that_closes_ends_its_memberships_the_creators_too),
	    TEST(a_gateway_that_dies_takes_its_clients_along),
	    TEST(the_longest_standing_active_member_follows_the_last_admin),
	    TEST(who_left_last_comes_back_as_admin_and_strangers_wait),
	    TEST(a_guests_name_is_nobodys_once_his_socket_is_gone),
	    TEST(after_the_grace_who_waits_longest_takes_an_unled_group_over),
	    TEST(
		an_empty_group_is_deleted_after_its_time_and_an_operators_is_not),
	    TEST(only_an_active_admin_deletes),
	    TEST(anybody_sees_a_public_group_and_its_members_the_others),
	    TEST(
		a_users_groups_and_public_ones_are_found_without_looking_at_all),
	    TEST(limits_hold_and_the_longest_empty_group_makes_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
