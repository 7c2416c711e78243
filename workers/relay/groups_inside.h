// SPDX-License-Identifier: MIT
#ifndef WORKERS_RELAY_GROUPS_INSIDE_H
#define WORKERS_RELAY_GROUPS_INSIDE_H

/*
 * groups_inside - what groups.c (who may do what) and groups_table.c (what is
 * kept, counted and told) share; for nobody else.
 *
 * Trust:  ids and users are bounded by the worker.
 * Owner:  groups_table.c.
 */

#include "workers/relay/groups.h"

struct holder {
	struct index_link link;
	uint64_t gateway;
	uint64_t client;
	struct member *first;
	uint32_t count;
};

struct person {
	struct index_link link;
	struct member *first;
	struct text user; /* the bytes follow */
};

/* groups_found makes a group without members. */
struct group *groups_found(
    struct groups *, struct text id, enum group_type, struct text heir);

/* groups_dissolve ends all its memberships and the group. */
void groups_dissolve(struct groups *, struct group *);

/* groups_enter makes a member; groups_withdraw ends a membership (a muted
 * one stays as absent); groups_erase forgets one that is absent. */
struct member *groups_enter(struct groups *, struct group *,
    const struct actor *, enum member_status, bool is_admin);
void groups_withdraw(struct groups *, struct member *, enum groups_news);
void groups_erase(struct groups *, struct member *);

/* groups_set_status and groups_move change a member and tell the watch. */
void groups_set_status(struct groups *, struct member *, enum member_status);
void groups_move(struct groups *, struct member *, struct endpoint);

/* groups_settle finds a leader for a group that has lost its last one. */
void groups_settle(struct groups *, struct group *);

void groups_tell(
    struct groups *, enum groups_news, struct group *, struct member *);

uint64_t groups_hash_user(
    const struct groups *, const struct group *, struct text user);
uint64_t groups_hash_client(
    const struct groups *, uint64_t gateway, uint64_t client);
uint64_t groups_hash_name(const struct groups *, struct text name);
struct person *groups_person(const struct groups *, struct text user);
struct holder *groups_holder(const struct groups *, struct endpoint);
uint32_t groups_held(const struct groups *, struct endpoint);

#endif /* WORKERS_RELAY_GROUPS_INSIDE_H */
