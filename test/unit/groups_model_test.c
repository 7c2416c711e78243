// SPDX-License-Identifier: MIT
/* groups - against a model, at random. */

#include "test/unit/groups_rig.h"

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
	    TEST(in_two_hundred_thousand_random_steps_it_equals_the_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
