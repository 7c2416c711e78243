// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * A member is on three lists: of its group, in order of joining, so that the
 * longest-standing one is the first that fits; of its client, so that a socket
 * that closes takes its memberships along; and in the index by user.
 *
 * A muted member that leaves stays as absent: in the group's list and in the
 * index, counted nowhere and sent nothing. So a mute is not shed by going and
 * coming back, and the group's limit bounds how many are remembered.
 */

#include <string.h>

#include "protocol/base/err.h"
#include "protocol/base/memory.h"
#include "workers/relay/groups_inside.h"

/* register_health: a group is registered once somebody receives. */
static void
register_health(const struct groups *gs, enum groups_news news, struct group *g,
    const struct member *m)
{
	enum subscription_event event = SUBSCRIPTION_EVENT_registration_success;

	if (news != NEWS_group_create && news != NEWS_member_join &&
	    news != NEWS_member_accept)
		return;
	if (m == NULL || !group_receives(m)) {
		if (news != NEWS_group_create)
			return; /* who waits changes nothing for the others */
		event = SUBSCRIPTION_EVENT_registration_started;
	}
	subscription_note(&g->health, event, gs->now.wall_ms, NULL);
}

void
groups_tell(
    struct groups *gs, enum groups_news news, struct group *g, struct member *m)
{
	register_health(gs, news, g, m);
	if (gs->watch.news != NULL)
		gs->watch.news(gs->watch.ctx, news, g, m);
}

static void
tell_group(struct groups *gs, struct group *g, bool is_gone)
{
	if (gs->watch.group != NULL)
		gs->watch.group(gs->watch.ctx, g, is_gone);
}

static void
tell_member(struct groups *gs, struct member *m, bool is_gone)
{
	if (gs->watch.member != NULL)
		gs->watch.member(gs->watch.ctx, m, is_gone);
}

/* --- who holds what --- */

static void
hold(struct groups *gs, struct member *m, struct endpoint e)
{
	struct holder *h = groups_holder(gs, e);

	if (h == NULL) {
		h = MEMORY_NEW(struct holder);
		h->gateway = e.gateway;
		h->client = e.client;
		index_add(&gs->holders, &h->link,
		    groups_hash_client(gs, e.gateway, e.client));
	}
	m->at = e;
	m->holder = h;
	m->next_held = h->first;
	m->back_held = &h->first;
	if (h->first != NULL)
		h->first->back_held = &m->next_held;
	h->first = m;
	h->count++;
}

static void
let_go(struct groups *gs, struct member *m)
{
	struct holder *h = m->holder;

	*m->back_held = m->next_held;
	if (m->next_held != NULL)
		m->next_held->back_held = m->back_held;
	m->holder = NULL;
	m->at = (struct endpoint){0};
	if (--h->count > 0)
		return;
	index_remove(&gs->holders, &h->link);
	memory_free(h);
}

/* own puts a member on its user's list, disown takes it off. */
static void
own(struct groups *gs, struct member *m)
{
	struct person *p = groups_person(gs, m->user);

	if (p == NULL) {
		p = memory_new(sizeof(*p) + m->user.len);
		char *copy = (char *)(p + 1);
		if (m->user.len > 0)
			memcpy(copy, m->user.at, m->user.len);
		p->user = (struct text){copy, m->user.len};
		index_add(
		    &gs->persons, &p->link, groups_hash_name(gs, p->user));
	}
	m->person = p;
	m->next_own = p->first;
	m->back_own = &p->first;
	if (p->first != NULL)
		p->first->back_own = &m->next_own;
	p->first = m;
}

static void
disown(struct groups *gs, struct member *m)
{
	struct person *p = m->person;

	*m->back_own = m->next_own;
	if (m->next_own != NULL)
		m->next_own->back_own = m->back_own;
	if (p->first != NULL)
		return;
	index_remove(&gs->persons, &p->link);
	memory_free(p);
}

/* --- counting --- */

static void
count(struct member *m, uint32_t by)
{
	struct group *g = m->group;
	bool is_active = m->status == MEMBER_ACTIVE;

	g->revision++;
	if (m->is_absent) {
		g->absent_count += by;
		return;
	}
	g->member_count += by;
	if (is_active)
		g->active_count += by;
	if (m->status == MEMBER_MUTED)
		g->muted_count += by;
	if (is_active && m->is_admin)
		g->admin_count += by;
}

