// SPDX-License-Identifier: MIT
#ifndef WORKERS_RELAY_GROUPS_H
#define WORKERS_RELAY_GROUPS_H

/*
 * groups - who is in which group, what each may do there, and what becomes of
 * a group whose people leave. The rules are README.md's, in code once.
 *
 * Pure: no socket, no clock, no disk. Time is an argument; what changed is
 * told to a watch, who writes it down and counts it.
 *
 * Trust:  ids and users come from strangers, bounded by the caller; hashes
 *         are keyed, numbers of groups and members limited.
 * Owner:  groups_create_table/destroy; groups and members are the table's and
 *         are gone after the watch heard so.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/text.h"
#include "protocol/hash.h"
#include "workers/relay/index.h"
#include "workers/relay/subscription.h"

/*
 * GROUPS_WORDS(W): every way an operation can end.
 * W(name, code, text): `code` is one of the gateway's answer codes, `text`
 * what the client reads.
 */
#define GROUPS_WORDS(W) \
	W(done, internal, "done") \
	W(not_found, not_found, "Group not found") \
	W(not_a_member, denied, "Not a member of this group") \
	W(is_pending, denied, "Pending membership: wait for acceptance") \
	W(is_muted, denied, "You are muted and cannot send messages") \
	W(already_exists, invalid_argument, \
	    "already_exists: there is a group of this id") \
	W(already_member, invalid_argument, \
	    "already_member: the user is in this group") \
	W(user_not_in_group, not_found, \
	    "user_not_in_group: the user is not in this group") \
	W(not_admin, denied, \
	    "not_admin: only who may decide here can do this") \
	W(user_not_pending, invalid_argument, \
	    "user_not_pending: the user does not wait for acceptance") \
	W(not_strict_private, invalid_argument, \
	    "not_strict_private: only strict_private groups mute") \
	W(cannot_mute, invalid_argument, \
	    "cannot_mute: the user is not active in this group") \
	W(not_muted, invalid_argument, "not_muted: the user is not muted") \
	W(too_many_groups, unavailable, \
	    "too_many_groups: no room for another group") \
	W(too_many_members, unavailable, \
	    "too_many_members: the group is full") \
	W(too_many_memberships, denied, \
	    "too_many_memberships: the client is in too many groups")

enum groups_word {
#define W(name, ...) GROUPS_##name,
	GROUPS_WORDS(W)
#undef W
};

const char *groups_word_name(enum groups_word);
const char *groups_word_code(enum groups_word);
const char *groups_word_text(enum groups_word);

enum group_type {
	GROUP_PUBLIC,
	GROUP_PRIVATE,
	GROUP_STRICT_PRIVATE
};

enum member_status {
	MEMBER_ACTIVE,
	MEMBER_PENDING,
	MEMBER_MUTED
};

const char *group_type_name(enum group_type);
bool group_type_by_name(struct text, enum group_type *);
const char *member_status_name(enum member_status);

/* Where a member gets messages: the channel that joined. */
struct endpoint {
	uint64_t gateway; /* one life of one gateway */
	uint64_t client;
	uint32_t channel;
};

struct group;
struct holder; /* all memberships of one client */
struct person; /* all memberships of one user, absent ones too */

struct member {
	struct index_link link;
	struct group *group;
	struct member *next, **back; /* of the group, in order of joining */
	struct holder *holder;       /* NULL: absent */
	struct member *next_held, **back_held;
	struct person *person;
	struct member *next_own, **back_own;
	struct endpoint at;
	uint64_t number;    /* 1, 2, 3 …: its name in the store */
	uint64_t joined_ms; /* wall */
	enum member_status status;
	bool is_admin;
	bool was_muted; /* pending: acceptance makes it muted */
	bool is_absent; /* left while muted: kept so that the mute holds */
	struct text user;
};

struct group {
	struct index_link link;
	struct group *next_quiet, **back_quiet;
	struct group *next_public, **back_public;
	uint64_t number;
	uint64_t created_ms; /* wall */
	uint64_t quiet_ms;   /* monotonic: since when nobody is active */
	uint64_t revision;   /* changes with who gets messages, and where */
	struct member *first, **end;
	uint32_t member_count; /* all but the absent */
	uint32_t active_count;
	uint32_t muted_count;
	uint32_t admin_count; /* active ones */
	uint32_t absent_count;
	enum group_type type;
	bool is_quiet;
	bool is_kept; /* an operator's: never deleted for being empty */
	char *heir;   /* comes back as an admin while nobody is active */
	uint32_t heir_bytes;
	struct subscription health;
	void *ctx; /* the watch's own */
	struct text id;
};

/* What happened, for people and counters. */
enum groups_news {
	NEWS_group_create,
	NEWS_group_delete,
	NEWS_member_join,
	NEWS_member_leave,
	NEWS_member_accept,
	NEWS_member_mute,
	NEWS_member_unmute,
	NEWS_member_down,
	NEWS_member_promote
};

struct groups_watch {
	/* to be written down; `is_gone`: for the last time */
	void (*group)(void *ctx, struct group *, bool is_gone);
	void (*member)(void *ctx, struct member *, bool is_gone);
	void (*news)(void *ctx, enum groups_news, const struct group *,
	    const struct member *);
	void *ctx;
};

