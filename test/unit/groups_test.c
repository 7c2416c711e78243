// SPDX-License-Identifier: MIT
/* groups - who may do what in which group, and what becomes of those whose
 * people leave. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "protocol/base/err.h"
#include "workers/relay/groups.h"

enum {
	GRACE_MS = 1000,
	EMPTY_MS = 5000,
	MEMBERS_MOST = 6
};

static const struct groups_limits limits = {
    .groups = 4,
    .members = MEMBERS_MOST,
    .memberships = 3,
    .grace_ms = GRACE_MS,
    .empty_ms = EMPTY_MS,
};

static struct groups *gs;

static int
set_up(void **state)
{
	const struct groups_watch nobody = {.ctx = NULL};

	(void)state;
	groups_create_table(&gs, &limits, &nobody, (struct hash_seed){1, 2});
	groups_at(gs, (struct groups_now){.mono_ms = 100, .wall_ms = 7000});
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	groups_destroy_table(&gs);
	return 0;
}

/* Each user has a client of his own, on gateway 1, unless a test says. */
static struct actor
who(const char *user)
{
	return (struct actor){
	    .user = text_of(user),
	    .at = {.gateway = 1, .client = (uint64_t)user[0], .channel = 1},
	};
}

static enum groups_word
create(const char *id, enum group_type type, const char *user)
{
	struct actor a = who(user);

	return groups_create(gs, text_of(id), type, &a);
}

static enum groups_word
join(const char *id, const char *user)
{
	struct actor a = who(user);
	enum member_status became;

	return groups_join(gs, text_of(id), &a, &became);
}

static enum groups_word
accept(const char *id, const char *user, const char *target)
{
	enum member_status became;

	return groups_accept(
	    gs, text_of(id), text_of(user), text_of(target), &became);
}

static enum groups_word
mute(const char *id, const char *user, const char *target)
{
	return groups_mute(gs, text_of(id), text_of(user), text_of(target));
}

static enum groups_word
unmute(const char *id, const char *user, const char *target)
{
	return groups_unmute(gs, text_of(id), text_of(user), text_of(target));
}

static enum groups_word
leave(const char *id, const char *user)
{
	return groups_leave(gs, text_of(id), text_of(user));
}

static enum groups_word
may_send(const char *id, const char *user)
{
	struct group *g;

	return groups_may_send(gs, text_of(id), text_of(user), &g);
}

static void
gone(const char *user)
{
	groups_client_gone(gs, (struct endpoint){1, (uint64_t)user[0], 0});
}

static void
later(uint64_t ms)
{
	struct groups_now now = gs->now;

	now.mono_ms += ms;
	now.wall_ms += ms;
	groups_at(gs, now);
	groups_tick(gs);
}

/* state_of reads a member as "admin active", "member pending", "" … */
static const char *
state_of(const char *id, const char *user)
{
	static char text[64];
	const struct group *g = groups_find(gs, text_of(id));
	const struct member *m =
	    g == NULL ? NULL : groups_member(gs, g, text_of(user));

	if (m == NULL || m->is_absent)
		return m == NULL ? "" : "absent";
	snprintf(text, sizeof(text), "%s %s", m->is_admin ? "admin" : "member",
	    member_status_name(m->status));
	return text;
}

#define STATE(id, user, text) assert_string_equal(state_of(id, user), text)

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

/* ---- against a model ------------------------------------------------------
 *
 * The model keeps a square of states and answers by the words of the README;
 * it shares no line with the code.
 */

enum {
	IDS = 4,
	USERS = 8,
	OUT = -1
};

struct seat {
	int status; /* OUT, or enum member_status */
	bool admin;
	bool shut; /* muted when it left */
	uint64_t since;
};

static struct {
	bool there;
	enum group_type type;
	int heir;
	uint64_t quiet_ms;
	bool quiet;
	struct seat seats[USERS];
} model[IDS];
static uint64_t model_turn;
static uint64_t model_ms;

static int
number_of(int g, int status)
{
	int n = 0;

	for (int u = 0; u < USERS; u++)
		n += model[g].seats[u].status == status;
	return n;
}

static bool
has_admin(int g)
{
	for (int u = 0; u < USERS; u++)
		if (model[g].seats[u].status == MEMBER_ACTIVE &&
		    model[g].seats[u].admin)
			return true;
	return false;
}

static int
eldest(int g, int status)
{
	int best = -1;

	for (int u = 0; u < USERS; u++)
		if (model[g].seats[u].status == status &&
		    !(status == MEMBER_PENDING && model[g].seats[u].shut) &&
		    (best < 0 ||
			model[g].seats[u].since < model[g].seats[best].since))
			best = u;
	return best;
}

