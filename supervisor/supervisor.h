// SPDX-License-Identifier: MIT
#ifndef SUPERVISOR_SUPERVISOR_H
#define SUPERVISOR_SUPERVISOR_H

/*
 * supervisor - the one state of the supervisor process, and what its parts
 * (children, orders, reload, status) do with it.
 *
 * It knows the table of workers and the settings; nothing of what a worker
 * does. No nng, no msgpack of strangers, no YAML.
 *
 * Trust:  children's records are of fixed size, checked by handover.h; settings
 *         come validated in a sealed memfd.
 * Owner:  main.c's static; everything inside lives until exit.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/loop.h"
#include "protocol/events.h"
#include "protocol/handover.h"
#include "protocol/settings.h"
#include "protocol/stats.h"
#include "protocol/stats_tree.h"
#include "supervisor/canary.h"
#include "supervisor/engine/keeper.h"
#include "supervisor/engine/obituary.h"
#include "supervisor/engine/recycle.h"
#include "supervisor/reader.h"

enum {
	ORDERS_MOST = 64, /* open at once; control asks no more */
	ORDER_WAIT_MS = 20000,
	RELOAD_WAIT_MS = 5000, /* for the workers' answers */
};

/* An order that is answered when its target got there. */
struct open_order {
	uint64_t id;
	uint64_t from_life; /* control's: a later one does not know of it */
	enum order what;    /* 0: unused */
	uint32_t role, instance;
	uint64_t lives[17]; /* per instance: restart wants a newer life */
	uint64_t give_up_ms;
};

struct reload {
	struct reader reader;
	struct loop_watch channel, pidfd;
	struct loop_timer timer;
	bool is_reading;
	bool is_collecting;
	uint64_t order_id; /* 0: nobody asked by order (HUP) */
	uint64_t order_life;
	uint64_t waiting; /* bit per child that has not answered */
	uint32_t applied, unchanged, restarts; /* answers by kind */
	int settings_fd;                       /* the new one */
};

struct supervisor {
	struct loop *loop;
	struct keeper keeper;
	struct stats stats;
	struct events events;
	struct stats_slot *slot;
	struct settings *settings;
	struct settings *began; /* those this life of ours began with */
	uint32_t given; /* bit per enum handover_fd; a hole may be any later
			   descriptor of ours */
	int settings_fd;
	uint64_t generation;
	uint64_t life;

	const char *runtime_dir, *state_dir, *libexec_dir, *file, *overrides;
	char obituaries[512];
	uint64_t numbers[TREE_MOST]; /* of the next obituary, per child */
	struct recycle recycles[STATS_SLOTS]; /* by slot */
	struct mourned *mourned;              /* this turn, in order */
	struct child *control;

	struct loop_watch guard;
	struct loop_timer tick;
	struct loop_hook hook;
	bool is_orphan; /* the guard is gone: we go on serving */
	bool was_ready, is_stopping, is_degraded, is_in_storm;
	bool is_remade; /* segments were remade because a child wanted it */
	uint64_t storm_waits, gaps, refused; /* as last told */
	uint64_t notified_ms;
	int exit_code;
	bool wants_shutdown, wants_restart, wants_segments; /* in the hook */

	struct open_order orders[ORDERS_MOST];
	struct reload reload;
	struct canary canary;
};

/* ---- policy.c: what the settings say about the tree ---- */
void policy_read(const struct supervisor *, struct policy *);
void policy_root(const struct supervisor *, struct group_spec *);
void policy_apply(struct supervisor *); /* live keys, after a reload */

/* ---- children.c ---- */
void children_create(struct supervisor *);
void children_publish(struct supervisor *, struct child *, const char *reason);

/* ---- mourning.c: what of a death can wait until the next life has begun ----
 */
void mourning_note(
    struct supervisor *, const struct obituary *, bool was_asked);
void mourning_look(struct supervisor *); /* once a turn, and at the end */

/* ---- orders.c ---- */
void orders_take(struct supervisor *, const struct handover_record *);
void orders_look(struct supervisor *); /* answers what is done or too late */
void orders_answer(struct supervisor *, uint64_t id, uint64_t life, enum err,
    const char *text);

/* ---- reload.c ---- */
void reload_start(struct supervisor *, uint64_t order_id);
void reload_answered(
    struct supervisor *, struct child *, const struct handover_record *);
void reload_look(struct supervisor *); /* a child that died cannot answer */
bool reload_is_running(const struct supervisor *);

/* ---- recycling.c: who is replaced though it is well (R26) ---- */
void recycling_look(struct supervisor *);

/* ---- status.c: the guard, systemd, endpoints.json, the shared flags ---- */
void status_look(struct supervisor *); /* once a turn */
void status_notify(struct supervisor *, const char *fmt, ...) PRINTF(2, 3);
void status_stopping(struct supervisor *);

/* supervisor_shutdown drains (or not) and ends the process when all are down.
 */
void supervisor_shutdown(struct supervisor *, bool fast, int exit_code);

#endif /* SUPERVISOR_SUPERVISOR_H */
