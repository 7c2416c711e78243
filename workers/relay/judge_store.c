// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * Everything has a number that is never given twice, and the store is read in
 * the order of numbers. So four sorted lists are enough: what we have, what
 * changes, and what was read of groups, and of members.
 */

#include "workers/relay/judge_store.h"

#include <stdlib.h>

#include "protocol/base/memory.h"
#include "protocol/unpack.h"
#include "workers/relay/records.h"

struct numbers {
	uint64_t *at;
	uint32_t count;
	uint32_t room;
};

static void
add(struct numbers *n, uint64_t number)
{
	if (n->count == n->room) {
		n->room = n->room == 0 ? 256 : n->room * 2;
		n->at = memory_grow(n->at, n->room * sizeof(*n->at));
	}
	n->at[n->count++] = number;
}

static int
compare(const void *a, const void *b)
{
	const uint64_t *left = a, *right = b;

	return *left < *right ? -1 : *left > *right;
}

static void
sort(struct numbers *n)
{
	if (n->count > 0)
		qsort(n->at, n->count, sizeof(*n->at), compare);
}

static bool
has(const struct numbers *n, uint64_t number)
{
	return n->count > 0 &&
	    bsearch(&number, n->at, n->count, sizeof(number), compare) != NULL;
}

/* --- what we have, and what is on its way --- */

struct comparison {
	struct findings *findings;
	struct numbers have[SHELF_TABLES];
	struct numbers changing[SHELF_TABLES];
	struct numbers stored[SHELF_TABLES];
};

static bool
note_group(void *ctx, struct group *g)
{
	struct comparison *c = ctx;

	add(&c->have[SHELF_GROUPS], g->number);
	for (const struct member *m = g->first; m != NULL; m = m->next)
		add(&c->have[SHELF_MEMBERS], m->number);
	return true;
}

static void
note_change(void *ctx, uint32_t table, uint64_t number)
{
	struct comparison *c = ctx;

	if (table < SHELF_TABLES)
		add(&c->changing[table], number);
}

static void
find(struct comparison *c, enum finding_reason reason, struct text group,
    struct text user, struct endpoint at)
{
	findings_add(c->findings, reason, group, user, at);
	c->findings->of_store++;
}

/* --- what is stored --- */

static enum err
stored_group(struct comparison *c, uint64_t number, struct text bytes)
{
	const struct endpoint nowhere = {0};
	struct unpacker u;
	uint32_t count;
	struct text id;

	unpack_init(&u, bytes);
	if (unpack_array(&u, &count) != OK || count < 1 ||
	    unpack_text(&u, &id) != OK)
		return ERR_MALFORMED;
	add(&c->stored[SHELF_GROUPS], number);
	if (!has(&c->have[SHELF_GROUPS], number) &&
	    !has(&c->changing[SHELF_GROUPS], number))
		find(c, FINDING_deleted_but_stored, id, (struct text){.len = 0},
		    nowhere);
	return OK;
}

/* stored_member: the groups have been read before. */
static enum err
stored_member(struct comparison *c, uint64_t number, struct text bytes)
{
	const struct endpoint nowhere = {0};
	uint64_t group;
	struct unpacker u;
	uint32_t count;
	struct text user;

	unpack_init(&u, bytes);
	if (unpack_array(&u, &count) != OK || count < 2 ||
	    unpack_u64(&u, &group) != OK || unpack_text(&u, &user) != OK)
		return ERR_MALFORMED;
	add(&c->stored[SHELF_MEMBERS], number);
	if (has(&c->have[SHELF_MEMBERS], number) ||
	    has(&c->changing[SHELF_MEMBERS], number))
		return OK;
	find(c,
	    has(&c->stored[SHELF_GROUPS], group) ? FINDING_stored_only
						 : FINDING_stored_without_group,
	    (struct text){.len = 0}, user, nowhere);
	return OK;
}

static enum err
visit(void *ctx, uint32_t table, uint64_t number, struct text bytes)
{
	return table == SHELF_GROUPS ? stored_group(ctx, number, bytes)
				     : stored_member(ctx, number, bytes);
}

static bool
is_lost(const struct comparison *c, enum records_table table, uint64_t number)
{
	return !has(&c->stored[table], number) &&
	    !has(&c->changing[table], number);
}

static bool
look_for(void *ctx, struct group *g)
{
	const struct endpoint nowhere = {0};
	struct comparison *c = ctx;

	if (is_lost(c, SHELF_GROUPS, g->number))
		find(c, FINDING_group_not_stored, g->id,
		    (struct text){.len = 0}, nowhere);
	for (const struct member *m = g->first; m != NULL; m = m->next)
		if (is_lost(c, SHELF_MEMBERS, m->number))
			find(c, FINDING_member_not_stored, g->id, m->user,
			    m->at);
	return true;
}

enum err
judge_store(const struct groups *gs, struct shelf *shelf,
    const struct judge_pending *pending, struct findings *f)
{
	struct comparison c = {.findings = f};
	enum err e;

	groups_each(gs, note_group, &c);
	shelf_batch_each(pending->writing, note_change, &c);
	shelf_batch_each(pending->waiting, note_change, &c);
	for (int i = 0; i < SHELF_TABLES; i++) {
		sort(&c.have[i]);
		sort(&c.changing[i]);
	}
	e = shelf_read(shelf, visit, &c);
	if (e == OK)
		groups_each(gs, look_for, &c);
	for (int i = 0; i < SHELF_TABLES; i++) {
		memory_free(c.have[i].at);
		memory_free(c.changing[i].at);
		memory_free(c.stored[i].at);
	}
	return e;
}
