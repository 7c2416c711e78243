// SPDX-License-Identifier: MIT
#ifndef SUPERVISOR_CLI_SCALING_H
#define SUPERVISOR_CLI_SCALING_H

/*
 * scaling - `banyan diagnose scaling`: seven tests of how many workers this
 * machine and this tree could have, and what would break first.
 *
 * Measuring and judging are apart: scaling_tell_* only judge figures they are
 * given, so that a test can make up a machine. No test ends the others.
 *
 * Trust:  figures come from /proc and from our own tree.
 * Owner:  all is in the arena the run was begun with.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/arena.h"
#include "protocol/pack.h"

enum {
	SCALING_TESTS = 7,
	SCALING_CYCLES = 110, /* of test 3 */
	SCALING_SPAWNS = 110, /* of test 4 */
	SCALING_SIZES = 4,    /* of test 6 */
	SCALING_REASON = 160,
};

enum scaling_level {
	SCALING_OK,
	SCALING_INFO, /* a hint */
	SCALING_WARNING,
	SCALING_CRITICAL,
	SCALING_FAILED, /* it could not be measured */
	SCALING_SKIPPED,
};

struct scaling_line;
struct scaling_figure;

struct scaling_test {
	const char *name;
	const char *title;
	enum scaling_level level; /* the worst that was noted */
	struct scaling_line *first, *last;
	struct scaling_figure *figures, *last_figure;
};

struct scaling {
	struct arena *arena;
	uint32_t count;
	struct scaling_test tests[SCALING_TESTS];
};

void scaling_init(struct scaling *, struct arena *);

/* scaling_begin opens the next test; what is said then belongs to it. */
void scaling_begin(struct scaling *, const char *name, const char *title);
void scaling_say(struct scaling *, const char *fmt, ...) PRINTF(2, 3);
void scaling_note(struct scaling *, enum scaling_level, const char *fmt, ...)
    PRINTF(3, 4);

/* A figure: in the JSON under `key`, on the page as `label: shown`. */
void scaling_figure(struct scaling *, const char *key, const char *label,
    double value, const char *fmt, ...) PRINTF(5, 6);

/* scaling_pack writes {status, tests: […]}; the page is made from it. */
void scaling_pack(const struct scaling *, struct packer *);
const char *scaling_word(enum scaling_level);

/* scaling_number: 999, 1.5K, 2.00M. */
const char *scaling_number(struct arena *, uint64_t);

/* ---- judging: scaling_tell.c --------------------------------------------- */

/* Something there is a limit of. */
struct scaling_limit {
	uint64_t limit; /* descriptors, or processes: so are all here */
	uint64_t used;
	uint64_t workers;  /* that use it now */
	double per_worker; /* what one more will use */
	uint64_t own;      /* of `used`, ours; processes only */
};

struct scaling_cycles {
	uint32_t done, failed;
	double total_s;
	double avg_ms, min_ms, max_ms;
	uint64_t table_size;
	char reason[SCALING_REASON]; /* of the first failure */
};

struct scaling_spawns {
	uint32_t done, failed;
	double total_s;
};

struct scaling_sockets {
	bool is_known;
	const char *listener; /* the gateways' address */
	uint64_t established;
	uint64_t listening; /* of this machine */
	uint64_t workers;
};

/* One real worker, started and stopped at a size. */
struct scaling_start {
	uint32_t workers;
	bool is_started;
	double took_ms;
	int64_t descriptors, processes, sockets;
	double memory_mb;
	char reason[SCALING_REASON];
};

struct scaling_breaking {
	struct scaling_start starts[SCALING_SIZES];
	uint32_t count;
	struct scaling_limit descriptors, processes;
};

/* Each fills the test that was begun last. `pools`: pools.inspect --full. */
void scaling_tell_pools(struct scaling *, struct text pools);
void scaling_tell_descriptors(struct scaling *, const struct scaling_limit *);
void scaling_tell_processes(struct scaling *, const struct scaling_limit *);
void scaling_tell_cycles(struct scaling *, const struct scaling_cycles *);
void scaling_tell_spawns(struct scaling *, const struct scaling_spawns *);
void scaling_tell_sockets(struct scaling *, const struct scaling_sockets *);
void scaling_tell_breaking(struct scaling *, const struct scaling_breaking *);

/* ---- measuring: scaling_proc.c, scaling_spawn.c, scaling_cycle.c ----------
 */

/* scaling_descriptors, _processes: of process `pid` and its children. */
bool scaling_descriptors(int pid, struct scaling_limit *);
bool scaling_processes(int pid, struct scaling_limit *);
bool scaling_sockets(struct scaling_sockets *);

void scaling_spawn_many(struct scaling_spawns *);
void scaling_start_one(const char *program, struct scaling_start *);

struct cli;
void scaling_cycle(struct cli *, struct scaling_cycles *);

#endif /* SUPERVISOR_CLI_SCALING_H */
