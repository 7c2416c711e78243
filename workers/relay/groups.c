// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * Every operation looks in the same order: is there the group, does its type
 * allow this, may the actor, does the target fit. The first no is the answer.
 */

#include "workers/relay/groups_inside.h"

#include <string.h>

#include "protocol/base/err.h"
#include "protocol/base/memory.h"

static const struct {
	const char *name, *code, *text;
} words[] = {
#define W(name, code, text) [GROUPS_##name] = {#name, #code, text},
    GROUPS_WORDS(W)
#undef W
};

static const char *const type_names[] = {
    [GROUP_PUBLIC] = "public",
    [GROUP_PRIVATE] = "private",
    [GROUP_STRICT_PRIVATE] = "strict_private",
};

const char *
groups_word_name(enum groups_word word)
{
	return words[word].name;
}

const char *
groups_word_code(enum groups_word word)
{
	return words[word].code;
}

const char *
groups_word_text(enum groups_word word)
{
	return words[word].text;
}

const char *
group_type_name(enum group_type type)
{
	return type_names[type];
}

bool
group_type_by_name(struct text name, enum group_type *type)
{
	for (size_t i = 0; i < COUNT_OF(type_names); i++) {
		if (text_is(name, type_names[i])) {
			*type = (enum group_type)i;
			return true;
		}
	}
	return false;
}

const char *
member_status_name(enum member_status status)
{
	static const char *const names[] = {
	    [MEMBER_ACTIVE] = "active",
	    [MEMBER_PENDING] = "pending",
	    [MEMBER_MUTED] = "muted",
	};

	return names[status];
}

/* present gives a member that has not left; the absent are only remembered. */
static struct member *
present(const struct groups *gs, const struct group *g, struct text user)
{
	struct member *m = groups_member(gs, g, user);

	return m == NULL || m->is_absent ? NULL : m;
}

static bool
is_active(const struct member *m)
{
	return m != NULL && m->status == MEMBER_ACTIVE;
}

static bool
is_active_admin(const struct member *m)
{
	return is_active(m) && m->is_admin;
}

bool
group_receives(const struct member *m)
{
	return !m->is_absent && m->status != MEMBER_PENDING;
}

/* --- groups --- */

/* make_room lets the group go that has been empty for longest. */
static bool
make_room(struct groups *gs)
{
	struct group *oldest = NULL;

	if (gs->by_id.count < gs->limits.groups)
		return true;
	for (struct group *g = gs->quiet; g != NULL; g = g->next_quiet) {
		if (g->member_count == 0 && !g->is_kept &&
		    (oldest == NULL || g->quiet_ms <= oldest->quiet_ms))
			oldest = g;
	}
	if (oldest == NULL)
		return false;
	groups_dissolve(gs, oldest);
	return gs->by_id.count < gs->limits.groups;
}

enum groups_word
groups_create(struct groups *gs, struct text id, enum group_type type,
    const struct actor *who)
{
	if (groups_find(gs, id) != NULL)
		return GROUPS_already_exists;
	if (groups_held(gs, who->at) >= gs->limits.memberships)
		return GROUPS_too_many_memberships;
	if (!make_room(gs))
		return GROUPS_too_many_groups;
	struct group *g =
	    groups_found(gs, id, type, (struct text){.at = NULL, .len = 0});
	struct member *m = groups_enter(gs, g, who, MEMBER_ACTIVE, true);
	groups_tell(gs, NEWS_group_create, g, m);
	groups_settle(gs, g);
	return GROUPS_done;
}

enum groups_word
groups_delete(struct groups *gs, struct text id, struct text user)
{
	struct group *g = groups_find(gs, id);

	if (g == NULL)
		return GROUPS_not_found;
	const struct member *m = present(gs, g, user);
	if (m == NULL)
		return GROUPS_user_not_in_group;
	if (!is_active_admin(m))
		return GROUPS_not_admin;
	groups_dissolve(gs, g);
	return GROUPS_done;
}