static void
uncount(struct member *m)
{
	count(m, UINT32_MAX); /* minus one */
}

static void
set_heir(struct groups *gs, struct group *g, struct text user)
{
	memory_free(g->heir);
	g->heir = memory_new((size_t)user.len + 1);
	if (user.len > 0)
		memcpy(g->heir, user.at, user.len);
	g->heir_bytes = user.len;
	tell_group(gs, g, false);
}

/* is_guest: his name dies with his socket, and may be another's later. */
static bool
is_guest(struct text user)
{
	return text_starts_with(user, TEXT("guest:"));
}

/* before_loss remembers who was the last to be active: he may come back. */
static void
before_loss(struct groups *gs, const struct member *m)
{
	if (m->status == MEMBER_ACTIVE && !m->is_absent &&
	    m->group->active_count == 1)
		set_heir(gs, m->group, is_guest(m->user) ? TEXT("") : m->user);
}

void
groups_set_status(
    struct groups *gs, struct member *m, enum member_status status)
{
	before_loss(gs, m);
	uncount(m);
	m->status = status;
	m->was_muted = false;
	count(m, 1);
	tell_member(gs, m, false);
}

void
groups_move(struct groups *gs, struct member *m, struct endpoint to)
{
	let_go(gs, m);
	hold(gs, m, to);
	m->group->revision++;
	tell_member(gs, m, false);
}

/* --- leading --- */

static void
be_quiet(struct groups *gs, struct group *g)
{
	if (g->is_quiet)
		return;
	g->is_quiet = true;
	g->quiet_ms = gs->now.mono_ms;
	g->next_quiet = gs->quiet;
	g->back_quiet = &gs->quiet;
	if (gs->quiet != NULL)
		gs->quiet->back_quiet = &g->next_quiet;
	gs->quiet = g;
}

static void
be_lively(struct group *g)
{
	if (!g->is_quiet)
		return;
	g->is_quiet = false;
	*g->back_quiet = g->next_quiet;
	if (g->next_quiet != NULL)
		g->next_quiet->back_quiet = g->back_quiet;
}

void
groups_settle(struct groups *gs, struct group *g)
{
	struct member *m = g->first;

	if (g->active_count == 0) {
		be_quiet(gs, g);
		return;
	}
	be_lively(g);
	if (g->admin_count > 0)
		return;
	while (m->is_absent || m->status != MEMBER_ACTIVE)
		m = m->next;
	uncount(m);
	m->is_admin = true;
	count(m, 1);
	tell_member(gs, m, false);
	groups_tell(gs, NEWS_member_promote, g, m);
}

/* --- members --- */

/* add takes a record in; nobody is told yet. */
static struct member *
add(struct groups *gs, struct group *g, const struct member_record *r)
{
	struct text user = r->who.user;
	struct member *m = memory_new(sizeof(*m) + user.len);
	char *copy = (char *)(m + 1);

	if (user.len > 0)
		memcpy(copy, user.at, user.len);
	m->group = g;
	m->user = (struct text){copy, user.len};
	m->number = r->number;
	m->joined_ms = r->joined_ms;
	m->status = r->status;
	m->is_admin = r->is_admin;
	m->was_muted = r->was_muted;
	m->is_absent = r->is_absent;
	m->back = g->end;
	*g->end = m;
	g->end = &m->next;
	index_add(&gs->by_user, &m->link, groups_hash_user(gs, g, m->user));
	own(gs, m);
	if (!m->is_absent) {
		hold(gs, m, r->who.at);
		gs->memberships++;
	}
	count(m, 1);
	return m;
}

struct member *
groups_enter(struct groups *gs, struct group *g, const struct actor *who,
    enum member_status status, bool is_admin)
{
	struct member *m = add(gs, g,
	    &(struct member_record){
		.number = ++gs->last_member,
		.joined_ms = gs->now.wall_ms,
		.who = *who,
		.status = status,
		.is_admin = is_admin,
	    });

	tell_member(gs, m, false);
	return m;
}

