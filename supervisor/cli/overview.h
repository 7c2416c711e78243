// SPDX-License-Identifier: MIT
#ifndef SUPERVISOR_CLI_OVERVIEW_H
#define SUPERVISOR_CLI_OVERVIEW_H

/*
 * overview - one answer made of several of control's: the tree at a glance,
 * its processes, and those that do most.
 *
 * Pure: answers in, an answer out; asking is overview_ask.c's.
 *
 * Trust:  answers have passed pack_check; what is missing counts as zero.
 * Owner:  no memory; texts borrow the answers.
 */

#include "protocol/base/text.h"
#include "supervisor/cli/view.h"

struct packer;

enum {
	OVERVIEW_CHILDREN = 1024, /* shown of a tree, its runners included */
	OVERVIEW_DEATHS = 5
};

/* One process of `banyan tree`. */
struct overview_child {
	struct text type, state, reason;
	uint64_t instance, pid, memory_bytes, restarts;
	bool is_runner;
	struct text whole;
};

/* overview_children flattens a tree; gives how many there are. */
uint32_t overview_children(
    struct text tree, struct overview_child to[OVERVIEW_CHILDREN]);

/* An obituary `banyan why` told, and whose. */
struct overview_death {
	uint64_t wall_ms;
	struct text process, sentence;
};

struct overview {
	struct text tree, health;
	struct text before, after; /* two answers of `banyan stats` */
	struct overview_death deaths[OVERVIEW_DEATHS]; /* the newest first */
	uint32_t death_count;
};

/* overview_add_deaths keeps the newest of what `banyan why` told. */
void overview_add_deaths(struct overview *, struct arena *, struct text why);

void overview_pack(struct packer *, struct arena *, const struct overview *);
void overview_pack_processes(struct packer *, struct arena *, struct text tree);

/* What `banyan top` puts first. */
enum top_sort {
	TOP_MEMORY,
	TOP_CPU,
	TOP_TURNS,
	TOP_QUEUE,
	TOP_SORTS
};

/* top_sort_of gives TOP_SORTS for a word that is none. */
enum top_sort top_sort_of(const char *word);

/* top_pack: rates are between two answers of `banyan stats`. */
void top_pack(struct packer *, struct arena *, struct text before,
    struct text after, enum top_sort, uint64_t limit);

#endif /* SUPERVISOR_CLI_OVERVIEW_H */
