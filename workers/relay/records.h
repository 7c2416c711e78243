// SPDX-License-Identifier: MIT
#ifndef WORKERS_RELAY_RECORDS_H
#define WORKERS_RELAY_RECORDS_H

/*
 * records - a group and a membership as the bytes the shelf keeps.
 *
 * Trust:  what is read back has a right checksum and is still bounded; a
 *         record that makes no sense is ERR_MALFORMED.
 * Owner:  no memory.
 */

#include "protocol/shelf.h"
#include "workers/relay/groups.h"

enum records_table {
	SHELF_GROUPS,
	SHELF_MEMBERS,
	SHELF_TABLES
};

/* <state_dir>/relay, with its tables groups and members. */
extern const struct shelf_shape records_shape;

/* records_group and records_member add a change to a batch. */
enum err records_group(
    struct buffer *batch, const struct group *, bool is_gone) MUST_USE;
enum err records_member(
    struct buffer *batch, const struct member *, bool is_gone) MUST_USE;

/*
 * records_all adds every group and member to a batch: the whole table.
 */
enum err records_all(struct buffer *batch, const struct groups *) MUST_USE;

/* records_load fills an empty table from the shelf; groups_restored is the
 * caller's. */
enum err records_load(struct shelf *, struct groups *) MUST_USE;

#endif /* WORKERS_RELAY_RECORDS_H */
