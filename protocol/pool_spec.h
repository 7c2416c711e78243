// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_POOL_SPEC_H
#define PROTOCOL_POOL_SPEC_H

/*
 * pool_spec - one item of pools.list: what a pool of runners is.
 *
 * The settings program and worker_pool read the same bytes with the same
 * code: what passed the first is never refused by the second. Reading goes on
 * after a wrong value, so that one look shows all that is wrong. Pure: knows
 * no processes, asks no system.
 *
 * Trust:  the map comes from the operator's file, bounded by settings_yaml.
 * Owner:  texts borrow the map they were read from; lists are the arena's.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/base/arena.h"
#include "protocol/base/err.h"
#include "protocol/base/text.h"

enum {
	POOLS_MOST = 32,      /* pools */
	POOLS_RUNNERS = 1000, /* of all pools together */
	POOL_NAME_BYTES = 32,
	POOL_SPEC_PROBLEMS = 500, /* kept; the rest is counted */
	POOL_SPEC_WARNING = 160,
};

enum pool_profile {
	POOL_PROCESS, /* many runners, one call each */
	POOL_THREAD,  /* few runners, threads_per_worker calls each */
};

enum pool_strategy {
	POOL_BY_POOL,    /* as many calls as the runner has room for */
	POOL_BY_PROFILE, /* one call, whatever it has */
	POOL_BY_HYBRID,  /* as by pool; the capacity events are the point */
};

enum pool_affinity {
	POOL_HINT,
	POOL_STRICT_QUEUE,
	POOL_STRICT_FAIL_FAST,
};

enum pool_adapter {
	POOL_NATIVE,
	POOL_PYTHON,
	POOL_PROGRAM,
};

enum pool_retry {
	POOL_RETRY_IDEMPOTENT,
	POOL_RETRY_ALWAYS, /* the same: a call that must run once does */
	POOL_RETRY_NEVER,
};

struct pool_texts {
	struct text *at;
	uint32_t count;
};

struct pool_numbers {
	uint64_t *at;
	uint32_t count;
};

struct heartbeat_spec {
	bool enabled;
	uint64_t ping_interval_ms;
	uint64_t timeout_ms;
	uint64_t max_missed_heartbeats;
	uint64_t initial_delay_ms;
	bool dependent; /* false: a failure is only said */
};

struct crash_barrier_spec {
	bool enabled;
	struct pool_texts mark_on; /* words of enum crash_class */
	struct pool_numbers exit_codes;
	uint64_t taint_ms;
	uint32_t retry; /* enum pool_retry */
	uint64_t max_restarts;
	struct pool_numbers backoff_ms; /* at least one */
};

struct pool_spec {
	struct text name;
	uint32_t worker_profile; /* enum pool_profile */
	uint64_t pool_size;      /* to be started; never above max_workers */
	uint64_t asked_size;     /* what the file says; above pool_size: warn */
	uint64_t max_workers;
	uint64_t threads_per_worker; /* 1 for the process profile */
	bool thread_safety_checks;
	uint64_t startup_batch_size;
	uint64_t startup_batch_delay_ms;
	uint64_t min_ready;
	uint32_t capacity_strategy;   /* enum pool_strategy */
	uint32_t affinity;            /* enum pool_affinity */
	uint64_t worker_ttl;          /* ms; 0: infinity */
	uint64_t worker_max_requests; /* 0: infinity */
	uint64_t memory_threshold_mb; /* 0: off */
	uint64_t memory_bytes;        /* 0: no limit */
	uint32_t adapter;             /* enum pool_adapter */
	struct text plugin_dir;
	struct pool_texts modules;
	struct text python_path;
	struct pool_texts program;
	struct pool_texts adapter_args;
	struct pool_texts adapter_env; /* NAME=value */
	uint64_t max_queue_size;
	uint64_t queue_timeout_ms;
	uint64_t circuit_breaker_threshold; /* 0: 5 a runner, 10 the pool */
	uint64_t circuit_breaker_cooldown_ms;
	struct heartbeat_spec heartbeat;
	struct crash_barrier_spec crash_barrier;
};

/* What holds where an item says nothing. */
struct pool_defaults {
	uint32_t processors;
	uint64_t max_queue_size;   /* pools.max_queue_size */
	uint64_t queue_timeout_ms; /* pools.queue_timeout_ms */
};

/* One thing wrong with an item. */
struct pool_problem {
	const char *of;    /* "" or "heartbeat": the map that has the key */
	struct text key;   /* which key; may be absent from the item */
	const char *error; /* "invalid_pool_size" */
	struct text text;  /* what is wrong and what would be right; the
			      arena's, short and without control bytes */
};

struct pool_problems {
	uint32_t count; /* of all; the first POOL_SPEC_PROBLEMS are kept */
	struct pool_problem at[POOL_SPEC_PROBLEMS];
};

/*
 * pool_spec_read fills `spec` from a span that is a map. Each wrong value is
 * one problem; with none the spec may be used. ERR_TYPE: it is no map.
 */
enum err pool_spec_read(struct text span, const struct pool_defaults *,
    struct arena *, struct pool_spec *, struct pool_problems *) MUST_USE;

/*
 * pool_specs_read reads a whole list that has passed the settings program; an
 * empty one gives one pool `default`. Gives NULL when an item is wrong.
 */
struct pool_spec *pool_specs_read(struct text list,
    const struct pool_defaults *, struct arena *, uint32_t *count);

/* pool_spec_capacity: calls that one runner has at once under its strategy. */
uint32_t pool_spec_capacity(const struct pool_spec *);

/*
 * pool_spec_warning writes the `index`th thing worth saying about a spec that
 * is right; false: there is no more. A size above max_workers has two.
 */
bool pool_spec_warning(
    const struct pool_spec *, uint32_t index, char to[POOL_SPEC_WARNING]);

/* The words of the file: "process", "hint", … */
const char *pool_profile_word(uint32_t profile);
const char *pool_strategy_word(uint32_t strategy);
const char *pool_affinity_word(uint32_t affinity);
const char *pool_adapter_word(uint32_t adapter);

#endif /* PROTOCOL_POOL_SPEC_H */