enum groups_word
groups_keep(
    struct groups *gs, struct text id, enum group_type type, struct text heir)
{
	if (groups_find(gs, id) != NULL)
		return GROUPS_already_exists;
	if (!make_room(gs))
		return GROUPS_too_many_groups;
	struct group *g = groups_found(gs, id, type, heir);
	g->is_kept = true;
	if (gs->watch.group != NULL)
		gs->watch.group(gs->watch.ctx, g, false);
	groups_tell(gs, NEWS_group_create, g, NULL);
	return GROUPS_done;
}

enum groups_word
groups_remove(struct groups *gs, struct text id)
{
	struct group *g = groups_find(gs, id);

	if (g == NULL)
		return GROUPS_not_found;
	groups_dissolve(gs, g);
	return GROUPS_done;
}

/* --- coming and going --- */

/* first_waiting gives the pending member that has waited for longest. */
static struct member *
first_waiting(const struct group *g)
{
	struct member *m = g->first;

	while (m != NULL &&
	    (m->is_absent || m->status != MEMBER_PENDING || m->was_muted))
		m = m->next;
	return m;
}

/*
 * leads: in a group that nobody leads, who was its last active member comes
 * back as that; after the grace the next one to come takes over.
 */
static bool
leads(const struct groups *gs, const struct group *g, struct text user)
{
	struct text heir = {g->heir, g->heir_bytes};

	if (!g->is_quiet)
		return false;
	if (heir.len > 0 && text_eq(heir, user))
		return true;
	return first_waiting(g) == NULL &&
	    gs->now.mono_ms - g->quiet_ms >= gs->limits.grace_ms;
}

/* join_again: only a muted member gains by it: another place to listen. */
static enum groups_word
join_again(struct groups *gs, struct member *m, const struct actor *who,
    enum member_status *became)
{
	if (m->status != MEMBER_MUTED)
		return GROUPS_already_member;
	groups_move(gs, m, who->at);
	*became = MEMBER_MUTED;
	return GROUPS_done;
}

enum groups_word
groups_join(struct groups *gs, struct text id, const struct actor *who,
    enum member_status *became)
{
	struct group *g = groups_find(gs, id);

	if (g == NULL)
		return GROUPS_not_found;
	struct member *m = groups_member(gs, g, who->user);
	bool was_muted = m != NULL;
	if (m != NULL && !m->is_absent)
		return join_again(gs, m, who, became);
	if (g->member_count >= gs->limits.members)
		return GROUPS_too_many_members;
	if (groups_held(gs, who->at) >= gs->limits.memberships)
		return GROUPS_too_many_memberships;
	*became =
	    g->type == GROUP_PUBLIC || (!was_muted && leads(gs, g, who->user))
	    ? MEMBER_ACTIVE
	    : MEMBER_PENDING;
	if (m != NULL)
		groups_erase(gs, m);
	m = groups_enter(gs, g, who, *became, false);
	if (was_muted) {
		m->was_muted = true;
		if (gs->watch.member != NULL)
			gs->watch.member(gs->watch.ctx, m, false);
	}
	groups_tell(gs, NEWS_member_join, g, m);
	groups_settle(gs, g);
	return GROUPS_done;
}

enum groups_word
groups_leave(struct groups *gs, struct text id, struct text user)
{
	struct group *g = groups_find(gs, id);

	if (g == NULL)
		return GROUPS_not_found;
	struct member *m = present(gs, g, user);
	if (m == NULL)
		return GROUPS_user_not_in_group;
	groups_withdraw(gs, m, NEWS_member_leave);
	return GROUPS_done;
}

enum groups_word
groups_kick(struct groups *gs, struct text id, struct text user)
{
	return groups_leave(gs, id, user);
}

/* --- deciding about others --- */

/* admit makes a waiting member what it would be: a mute outlives absence. */
static enum member_status
admit(struct groups *gs, struct member *m)
{
	enum member_status became = m->was_muted ? MEMBER_MUTED : MEMBER_ACTIVE;

	groups_set_status(gs, m, became);
	groups_tell(gs, NEWS_member_accept, m->group, m);
	groups_settle(gs, m->group);
	return became;
}

enum groups_word
groups_accept(struct groups *gs, struct text id, struct text user,
    struct text target, enum member_status *became)
{
	struct group *g = groups_find(gs, id);

