// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_BASE_PROC_H
#define PROTOCOL_BASE_PROC_H

/*
 * proc - what the kernel says of a process: memory, processor time, threads,
 * descriptors. One home for those who would each read /proc.
 *
 * The texts are parsed by pure functions (proc_parse_…); a reader opens the
 * file of a process and hands it to one. A pid may be gone, or another
 * process by now, whenever we look: readers say false or 0, nobody fails.
 *
 * Trust:  a process names itself in /proc/PID/stat, with any byte it likes;
 *         its name is skipped. All else is the kernel's.
 * Owner:  fills what the caller brings; keeps nothing.
 */

#include <stdbool.h>
#include <stdint.h>

enum {
	PROC_SELF = -1 /* instead of a pid: who asks. 0 is nobody */
};

/* Of /proc/PID/stat. */
struct proc_stat {
	char state; /* R S D T t Z …; Z has ended and is not reaped */
	int parent;
	uint32_t threads;
	uint64_t user_us; /* on a processor, in its own code */
	uint64_t system_us;
	uint64_t born_ticks; /* since boot; tells two lives of one pid apart */
	uint64_t io_wait_us; /* for disks; 0 unless the kernel counts delays
				(sysctl kernel.task_delayacct) */
};

/* Of /proc/PID/io: what went to and came from disks, not from memory. */
struct proc_io {
	uint64_t read_bytes;
	uint64_t written_bytes;
};

/* Of /proc/PID/statm. */
struct proc_memory {
	uint64_t rss_bytes;  /* in memory, shared pages counted whole */
	uint64_t data_bytes; /* data and stack, touched or not */
	uint64_t own_bytes;  /* of rss: what no other process can share */
	uint64_t code_bytes; /* the program's text */
};

/* Of /proc/PID/schedstat: the main thread's. */
struct proc_run {
	uint64_t cpu_ns;     /* on a processor, ever */
	uint64_t waiting_ns; /* runnable but not running, ever */
};

bool proc_stat(int pid, struct proc_stat *);

/* proc_run: false also where the kernel does not count it. */
bool proc_run(int pid, struct proc_run *);

bool proc_memory(int pid, struct proc_memory *);

/* proc_io: false where it is somebody else's, or not counted. */
bool proc_io(int pid, struct proc_io *);

/* proc_most: how many processes the system allows us. */
uint64_t proc_most(void);

/* proc_rss_bytes: the one figure of it that most want; 0: not known. */
uint64_t proc_rss_bytes(int pid);

/*
 * proc_pss_bytes: with its share of what it shares. The kernel walks all its
 * pages for this, some 0.1 to 1 ms: for who asks, not for every second.
 */
uint64_t proc_pss_bytes(int pid);

/* proc_descriptors counts those it has open; -1: it may not be looked at. */
int64_t proc_descriptors(int pid);

/* proc_descriptor_limit: how many it may open; 0: no limit, or not told. */
uint64_t proc_descriptor_limit(int pid);

/* The texts themselves, NUL-terminated; false leaves the result untouched. */
bool proc_parse_stat(
    const char *text, uint64_t ticks_per_second, struct proc_stat *);
bool proc_parse_run(const char *text, struct proc_run *);
bool proc_parse_io(const char *text, struct proc_io *);
bool proc_parse_statm(
    const char *text, uint64_t page_bytes, struct proc_memory *);
bool proc_parse_pss(const char *text, uint64_t *bytes); /* smaps_rollup */

#endif /* PROTOCOL_BASE_PROC_H */
