// SPDX-License-Identifier: MIT
#ifndef WORKERS_CONFIG_DB_SHOW_H
#define WORKERS_CONFIG_DB_SHOW_H

/*
 * show - the function table as operators read it.
 *
 * Trust:  reads what the gate let in.
 * Owner:  packs into the caller's packer; opens and ends its own transaction.
 */

#include "protocol/store_layout.h"

struct arena;
struct packer;

/* show_list packs an array of {service, request_type, version, source, state,
 * disabled, overridden, nodes, response_type, revision}. */
enum err show_list(
    struct store *, struct text service, struct packer *) MUST_USE;

/*
 * show_one packs a function whole, with `source`, `disabled` in force and
 * `revision`. Without a version it is the one a call without gets: the highest
 * enabled, else the unversioned one. ERR_NOT_FOUND.
 */
enum err show_one(
    struct store *, const struct store_names *, struct packer *) MUST_USE;

/*
 * show_samples packs {"TYPE - TYPE": {event, data}} for the greatest version
 * of every function that is not disabled: what a client could send.
 */
enum err show_samples(struct store *, struct text service, struct arena *,
    struct packer *) MUST_USE;

/* show_services packs [{service, functions}], in the order of names. */
enum err show_services(
    struct store *, struct arena *, struct packer *) MUST_USE;

#endif /* WORKERS_CONFIG_DB_SHOW_H */
