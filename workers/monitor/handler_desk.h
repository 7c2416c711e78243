// SPDX-License-Identifier: MIT
#ifndef WORKERS_MONITOR_HANDLER_DESK_H
#define WORKERS_MONITOR_HANDLER_DESK_H

/*
 * handler_desk - calls the functions of `telemetry.handlers` in the pools of
 * this tree, over the link worker_pool has for gateways.
 *
 * Nobody waits for a handler: a batch is out until its answer, its error or
 * its deadline, and meanwhile the desk goes on.
 *
 * Trust:  what a handler answers is thrown away; what it fails with is text.
 * Owner:  open's is the telemetry desk's; close takes NULL and leaves NULL.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/telemetry.h"

struct handler_desk;
struct packer;
struct settings;
struct worker;

/* `changed` is called when what handlers want has become less. */
struct handler_desk *handler_desk_open(
    struct worker *, void (*changed)(void *ctx), void *ctx);
void handler_desk_close(struct handler_desk **);
void handler_desk_settings(struct handler_desk *, const struct settings *);

/* handler_desk_choice: the events they want. */
void handler_desk_choice(
    const struct handler_desk *, struct telemetry_choice *to);
bool handler_desk_is_idle(const struct handler_desk *); /* nobody wants any */

/* handler_desk_take: an event happened; `pack` packs its map. */
void handler_desk_take(struct handler_desk *, const struct event_record *,
    void (*pack)(struct packer *, void *ctx), void *ctx);

/* handler_desk_turn calls those whose batch is due. */
void handler_desk_turn(struct handler_desk *);

/* handler_desk_pack packs the list that `telemetry status` shows. */
void handler_desk_pack(const struct handler_desk *, struct packer *);

#endif /* WORKERS_MONITOR_HANDLER_DESK_H */
