// SPDX-License-Identifier: MIT
#ifndef WORKERS_MONITOR_ANALYSIS_H
#define WORKERS_MONITOR_ANALYSIS_H

/*
 * analysis - two looks at a component, and what is wrong in between.
 *
 * Pure: the figures and the time are the caller's.
 *
 * Trust:  figures are ours; a counter that fell belongs to a new life and
 *         counts as nothing.
 * Owner:  no memory.
 */

#include <stdbool.h>
#include <stdint.h>

/* B(name, recommendation): the bottlenecks there are; their order is told. */
#define BOTTLENECKS(B) \
	B(cpu, "more instances, or less work a call: it uses most of a core") \
	B(memory_growth, \
	    "watch `banyan debug`; if it goes on, restart it and report it") \
	B(disk_io, "a faster disk for state_dir, or less written at once") \
	B(network_latency, \
	    "`banyan nodes` and `banyan flow` show which node is slow") \
	B(queue_depth, "more workers or instances, or a limit for callers")

enum bottleneck {
#define B(name, recommendation) BOTTLENECK_##name,
	BOTTLENECKS(B)
#undef B
	BOTTLENECK_COUNT
};

const char *bottleneck_name(enum bottleneck);
const char *bottleneck_recommendation(enum bottleneck);

enum {
	ANALYSIS_CPU_PERCENT = 80, /* of one core, of each process */
	ANALYSIS_GROWTH_PERCENT = 10,
	ANALYSIS_SLOW_US = 100000, /* p95 of a write, of a node's answer;
				      waiting for disks in all */
	ANALYSIS_QUEUE_PERCENT = 50,
	ANALYSIS_PROCESSES = 16
};

/* One process of a component; the same one in two looks has one pid. */
struct process_look {
	uint32_t pid;
	uint64_t cpu_us;
	uint64_t io_wait_us;
	uint64_t read_bytes, written_bytes; /* of disks */
};

/* One look: sums over the component's processes, and the first of them. */
struct component_look {
	uint32_t processes;
	uint32_t listed;
	struct process_look process[ANALYSIS_PROCESSES];
	uint64_t cpu_us;
	uint64_t memory_bytes;
	uint64_t heap_bytes;
	uint64_t calls;      /* ever */
	uint64_t failed;     /* ever */
	uint64_t queue;      /* now */
	uint64_t queue_most; /* 0: it has none */
};

/* What came of two looks. */
struct analysis {
	uint64_t duration_us;
	double cpu_percent;     /* of one core, the mean of its processes */
	double hottest_percent; /* … the one that used most */
	uint64_t io_wait_us;    /* the one that waited longest */
	uint64_t read_bytes, written_bytes; /* all of them */
	double growth_percent;
	double queue_percent;
	double error_rate; /* 0 … 1 */
	uint64_t calls;
	uint64_t allocated_bytes; /* grown, at least 0 */
	uint64_t write_p95_us, network_p95_us;
	bool has[BOTTLENECK_COUNT];
	uint32_t bottlenecks;
	double score; /* 100 - 15 each - 100 × error_rate, at least 0 */
	const char *severity; /* low medium high critical */
};

struct analysis_times {
	uint64_t duration_us;
	uint64_t write_p95_us;   /* of the commits in between; 0: none */
	uint64_t network_p95_us; /* of the nodes' answers in between */
};

void analysis_make(const struct component_look *before,
    const struct component_look *after, const struct analysis_times *,
    struct analysis *);

/* analysis_p95 gives the upper edge of the bucket in which the 95th of 100
 * values that came between two looks at a histogram lies; 0: none came. */
uint64_t analysis_p95(const uint64_t *before, const uint64_t *after,
    uint32_t buckets, uint64_t (*top)(uint32_t bucket));

#endif /* WORKERS_MONITOR_ANALYSIS_H */