struct groups_limits {
	uint32_t groups;      /* in all */
	uint32_t members;     /* of one group */
	uint32_t memberships; /* of one client */
	uint64_t grace_ms;    /* a group without active members waits */
	uint64_t empty_ms;    /* an empty group is kept; 0: for ever */
};

struct groups_now {
	uint64_t mono_ms;
	uint64_t wall_ms;
};

struct groups {
	struct groups_limits limits;
	struct groups_watch watch;
	struct groups_now now; /* of the operation under way */
	struct hash_seed seed;
	struct index by_id;
	struct index by_user;
	struct index holders;
	struct index persons;
	struct group *quiet;
	struct group *publics; /* newest first */
	uint64_t last_group;
	uint64_t last_member;
	uint32_t memberships; /* present ones */
};

/* Whoever acts. */
struct actor {
	struct text user;
	struct endpoint at;
};

void groups_create_table(struct groups **, const struct groups_limits *,
    const struct groups_watch *, struct hash_seed);
void groups_destroy_table(struct groups **); /* tells nobody */

/* groups_at says what time it is for the operations that follow. */
void groups_at(struct groups *, struct groups_now);

/* --- what clients ask --- */

enum groups_word groups_create(
    struct groups *, struct text id, enum group_type, const struct actor *);
enum groups_word groups_delete(
    struct groups *, struct text id, struct text user);
enum groups_word groups_join(struct groups *, struct text id,
    const struct actor *, enum member_status *became);
enum groups_word groups_leave(
    struct groups *, struct text id, struct text user);
enum groups_word groups_accept(struct groups *, struct text id,
    struct text user, struct text target, enum member_status *became);
enum groups_word groups_mute(
    struct groups *, struct text id, struct text user, struct text target);
enum groups_word groups_unmute(
    struct groups *, struct text id, struct text user, struct text target);

/* groups_may_send gives the group; its receivers are active + muted. */
enum groups_word groups_may_send(
    const struct groups *, struct text id, struct text user, struct group **);

/* groups_may_see: anybody a public group, its members the others. */
enum groups_word groups_may_see(
    const struct groups *, struct text id, struct text user, struct group **);

/* group_receives: whether messages of its group reach the member. */
bool group_receives(const struct member *);

/* --- what operators ask --- */

enum groups_word groups_keep(
    struct groups *, struct text id, enum group_type, struct text heir);
enum groups_word groups_remove(struct groups *, struct text id);
enum groups_word groups_kick(struct groups *, struct text id, struct text user);

/* --- what happens to sockets --- */

/* groups_client_gone: `channel` 0 means all of them. */
void groups_client_gone(struct groups *, struct endpoint);

/* groups_gateway_left ends memberships of a gateway's life, except those of
 * clients and channels for which `stays` (may be NULL) says so; asked with
 * `channel` 0 it is the whole client's stay. */
void groups_gateway_left(struct groups *, uint64_t gateway,
    bool (*stays)(void *ctx, struct endpoint), void *ctx);

/* groups_note_gateway tells the health of the groups for whose receivers the
 * gateway was the way, before its memberships end. */
void groups_note_gateway(struct groups *, uint64_t gateway,
    enum subscription_event, const char *error);

/* groups_note_client tells the health of the groups in which the client (or
 * its channel, if not 0) receives, before its memberships end. */
void groups_note_client(struct groups *, struct endpoint,
    enum subscription_event, const char *error);

/* groups_tick lets time act: who waits in a group nobody leads any more, and
 * groups that have been empty for long. */
void groups_tick(struct groups *);

/* --- looking --- */

struct group *groups_find(const struct groups *, struct text id);
struct member *groups_member(
    const struct groups *, const struct group *, struct text user);
/* groups_each visits all groups, in no order; `visit` may not change them. */
void groups_each(
    const struct groups *, bool (*visit)(void *ctx, struct group *), void *ctx);

/* groups_each_own visits what a user is a member of, groups_each_public the
 * public groups, newest first; both end when `visit` says false. */
void groups_each_own(const struct groups *, struct text user,
    bool (*visit)(void *ctx, struct member *), void *ctx);
void groups_each_public(
    const struct groups *, bool (*visit)(void *ctx, struct group *), void *ctx);

/* --- from the store, before anything else --- */

struct group *groups_restore_group(struct groups *, uint64_t number,
    struct text id, enum group_type, struct text heir);

/* A member as the store has it. */
struct member_record {
	uint64_t number;
	uint64_t joined_ms;
	struct actor who;
	enum member_status status;
	bool is_admin;
	bool was_muted;
	bool is_absent;
};
void groups_restore_member(
    struct groups *, struct group *, const struct member_record *);

/* groups_restored ends it: counts are right, quiet groups are found. */
void groups_restored(struct groups *);
void groups_settle_restored(struct groups *, struct group *); /* one */

/* groups_drop_restored forgets a group; nobody is told. */
void groups_drop_restored(struct groups *, struct group *);

#endif /* WORKERS_RELAY_GROUPS_H */