static void
model_settle(int g)
{
	bool quiet = number_of(g, MEMBER_ACTIVE) == 0;

	if (quiet && !model[g].quiet)
		model[g].quiet_ms = model_ms;
	model[g].quiet = quiet;
	if (!quiet && !has_admin(g))
		model[g].seats[eldest(g, MEMBER_ACTIVE)].admin = true;
}

static void
model_status(int g, int u, int status)
{
	struct seat *s = &model[g].seats[u];

	if (s->status == MEMBER_ACTIVE && number_of(g, MEMBER_ACTIVE) == 1)
		model[g].heir = u;
	if (status == OUT) {
		s->shut |= s->status == MEMBER_MUTED;
		s->admin = false;
	}
	s->status = status;
	model_settle(g);
}

static enum groups_word
model_join(int g, int u)
{
	struct seat *s = &model[g].seats[u];
	int present = USERS - number_of(g, OUT);
	bool leads = model[g].quiet &&
	    (model[g].heir == u ||
		(eldest(g, MEMBER_PENDING) < 0 &&
		    model_ms - model[g].quiet_ms >= GRACE_MS));

	if (!model[g].there)
		return GROUPS_not_found;
	if (s->status == MEMBER_MUTED)
		return GROUPS_done;
	if (s->status != OUT)
		return GROUPS_already_member;
	if (present >= MEMBERS_MOST)
		return GROUPS_too_many_members;
	s->since = ++model_turn;
	s->status = model[g].type == GROUP_PUBLIC || (leads && !s->shut)
	    ? MEMBER_ACTIVE
	    : MEMBER_PENDING;
	model_settle(g);
	return GROUPS_done;
}

static enum groups_word
model_accept(int g, int u, int t)
{
	const struct seat *a = &model[g].seats[u];
	struct seat *s = &model[g].seats[t];

	if (!model[g].there)
		return GROUPS_not_found;
	if (a->status == OUT)
		return GROUPS_user_not_in_group;
	if (a->status != MEMBER_ACTIVE ||
	    (model[g].type == GROUP_STRICT_PRIVATE && !a->admin))
		return GROUPS_not_admin;
	if (s->status == OUT)
		return GROUPS_user_not_in_group;
	if (s->status != MEMBER_PENDING)
		return GROUPS_user_not_pending;
	model_status(g, t, s->shut ? MEMBER_MUTED : MEMBER_ACTIVE);
	s->shut = false;
	return GROUPS_done;
}

static enum groups_word
model_mute(int g, int u, int t, bool is_on)
{
	const struct seat *a = &model[g].seats[u];
	struct seat *s = &model[g].seats[t];

	if (!model[g].there)
		return GROUPS_not_found;
	if (model[g].type != GROUP_STRICT_PRIVATE)
		return GROUPS_not_strict_private;
	if (a->status != MEMBER_ACTIVE || !a->admin)
		return GROUPS_not_admin;
	if (!is_on && s->status == OUT && s->shut) {
		s->shut = false;
		return GROUPS_done;
	}
	if (s->status == OUT)
		return GROUPS_user_not_in_group;
	if (is_on && s->status != MEMBER_ACTIVE)
		return GROUPS_cannot_mute;
	if (!is_on && s->status != MEMBER_MUTED)
		return GROUPS_not_muted;
	model_status(g, t, is_on ? MEMBER_MUTED : MEMBER_ACTIVE);
	return GROUPS_done;
}

static enum groups_word
model_send(int g, int u)
{
	static const enum groups_word words[] = {
	    [MEMBER_ACTIVE] = GROUPS_done,
	    [MEMBER_PENDING] = GROUPS_is_pending,
	    [MEMBER_MUTED] = GROUPS_is_muted,
	};

	if (!model[g].there)
		return GROUPS_not_found;
	return model[g].seats[u].status == OUT
	    ? GROUPS_not_a_member
	    : words[model[g].seats[u].status];
}

static enum groups_word
model_create(int g, int u, enum group_type type)
{
	if (model[g].there)
		return GROUPS_already_exists;
	model[g].there = true;
	model[g].type = type;
	model[g].heir = -1;
	model[g].quiet = false;
	for (int i = 0; i < USERS; i++)
		model[g].seats[i] = (struct seat){.status = OUT};
	model[g].seats[u] = (struct seat){
	    .status = MEMBER_ACTIVE, .admin = true, .since = ++model_turn};
	return GROUPS_done;
}

static enum groups_word
model_delete(int g, int u)
{
	const struct seat *a = &model[g].seats[u];

	if (!model[g].there)
		return GROUPS_not_found;
	if (a->status == OUT)
		return GROUPS_user_not_in_group;
	if (a->status != MEMBER_ACTIVE || !a->admin)
		return GROUPS_not_admin;
	model[g].there = false;
	return GROUPS_done;
}

