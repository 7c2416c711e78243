// SPDX-License-Identifier: MIT
#ifndef WORKERS_RELAY_JUDGE_H
#define WORKERS_RELAY_JUDGE_H

/*
 * judge - what of the relay's memberships and groups is not true: held
 * against whom the gateways have (roll.h) and against what is stored.
 *
 * Pure: no socket, no clock. A roll is judged in the turn it arrives in: the
 * link keeps the order in which a gateway spoke, so every membership we have
 * from it was asked for before it took the roll, and who is not on the roll
 * has ended. A member that is just joining is on the roll, or not yet here.
 * What nobody answered for is counted, and called nothing.
 *
 * Trust:  ids and users are strangers', bounded by the worker.
 * Owner:  init/finish; texts are copies. `ended` and `empty` are for the turn
 *         of the judgement: judge_apply or judge_forget empties them.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/arena.h"
#include "protocol/base/text.h"
#include "workers/relay/groups.h"
#include "workers/relay/roll.h"

enum issue {
	ISSUE_STALE,    /* a membership whose member is gone */
	ISSUE_ORPHANED, /* a group without members */
	ISSUE_MISSING,  /* a group, or its member, that is not stored */
	ISSUES
};

/* R(name, issue): why something is listed. */
#define FINDING_REASONS(R) \
	R(client_gone, STALE)  /* its gateway does not have the client */ \
	R(channel_gone, STALE) /* … nor the channel that joined */ \
	R(gateway_gone, STALE) /* no gateway is behind it */ \
	R(stored_only, STALE)  /* it has ended, and is stored still */ \
	R(empty, ORPHANED)     /* nobody came back in its grace */ \
	R(deleted_but_stored, ORPHANED) /* it is gone, and stored still */ \
	R(group_not_stored, MISSING)    /* a restart would lose it */ \
	R(member_not_stored, MISSING) \
	R(stored_without_group, MISSING) /* a membership of no group */

enum finding_reason {
#define R(name, issue) FINDING_##name,
	FINDING_REASONS(R)
#undef R
};

const char *finding_reason_name(enum finding_reason);
enum issue finding_issue(enum finding_reason);

struct finding {
	enum finding_reason reason;
	struct text group;
	struct text user; /* len 0: it is about the group */
	struct endpoint at;
};

enum {
	FINDINGS_LISTED = 1000
};

struct findings {
	struct arena arena;
	struct finding *list;
	uint32_t listed; /* of all; the counts know the rest */
	uint32_t counts[ISSUES];
	uint32_t of_store;    /* of them: writing the store anew heals those */
	uint32_t unconfirmed; /* memberships nobody answered for */
	struct endpoint *ended;
	uint32_t ended_count, ended_room;
	struct group **empty;
	uint32_t empty_count, empty_room;
};

void findings_init(struct findings *);
void findings_finish(struct findings *);

void findings_add(struct findings *, enum finding_reason, struct text group,
    struct text user, struct endpoint);

/* judge_roll: memberships of one gateway against its roll. */
void judge_roll(const struct groups *, uint64_t gateway, const struct roll *,
    struct findings *);

/* What is known of a gateway that memberships are on. */
enum gateway_word {
	GATEWAY_ANSWERED, /* judge_roll has judged them */
	GATEWAY_SILENT,   /* it did not answer, or is awaited */
	GATEWAY_NOBODY    /* none such attaches any more */
};

/* judge_gateways: memberships of those that no roll came from. */
void judge_gateways(const struct groups *,
    enum gateway_word (*word_of)(void *ctx, uint64_t gateway), void *ctx,
    struct findings *);

/* judge_empty: groups that have been empty for longer than their last active
 * member has to come back (groups_limits.grace_ms). */
void judge_empty(const struct groups *, struct findings *);

struct judged {
	uint32_t memberships;
	uint32_t groups;
};

/* judge_apply ends what was just judged, in the turn of the judgement;
 * judge_forget leaves it. */
void judge_apply(struct groups *, struct findings *, struct judged *ended);
void judge_forget(struct findings *);

#endif /* WORKERS_RELAY_JUDGE_H */
