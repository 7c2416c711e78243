// SPDX-License-Identifier: MIT
/* groups_look - finding groups, members and clients. */

#include "workers/relay/groups_inside.h"

uint64_t
groups_hash_name(const struct groups *gs, struct text name)
{
	return hash_short(gs->seed, name.at, name.len);
}

uint64_t
groups_hash_user(
    const struct groups *gs, const struct group *g, struct text user)
{
	struct hash_seed seed = gs->seed;

	seed.k0 ^= g->number;
	return hash_short(seed, user.at, user.len);
}

uint64_t
groups_hash_client(const struct groups *gs, uint64_t gateway, uint64_t client)
{
	uint64_t words[2] = {gateway, client};

	return hash_short(gs->seed, words, sizeof(words));
}

/* --- finding --- */

struct group *
groups_find(const struct groups *gs, struct text id)
{
	struct index_link *at =
	    index_first(&gs->by_id, groups_hash_name(gs, id));

	for (; at != NULL; at = index_more(at)) {
		struct group *g = (struct group *)(void *)at;

		if (text_eq(g->id, id))
			return g;
	}
	return NULL;
}

struct member *
groups_member(const struct groups *gs, const struct group *g, struct text user)
{
	struct index_link *at =
	    index_first(&gs->by_user, groups_hash_user(gs, g, user));

	for (; at != NULL; at = index_more(at)) {
		struct member *m = (struct member *)(void *)at;

		if (m->group == g && text_eq(m->user, user))
			return m;
	}
	return NULL;
}

struct holder *
groups_holder(const struct groups *gs, struct endpoint e)
{
	struct index_link *at = index_first(
	    &gs->holders, groups_hash_client(gs, e.gateway, e.client));

	for (; at != NULL; at = index_more(at)) {
		struct holder *h = (struct holder *)(void *)at;

		if (h->gateway == e.gateway && h->client == e.client)
			return h;
	}
	return NULL;
}

uint32_t
groups_held(const struct groups *gs, struct endpoint e)
{
	const struct holder *h = groups_holder(gs, e);

	return h == NULL ? 0 : h->count;
}

void
groups_each(const struct groups *gs, bool (*visit)(void *ctx, struct group *),
    void *ctx)
{
	for (uint32_t i = 0; i < gs->by_id.size; i++) {
		struct index_link *at = gs->by_id.buckets[i];

		for (; at != NULL; at = at->next)
			if (!visit(ctx, (struct group *)(void *)at))
				return;
	}
}

struct person *
groups_person(const struct groups *gs, struct text user)
{
	struct index_link *at =
	    index_first(&gs->persons, groups_hash_name(gs, user));

	for (; at != NULL; at = index_more(at)) {
		struct person *p = (struct person *)(void *)at;

		if (text_eq(p->user, user))
			return p;
	}
	return NULL;
}

void
groups_each_own(const struct groups *gs, struct text user,
    bool (*visit)(void *ctx, struct member *), void *ctx)
{
	const struct person *p = groups_person(gs, user);
	struct member *m = p == NULL ? NULL : p->first;

	for (; m != NULL; m = m->next_own)
		if (!m->is_absent && !visit(ctx, m))
			return;
}

void
groups_each_public(const struct groups *gs,
    bool (*visit)(void *ctx, struct group *), void *ctx)
{
	for (struct group *g = gs->publics; g != NULL; g = g->next_public)
		if (!visit(ctx, g))
			return;
}