/* discard frees what is on no list of a client any more. */
static void
discard(struct groups *gs, struct member *m)
{
	struct group *g = m->group;

	tell_member(gs, m, true);
	*m->back = m->next;
	if (m->next != NULL)
		m->next->back = m->back;
	else
		g->end = m->back;
	index_remove(&gs->by_user, &m->link);
	disown(gs, m);
	memory_free(m);
}

void
groups_erase(struct groups *gs, struct member *m)
{
	uncount(m);
	discard(gs, m);
}

/* forget_oldest keeps the absent few. */
static void
forget_oldest(struct groups *gs, struct group *g)
{
	struct member *m = g->first;

	if (g->absent_count <= gs->limits.members)
		return;
	while (!m->is_absent)
		m = m->next;
	groups_erase(gs, m);
}

void
groups_withdraw(struct groups *gs, struct member *m, enum groups_news news)
{
	struct group *g = m->group;

	before_loss(gs, m);
	groups_tell(gs, news, g, m);
	uncount(m);
	let_go(gs, m);
	gs->memberships--;
	if ((m->status == MEMBER_MUTED || m->was_muted) && !is_guest(m->user)) {
		m->status = MEMBER_MUTED;
		m->is_absent = true;
		m->is_admin = false;
		count(m, 1);
		tell_member(gs, m, false);
		forget_oldest(gs, g);
	} else {
		discard(gs, m);
	}
	groups_settle(gs, g);
}

/* --- groups --- */

static struct group *
add_group(struct groups *gs, uint64_t number, struct text id,
    enum group_type type, struct text heir)
{
	struct group *g = memory_new(sizeof(*g) + id.len);
	char *copy = (char *)(g + 1);

	memcpy(copy, id.at, id.len);
	g->id = (struct text){copy, id.len};
	g->number = number;
	g->type = type;
	g->end = &g->first;
	if (heir.len > 0) {
		g->heir = memory_new((size_t)heir.len + 1);
		memcpy(g->heir, heir.at, heir.len);
		g->heir_bytes = heir.len;
	}
	index_add(&gs->by_id, &g->link, groups_hash_name(gs, g->id));
	if (type == GROUP_PUBLIC) {
		g->next_public = gs->publics;
		g->back_public = &gs->publics;
		if (gs->publics != NULL)
			gs->publics->back_public = &g->next_public;
		gs->publics = g;
	}
	return g;
}

struct group *
groups_found(
    struct groups *gs, struct text id, enum group_type type, struct text heir)
{
	struct group *g = add_group(gs, ++gs->last_group, id, type, heir);

	g->created_ms = gs->now.wall_ms;
	be_quiet(gs, g);
	tell_group(gs, g, false);
	return g;
}

void
groups_dissolve(struct groups *gs, struct group *g)
{
	groups_tell(gs, NEWS_group_delete, g, NULL);
	while (g->first != NULL) {
		struct member *m = g->first;

		if (!m->is_absent) {
			let_go(gs, m);
			gs->memberships--;
		}
		groups_erase(gs, m);
	}
	be_lively(g);
	tell_group(gs, g, true);
	if (g->type == GROUP_PUBLIC) {
		*g->back_public = g->next_public;
		if (g->next_public != NULL)
			g->next_public->back_public = g->back_public;
	}
	index_remove(&gs->by_id, &g->link);
	memory_free(g->heir);
	memory_free(g);
}

/* --- the store's --- */

struct group *
groups_restore_group(struct groups *gs, uint64_t number, struct text id,
    enum group_type type, struct text heir)
{
	if (number > gs->last_group)
		gs->last_group = number;
	return add_group(gs, number, id, type, heir);
}

void
groups_restore_member(
    struct groups *gs, struct group *g, const struct member_record *r)
{
	if (r->number > gs->last_member)
		gs->last_member = r->number;
	add(gs, g, r);
}

static bool
settle_one(void *ctx, struct group *g)
{
	groups_settle(ctx, g);
	return true;
}

void
groups_settle_restored(struct groups *gs, struct group *g)
{
	groups_settle(gs, g);
}

void
groups_drop_restored(struct groups *gs, struct group *g)
{
	struct groups_watch watch = gs->watch;

	gs->watch = (struct groups_watch){.ctx = NULL};
	groups_dissolve(gs, g);
	gs->watch = watch;
}

void
groups_restored(struct groups *gs)
{
	groups_each(gs, settle_one, gs);
}