static void
model_tick(uint64_t ms)
{
	model_ms += ms;
	for (int g = 0; g < IDS; g++) {
		uint64_t quiet_ms = model_ms - model[g].quiet_ms;

		if (!model[g].there || !model[g].quiet)
			continue;
		if (number_of(g, OUT) == USERS) {
			if (quiet_ms >= EMPTY_MS)
				model[g].there = false;
		} else if (quiet_ms >= GRACE_MS &&
		    eldest(g, MEMBER_PENDING) >= 0) {
			model_status(
			    g, eldest(g, MEMBER_PENDING), MEMBER_ACTIVE);
		}
	}
}

static void
compare_seat(int g, int u, const char *id, const char *user)
{
	const struct seat *s = &model[g].seats[u];
	const struct group *group = groups_find(gs, text_of(id));
	const struct member *m = groups_member(gs, group, text_of(user));

	if (s->status == OUT) {
		assert_int_equal(m != NULL, s->shut);
		return;
	}
	assert_non_null(m);
	assert_int_equal((int)m->status, s->status);
	assert_int_equal(m->is_admin, s->admin);
	assert_int_equal(m->was_muted, s->status == MEMBER_PENDING && s->shut);
}

static void
compare_all(void)
{
	char id[2] = "0", user[2] = "a";
	uint32_t present = 0;

	for (int g = 0; g < IDS; g++) {
		id[0] = (char)('0' + g);
		const struct group *group = groups_find(gs, text_of(id));
		assert_int_equal(group != NULL, model[g].there);
		if (group == NULL)
			continue;
		for (int u = 0; u < USERS; u++) {
			user[0] = (char)('a' + u);
			compare_seat(g, u, id, user);
		}
		uint32_t in = (uint32_t)(USERS - number_of(g, OUT));
		assert_int_equal(group->member_count, in);
		assert_int_equal(
		    group->active_count, (uint32_t)number_of(g, MEMBER_ACTIVE));
		present += in;
	}
	assert_int_equal(gs->memberships, present);
}

static void
model_gone(int u)
{
	for (int g = 0; g < IDS; g++)
		if (model[g].there && model[g].seats[u].status != OUT)
			model_status(g, u, OUT);
}

static void
step(unsigned chance)
{
	int g = (int)(chance >> 4 & 3), u = (int)(chance >> 8 & 7);
	int t = (int)(chance >> 12 & 7);
	enum group_type type = (enum group_type)((chance >> 16) % 3);
	char id[2] = {(char)('0' + g), 0}, user[2] = {(char)('a' + u), 0};
	char target[2] = {(char)('a' + t), 0};
	enum groups_word word, expected;

	switch (chance % 16) {
	case 0:
		word = create(id, type, user);
		expected = model_create(g, u, type);
		break;
	case 1:
		word = expected = GROUPS_done;
		gone(user);
		model_gone(u);
		break;
	case 2:
		if (chance >> 20 & 1) {
			word = groups_delete(gs, text_of(id), text_of(user));
			expected = model_delete(g, u);
			break;
		}
		word = expected = GROUPS_done;
		later(chance >> 21 & 2047);
		model_tick(chance >> 21 & 2047);
		break;
	case 3:
	case 4:
		word = leave(id, user);
		expected = !model[g].there            ? GROUPS_not_found
		    : model[g].seats[u].status == OUT ? GROUPS_user_not_in_group
						      : GROUPS_done;
		if (expected == GROUPS_done)
			model_status(g, u, OUT);
		break;
	case 5:
	case 6:
	case 7:
		word = accept(id, user, target);
		expected = model_accept(g, u, t);
		break;
	case 8:
	case 9:
		word = mute(id, user, target);
		expected = model_mute(g, u, t, true);
		break;
	case 10:
		word = unmute(id, user, target);
		expected = model_mute(g, u, t, false);
		break;
	case 11:
		word = may_send(id, user);
		expected = model_send(g, u);
		break;
	default:
		word = join(id, user);
		expected = model_join(g, u);
	}
	assert_string_equal(groups_word_name(word), groups_word_name(expected));
	compare_all();
}

static void
in_two_hundred_thousand_random_steps_it_equals_the_model(void **state)
{
	uint64_t chance = 42;

	(void)state;
	gs->limits.memberships = 100;
	model_ms = gs->now.mono_ms;
	for (int i = 0; i < 200000; i++) {
		chance = chance * 6364136223846793005u + 1442695040888963407u;
		step((unsigned)(chance >> 32));
	}
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
	    TEST(in_two_hundred_thousand_random_steps_it_equals_the_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
