// SPDX-License-Identifier: MIT
/* groups_life - sockets and gateways that go, and the table's own life. */

#include "protocol/base/memory.h"
#include "workers/relay/groups_inside.h"

/* --- sockets --- */

void
groups_client_gone(struct groups *gs, struct endpoint e)
{
	struct holder *h = groups_holder(gs, e);
	struct member *m = h == NULL ? NULL : h->first, *next;

	/* with its last member the holder is gone as well */
	for (; m != NULL; m = next) {
		next = m->next_held;
		if (e.channel == 0 || m->at.channel == e.channel)
			groups_withdraw(gs, m, NEWS_member_down);
	}
}

/* One look for those of a gateway that do not stay. */
struct leaving {
	uint64_t gateway;
	bool (*stays)(void *ctx, struct endpoint);
	void *ctx;
};

/* has_left gives the client, or its channel, that has to go. */
static bool
has_left(const struct leaving *l, const struct holder *h, struct endpoint *at)
{
	*at = (struct endpoint){.gateway = h->gateway, .client = h->client};
	if (h->gateway != l->gateway)
		return false;
	if (l->stays == NULL || !l->stays(l->ctx, *at))
		return true;
	for (const struct member *m = h->first; m != NULL; m = m->next_held) {
		*at = m->at;
		if (!l->stays(l->ctx, *at))
			return true;
	}
	return false;
}

/* next_leaver: of one bucket, as its holders go one after the other. */
static bool
next_leaver(
    const struct leaving *l, struct index_link *link, struct endpoint *at)
{
	for (; link != NULL; link = link->next)
		if (has_left(l, (struct holder *)(void *)link, at))
			return true;
	return false;
}

void
groups_gateway_left(struct groups *gs, uint64_t gateway,
    bool (*stays)(void *ctx, struct endpoint), void *ctx)
{
	const struct leaving l = {
	    .gateway = gateway, .stays = stays, .ctx = ctx};
	struct endpoint at;

	for (uint32_t i = 0; i < gs->holders.size; i++)
		while (next_leaver(&l, gs->holders.buckets[i], &at))
			groups_client_gone(gs, at);
}

/* is_way: some receiver of the group is on this gateway. */
static bool
is_way(const struct group *g, uint64_t gateway)
{
	for (const struct member *m = g->first; m != NULL; m = m->next)
		if (group_receives(m) && m->at.gateway == gateway)
			return true;
	return false;
}

void
groups_note_gateway(struct groups *gs, uint64_t gateway,
    enum subscription_event event, const char *error)
{
	for (uint32_t i = 0; i < gs->by_id.size; i++)
		for (struct index_link *at = gs->by_id.buckets[i]; at != NULL;
		     at = at->next) {
			struct group *g = (struct group *)(void *)at;

			if (is_way(g, gateway))
				subscription_note(
				    &g->health, event, gs->now.wall_ms, error);
		}
}

void
groups_note_client(struct groups *gs, struct endpoint e,
    enum subscription_event event, const char *error)
{
	const struct holder *h = groups_holder(gs, e);
	const struct member *m = h == NULL ? NULL : h->first;

	for (; m != NULL; m = m->next_held)
		if (group_receives(m) &&
		    (e.channel == 0 || m->at.channel == e.channel))
			subscription_note(
			    &m->group->health, event, gs->now.wall_ms, error);
}

/* --- life --- */

void
groups_create_table(struct groups **to, const struct groups_limits *limits,
    const struct groups_watch *watch, struct hash_seed seed)
{
	struct groups *gs = MEMORY_NEW(struct groups);

	gs->limits = *limits;
	gs->watch = *watch;
	gs->seed = seed;
	index_init(&gs->by_id);
	index_init(&gs->by_user);
	index_init(&gs->holders);
	index_init(&gs->persons);
	*to = gs;
}

void
groups_destroy_table(struct groups **at)
{
	struct groups *gs = *at;

	if (gs == NULL)
		return;
	gs->watch = (struct groups_watch){.ctx = NULL};
	for (uint32_t i = 0; i < gs->by_id.size; i++)
		while (gs->by_id.buckets[i] != NULL)
			groups_dissolve(
			    gs, (struct group *)(void *)gs->by_id.buckets[i]);
	index_finish(&gs->by_id);
	index_finish(&gs->by_user);
	index_finish(&gs->holders);
	index_finish(&gs->persons);
	memory_free(gs);
	*at = NULL;
}

void
groups_at(struct groups *gs, struct groups_now now)
{
	gs->now = now;
}