	if (g == NULL)
		return GROUPS_not_found;
	const struct member *actor = present(gs, g, user);
	if (actor == NULL)
		return GROUPS_user_not_in_group;
	if (g->type == GROUP_STRICT_PRIVATE ? !is_active_admin(actor)
					    : !is_active(actor))
		return GROUPS_not_admin;
	struct member *m = present(gs, g, target);
	if (m == NULL)
		return GROUPS_user_not_in_group;
	if (m->status != MEMBER_PENDING)
		return GROUPS_user_not_pending;
	*became = admit(gs, m);
	return GROUPS_done;
}

/* may_mute checks what mute and unmute have in common. */
static enum groups_word
may_mute(const struct groups *gs, const struct group *g, struct text user)
{
	if (g == NULL)
		return GROUPS_not_found;
	if (g->type != GROUP_STRICT_PRIVATE)
		return GROUPS_not_strict_private;
	return is_active_admin(present(gs, g, user)) ? GROUPS_done
						     : GROUPS_not_admin;
}

enum groups_word
groups_mute(
    struct groups *gs, struct text id, struct text user, struct text target)
{
	struct group *g = groups_find(gs, id);
	enum groups_word word = may_mute(gs, g, user);

	if (word != GROUPS_done)
		return word;
	struct member *m = present(gs, g, target);
	if (m == NULL)
		return GROUPS_user_not_in_group;
	if (m->status != MEMBER_ACTIVE)
		return GROUPS_cannot_mute;
	groups_set_status(gs, m, MEMBER_MUTED);
	groups_tell(gs, NEWS_member_mute, g, m);
	groups_settle(gs, g);
	return GROUPS_done;
}

enum groups_word
groups_unmute(
    struct groups *gs, struct text id, struct text user, struct text target)
{
	struct group *g = groups_find(gs, id);
	enum groups_word word = may_mute(gs, g, user);

	if (word != GROUPS_done)
		return word;
	struct member *m = groups_member(gs, g, target);
	if (m == NULL)
		return GROUPS_user_not_in_group;
	if (m->status != MEMBER_MUTED)
		return GROUPS_not_muted;
	if (m->is_absent) { /* nothing but the mute was left of it */
		groups_tell(gs, NEWS_member_unmute, g, m);
		groups_erase(gs, m);
		return GROUPS_done;
	}
	groups_set_status(gs, m, MEMBER_ACTIVE);
	groups_tell(gs, NEWS_member_unmute, g, m);
	groups_settle(gs, g);
	return GROUPS_done;
}

/* --- asking --- */

enum groups_word
groups_may_send(const struct groups *gs, struct text id, struct text user,
    struct group **to)
{
	struct group *g = groups_find(gs, id);

	if (g == NULL)
		return GROUPS_not_found;
	const struct member *m = present(gs, g, user);
	if (m == NULL)
		return GROUPS_not_a_member;
	if (m->status == MEMBER_PENDING)
		return GROUPS_is_pending;
	if (m->status == MEMBER_MUTED)
		return GROUPS_is_muted;
	*to = g;
	return GROUPS_done;
}

enum groups_word
groups_may_see(const struct groups *gs, struct text id, struct text user,
    struct group **to)
{
	struct group *g = groups_find(gs, id);

	if (g == NULL)
		return GROUPS_not_found;
	const struct member *m = present(gs, g, user);
	*to = g;
	if (g->type == GROUP_PUBLIC)
		return GROUPS_done;
	if (m == NULL)
		return GROUPS_not_a_member;
	return m->status == MEMBER_PENDING ? GROUPS_is_pending : GROUPS_done;
}

/* --- time --- */

void
groups_tick(struct groups *gs)
{
	struct group *next;

	for (struct group *g = gs->quiet; g != NULL; g = next) {
		uint64_t quiet_ms = gs->now.mono_ms - g->quiet_ms;

		next = g->next_quiet;
		if (g->member_count == 0) {
			if (!g->is_kept && gs->limits.empty_ms > 0 &&
			    quiet_ms >= gs->limits.empty_ms)
				groups_dissolve(gs, g);
		} else if (quiet_ms >= gs->limits.grace_ms) {
			struct member *m = first_waiting(g);

			if (m != NULL)
				admit(gs, m);
		}
	}
}
