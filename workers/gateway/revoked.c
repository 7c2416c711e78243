// SPDX-License-Identifier: MIT
#include "workers/gateway/revoked.h"

#include "protocol/base/memory.h"
#include "workers/gateway/identity.h"

void
revoked_init(struct revoked *r)
{
	*r = (struct revoked){.all = NULL};
	arena_init(&r->arena);
}

void
revoked_finish(struct revoked *r)
{
	memory_free(r->all);
	arena_finish(&r->arena);
	*r = (struct revoked){.all = NULL};
}

/* compare orders tokens before users, each by name. */
static int
compare(const struct revocation *a, const struct revocation *b)
{
	if (a->is_token != b->is_token)
		return a->is_token ? -1 : 1;
	return text_compare(a->name, b->name);
}

enum err
revoked_add(struct revoked *r, const struct revocation *next)
{
	if (r->count > 0 && compare(&r->all[r->count - 1], next) >= 0)
		return ERR_RANGE;
	if (r->count == r->room) {
		r->room = r->room == 0 ? 16 : r->room * 2;
		r->all = memory_grow(r->all, r->room * sizeof(*r->all));
	}
	r->all[r->count] = *next;
	r->all[r->count++].name = arena_text(&r->arena, next->name);
	return OK;
}

static const struct revocation *
find(const struct revoked *r, struct text name, bool is_token)
{
	const struct revocation wanted = {.name = name, .is_token = is_token};
	uint32_t low = 0, high = r->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int order = compare(&r->all[middle], &wanted);

		if (order == 0)
			return &r->all[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

bool
revoked_has(const struct revoked *r, const struct identity *who)
{
	if (who->token_id.len > 0 && find(r, who->token_id, true) != NULL)
		return true;
	const struct revocation *user = find(r, who->user_id, false);
	return user != NULL && who->issued_ms <= user->at_ms;
}
