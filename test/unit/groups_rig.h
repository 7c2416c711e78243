// SPDX-License-Identifier: MIT
#ifndef TEST_UNIT_GROUPS_RIG_H
#define TEST_UNIT_GROUPS_RIG_H

/*
 * groups_rig - a table of groups on a clock of its own, and words for what
 * people do with them.
 */

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

static inline int
set_up(void **state)
{
	const struct groups_watch nobody = {.ctx = NULL};

	(void)state;
	groups_create_table(&gs, &limits, &nobody, (struct hash_seed){1, 2});
	groups_at(gs, (struct groups_now){.mono_ms = 100, .wall_ms = 7000});
	return 0;
}

static inline int
tear_down(void **state)
{
	(void)state;
	groups_destroy_table(&gs);
	return 0;
}

/* Each user has a client of his own, on gateway 1, unless a test says. */
static inline struct actor
who(const char *user)
{
	return (struct actor){
	    .user = text_of(user),
	    .at = {.gateway = 1, .client = (uint64_t)user[0], .channel = 1},
	};
}

static inline enum groups_word
create(const char *id, enum group_type type, const char *user)
{
	struct actor a = who(user);

	return groups_create(gs, text_of(id), type, &a);
}

static inline enum groups_word
join(const char *id, const char *user)
{
	struct actor a = who(user);
	enum member_status became;

	return groups_join(gs, text_of(id), &a, &became);
}

static inline enum groups_word
accept(const char *id, const char *user, const char *target)
{
	enum member_status became;

	return groups_accept(
	    gs, text_of(id), text_of(user), text_of(target), &became);
}

static inline enum groups_word
mute(const char *id, const char *user, const char *target)
{
	return groups_mute(gs, text_of(id), text_of(user), text_of(target));
}

static inline enum groups_word
unmute(const char *id, const char *user, const char *target)
{
	return groups_unmute(gs, text_of(id), text_of(user), text_of(target));
}

static inline enum groups_word
leave(const char *id, const char *user)
{
	return groups_leave(gs, text_of(id), text_of(user));
}

static inline enum groups_word
may_send(const char *id, const char *user)
{
	struct group *g;

	return groups_may_send(gs, text_of(id), text_of(user), &g);
}

static inline void
gone(const char *user)
{
	groups_client_gone(gs, (struct endpoint){1, (uint64_t)user[0], 0});
}

static inline void
later(uint64_t ms)
{
	struct groups_now now = gs->now;

	now.mono_ms += ms;
	now.wall_ms += ms;
	groups_at(gs, now);
	groups_tick(gs);
}

/* state_of reads a member as "admin active", "member pending", "" … */
static inline const char *
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

#endif /* TEST_UNIT_GROUPS_RIG_H */
