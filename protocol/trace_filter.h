// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_TRACE_FILTER_H
#define PROTOCOL_TRACE_FILTER_H

/*
 * trace_filter - what a trace looks for: a user, a function, a request, a
 * process; with its flags and its limits. Read from an operator's words,
 * compared with a call, packed for shared memory.
 *
 * Pure: knows no clock, no process, no segment.
 *
 * Trust:  words come from operators, packed filters from shared memory;
 *         both are checked and bounded. What they are compared with comes
 *         from strangers and is only compared.
 * Owner:  no memory; texts of a filter borrow what it was read from.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/err.h"
#include "protocol/base/text.h"
#include "protocol/role.h"
#include "protocol/trace_counts.h"

enum {
	TRACE_KEY_BYTES = 128, /* of one name of a filter */
	TRACE_FILTERS = 48,    /* traces and tracer keys in force at once */
	TRACE_ANY_ARITY = -1,
	TRACE_PACKED_BYTES = 52 + 2 * TRACE_KEY_BYTES /* of one, at most */
};

/* F(name, bit, default, what it means here) */
#define TRACE_FLAGS(F) \
	F(call, 0, true, "hops on the way in: from decode to the node") \
	F(return_to, 1, true, \
	    "hops on the way back: the node's answer, encode, write") \
	F(return_trace, 2, false, \
	    "the end also tells the answer's code and size") \
	F(procs, 3, true, \
	    "processes: start, end and death; hops in pools and runners") \
	F(ports, 4, false, "sockets: clients cut, links to nodes") \
	F(timestamp, 5, false, "`tail` and `show` tell the time of day") \
	F(cpu_timestamp, 6, false, \
	    "each hop has the processor time its process had used") \
	F(arity, 7, false, "the number of arguments, not the arguments") \
	F(silent, 8, false, "count matching calls, record nothing")

#define F(name, bit, ...) TRACE_FLAG_##name = 1 << (bit),
enum trace_flag {
	TRACE_FLAGS(F) TRACE_FLAGS_END
};
#undef F

enum trace_kind {
	TRACE_USER,     /* key: user id */
	TRACE_FUNCTION, /* key, key2: service, request type */
	TRACE_TARGET,   /* key, key2: module, function; and the arity */
	TRACE_TYPE,     /* key: request type of any service (tracer) */
	TRACE_REQUEST,  /* key: request id */
	TRACE_PROCESS,  /* who */
	TRACE_KINDS
};

/* Which processes a target of processes means. T(word, what, when, help) */
#define TRACE_TARGETS(T) \
	T("all", EVERYTHING, ALWAYS, "processes and sockets") \
	T("processes", PROCESSES, ALWAYS, "every process of the tree") \
	T("ports", PORTS, ALWAYS, "sockets of clients and links to nodes") \
	T("existing", EVERYTHING, EXISTING, \
	    "those that are there when the trace starts") \
	T("existing_processes", PROCESSES, EXISTING, \
	    "processes that are there when the trace starts") \
	T("existing_ports", PORTS, EXISTING, \
	    "sockets of processes that are there when the trace starts") \
	T("new", EVERYTHING, NEW, "those that come after the trace started") \
	T("new_processes", PROCESSES, NEW, \
	    "processes that come after the trace started") \
	T("new_ports", PORTS, NEW, \
	    "sockets of processes that come after the trace started")

enum trace_what {
	TRACE_EVERYTHING,
	TRACE_PROCESSES,
	TRACE_PORTS
};
enum trace_when {
	TRACE_ALWAYS,
	TRACE_EXISTING,
	TRACE_NEW
};

struct trace_who {
	enum trace_what what;
	enum trace_when when;
	bool is_role; /* only `role`, and `instance` unless it is 0 */
	enum role role;
	uint32_t instance;
	uint32_t pid; /* 0: any */
};

struct trace_filter {
	uint32_t id; /* of its trace; several filters may share it */
	enum trace_kind kind;
	bool is_tracer;      /* of the request tracer: goes to a file */
	uint32_t flags;      /* enum trace_flag */
	uint32_t per_second; /* records, in each process */
	uint64_t started_ms; /* monotonic */
	uint64_t until_ms;   /* monotonic; 0: no end */
	uint32_t most;       /* records, of all processes; 0: no limit */
	uint32_t place;      /* where it is counted (trace_counts.h) */
	int32_t arity;       /* of TRACE_TARGET */
	struct trace_who who;
	struct text key;
	struct text key2;
};

/*
 * trace_function_read takes what names a function: `all`,
 * `service/request_type`, `module.function`, `module.function/2`,
 * `module.function/_`, `{module, :function, 1}`. ERR_MALFORMED: none of them.
 * `all` is every call: a filter of processes.
 */
enum err trace_function_read(struct text, struct trace_filter *) MUST_USE;

/* trace_target_read: a word of TRACE_TARGETS, `role`, `role/N`, a pid. */
enum err trace_target_read(struct text, struct trace_filter *) MUST_USE;

/* trace_flags_read: a list with commas or spaces. `wrong` names the word of
 * an ERR_NOT_FOUND. An empty list gives the default. */
enum err trace_flags_read(
    struct text list, uint32_t *flags, struct text *wrong) MUST_USE;
uint32_t trace_flags_default(void);
const char *trace_flag_name(uint32_t place); /* NULL behind the last one */
const char *trace_kind_name(enum trace_kind);

/* trace_filter_word writes a filter as an operator would: "user:u7". */
void trace_filter_word(const struct trace_filter *, char *to, size_t size);

/* What a call is known by; len 0: not known (yet). */
struct trace_call {
	struct text user;
	struct text service;
	struct text request_type;
	struct text request_id;
	struct text module; /* NULL at: the function is not looked up yet */
	struct text function;
	int32_t arity;
};

/* What a process is known by. */
struct trace_process {
	enum role role;
	uint32_t instance;
	uint32_t pid;
	uint64_t born_ms; /* monotonic */
};

bool trace_filter_has_call(
    const struct trace_filter *, const struct trace_call *);
bool trace_filter_has_process(
    const struct trace_filter *, const struct trace_process *);

/* Packed: at most TRACE_PACKED_BYTES; trace_unpack gives the bytes it took,
 * or 0 for what is none. */
size_t trace_pack(const struct trace_filter *, uint8_t *to);
size_t trace_unpack(const uint8_t *, size_t, struct trace_filter *);

#endif /* PROTOCOL_TRACE_FILTER_H */
