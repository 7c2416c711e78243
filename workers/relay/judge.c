// SPDX-License-Identifier: MIT
#include "workers/relay/judge.h"

#include "protocol/base/memory.h"

static const struct {
	const char *name;
	enum issue issue;
} reasons[] = {
#define R(name, issue) [FINDING_##name] = {#name, ISSUE_##issue},
    FINDING_REASONS(R)
#undef R
};

const char *
finding_reason_name(enum finding_reason reason)
{
	return reasons[reason].name;
}

enum issue
finding_issue(enum finding_reason reason)
{
	return reasons[reason].issue;
}

/* --- findings --- */

void
findings_init(struct findings *f)
{
	*f = (struct findings){.listed = 0};
	arena_init(&f->arena);
}

void
findings_finish(struct findings *f)
{
	arena_finish(&f->arena);
	memory_free(f->list);
	memory_free(f->ended);
	memory_free(f->empty);
	*f = (struct findings){.listed = 0};
}

void
findings_add(struct findings *f, enum finding_reason reason, struct text group,
    struct text user, struct endpoint at)
{
	f->counts[reasons[reason].issue]++;
	if (f->listed == FINDINGS_LISTED)
		return;
	if (f->list == NULL)
		f->list = memory_new(FINDINGS_LISTED * sizeof(*f->list));
	f->list[f->listed++] = (struct finding){
	    .reason = reason,
	    .group = arena_text(&f->arena, group),
	    .user = arena_text(&f->arena, user),
	    .at = at,
	};
}

/* add_stale lists a membership and remembers where it ends. */
static void
add_stale(struct findings *f, const struct member *m, enum finding_reason why,
    uint32_t channel)
{
	findings_add(f, why, m->group->id, m->user, m->at);
	if (f->ended_count == f->ended_room) {
		f->ended_room = f->ended_room == 0 ? 16 : f->ended_room * 2;
		f->ended =
		    memory_grow(f->ended, f->ended_room * sizeof(*f->ended));
	}
	f->ended[f->ended_count] = m->at;
	f->ended[f->ended_count++].channel = channel;
}

/* --- memberships --- */

/* One look at all memberships that count. */
struct look {
	struct findings *findings;
	uint64_t gateway;
	const struct roll *roll;
	enum gateway_word (*word_of)(void *ctx, uint64_t gateway);
	void *ctx;
};

static bool
look_at_roll(void *ctx, struct group *g)
{
	const struct look *look = ctx;

	for (const struct member *m = g->first; m != NULL; m = m->next) {
		if (m->is_absent || m->at.gateway != look->gateway)
			continue;
		if (!roll_has_client(look->roll, m->at.client))
			add_stale(look->findings, m, FINDING_client_gone, 0);
		else if (!roll_has(look->roll, m->at.client, m->at.channel))
			add_stale(look->findings, m, FINDING_channel_gone,
			    m->at.channel);
	}
	return true;
}

void
judge_roll(const struct groups *gs, uint64_t gateway, const struct roll *roll,
    struct findings *f)
{
	struct look look = {.findings = f, .gateway = gateway, .roll = roll};

	groups_each(gs, look_at_roll, &look);
}

static bool
look_at_gateways(void *ctx, struct group *g)
{
	const struct look *look = ctx;

	for (const struct member *m = g->first; m != NULL; m = m->next) {
		if (m->is_absent)
			continue;
		switch (look->word_of(look->ctx, m->at.gateway)) {
		case GATEWAY_SILENT:
			look->findings->unconfirmed++;
			break;
		case GATEWAY_NOBODY:
			add_stale(look->findings, m, FINDING_gateway_gone, 0);
			break;
		case GATEWAY_ANSWERED:
		default:
			break;
		}
	}
	return true;
}

void
judge_gateways(const struct groups *gs,
    enum gateway_word (*word_of)(void *ctx, uint64_t gateway), void *ctx,
    struct findings *f)
{
	struct look look = {.findings = f, .word_of = word_of, .ctx = ctx};

	groups_each(gs, look_at_gateways, &look);
}

/* --- groups --- */

void
judge_empty(const struct groups *gs, struct findings *f)
{
	const struct endpoint nowhere = {0};

	for (struct group *g = gs->quiet; g != NULL; g = g->next_quiet) {
		/* a mute that is kept with it must hold: it is not empty */
		if (g->member_count > 0 || g->absent_count > 0 || g->is_kept ||
		    gs->now.mono_ms - g->quiet_ms < gs->limits.grace_ms)
			continue;
		findings_add(
		    f, FINDING_empty, g->id, (struct text){.len = 0}, nowhere);
		if (f->empty_count == f->empty_room) {
			f->empty_room =
			    f->empty_room == 0 ? 16 : f->empty_room * 2;
			f->empty = memory_grow(
			    f->empty, f->empty_room * sizeof(struct group *));
		}
		f->empty[f->empty_count++] = g;
	}
}

void
judge_forget(struct findings *f)
{
	f->ended_count = 0;
	f->empty_count = 0;
}

void
judge_apply(struct groups *gs, struct findings *f, struct judged *ended)
{
	uint32_t before = gs->memberships, groups = gs->by_id.count;

	/* groups first: those that members leave empty now have their grace */
	for (uint32_t i = 0; i < f->empty_count; i++) {
		enum groups_word word = groups_remove(gs, f->empty[i]->id);

		INVARIANT(word == GROUPS_done);
	}
	for (uint32_t i = 0; i < f->ended_count; i++)
		groups_client_gone(gs, f->ended[i]);
	ended->memberships += before - gs->memberships;
	ended->groups += groups - gs->by_id.count;
	judge_forget(f);
}
