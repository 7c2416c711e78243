// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_HANDOVER_H
#define PROTOCOL_HANDOVER_H

/*
 * handover - all that a parent and its child agree on.
 *
 * A child is exec'ed with a fixed set of descriptors (enum handover_fd), a
 * few environment names, and one SEQPACKET socketpair to its parent over
 * which records of one fixed size travel. Guard → supervisor → worker: each
 * step uses the same contract.
 *
 * Trust:  a record from a child is checked (size, magic, kind) before use; a
 *         wrong one is counted and ignored, so a sick child cannot fell the
 *         tree. Text inside is bounded and NUL-terminated by the reader.
 * Owner:  descriptors belong to the process that holds them.
 */

#include <stdint.h>

#include "protocol/base/err.h"

/* Exit codes: the only way a child tells its parent how to go on. */
enum handover_exit {
	EXIT_ASKED = 0,        /* asked to stop, and did */
	EXIT_INVARIANT = 70,   /* we are wrong (EX_SOFTWARE) */
	EXIT_SYSTEM = 71,      /* the system refuses (EX_OSERR) */
	EXIT_TRY_AGAIN = 75,   /* temporary (EX_TEMPFAIL) */
	EXIT_SETTINGS = 78,    /* not restarted until the settings change */
	EXIT_AT_ONCE = 100,    /* restart me at once */
	EXIT_SEGMENT = 101,    /* a segment speaks another version */
	EXIT_NEVER_AGAIN = 125 /* s6's "do not restart" */
};

/*
 * Descriptors at exec. A child gets only those its row in workers.h names;
 * the rest are closed. All are without CLOEXEC at exec and set CLOEXEC by the
 * kit (or the supervisor) as its first act.
 */
enum handover_fd {
	FD_PARENT = 3,   /* SEQPACKET socketpair */
	FD_SETTINGS = 4, /* sealed memfd, protocol/settings.h */
	FD_STATS = 5,    /* segments, protocol/segment.h */
	FD_EVENTS = 6,
	FD_LIMITS = 7,
	FD_ROUTES = 8,
	FD_LISTEN_GATEWAY = 9, /* listening TCP socket */
	FD_LOCK = 10, /* supervisor only: flock of <runtime_dir>/banyand.lock */
	FD_LISTEN_MONITOR = 11,    /* monitor: HTTP; absent when it is off */
	FD_LISTEN_PROMETHEUS = 12, /* monitor: /metrics alone; mostly absent */
	FD_FIRST_FREE = 16
};

/* Environment names. */
#define ENV_ROLE        "BANYAN_ROLE"     /* "gateway" */
#define ENV_INSTANCE    "BANYAN_INSTANCE" /* 1-based; 0 for a single one */
#define ENV_LIFE        "BANYAN_LIFE"     /* 1, 2, 3 … of this child */
#define ENV_SLOT        "BANYAN_SLOT"     /* its slot in the stats segment */
#define ENV_RUNTIME_DIR "BANYAN_RUNTIME_DIR"
#define ENV_STATE_DIR   "BANYAN_STATE_DIR"
#define ENV_LIBEXEC_DIR "BANYAN_LIBEXEC_DIR" /* the roles' programs */
#define ENV_GENERATION  "BANYAN_GENERATION"  /* settings only: its number */
#define ENV_FILE        "BANYAN_FILE"        /* the YAML file, absolute */
#define ENV_GENERATION  "BANYAN_GENERATION"  /* of the settings handed over */
#define ENV_OVERRIDES   "BANYAN_OVERRIDES"   /* what flags said: "key=value" */
#define ENV_REMADE      "BANYAN_REMADE"      /* "1": segments made anew */

#define ENV_DEBUG_PREFIX \
	"BANYAN_DEBUG_" /* …=1: to the whole tree, log_rules.h */

enum handover_kind {
	/* child → parent */
	HANDOVER_READY = 1, /* may take work */
	HANDOVER_PROGRESS,  /* still starting: a = more ms wanted */
	HANDOVER_FAREWELL,  /* leaving on purpose; text = why */
	HANDOVER_RELOADED,  /* a = generation, b = enum reload_result; text */
	HANDOVER_ORDER,     /* control only: a = order id, b = enum order,
			       role, instance = target */
	/* parent → child */
	HANDOVER_DRAIN,    /* a = milliseconds allowed; 0: leave now. SIGTERM
			      is a drain with the default time, a second one
			      (or a = 0) while draining ends it */
	HANDOVER_SETTINGS, /* a = generation; the new memfd rides along */
	HANDOVER_SIBLING_DIED, /* role, instance, a = pid, b = life; text = the
				  reason's name, "" if it left as asked */
	HANDOVER_ORDER_DONE,   /* a = order id, b = enum err; text */
	HANDOVER_GENERATION,   /* to the guard and to control: a = generation in
				  force, b = enum err; text = what came of it. To
				  the guard the memfd now in force rides along */
	/* parent ← child that could not exec; a = errno, text = the program */
	HANDOVER_UNSTARTED,
	/* supervisor → guard */
	HANDOVER_NOTIFY, /* text = a datagram for NOTIFY_SOCKET */
	/* the settings program, run as `settings FILE [section.key=value]…`
	   (what the command line overrides) → whoever ran it, then exit 0; what
	   is wrong with the file goes to standard error, with exit 78 */
	HANDOVER_SETTINGS_READ, /* the sealed memfd rides along */
	/* child → parent, from the handler of a fatal signal: text = the next
	   piece of its backtrace, for the obituary. The pieces wait in the
	   socket when the child is gone: read it empty before mourning. */
	HANDOVER_LAST_WORDS,
};

enum order {
	ORDER_START = 1,
	ORDER_STOP,
	ORDER_RESTART,
	ORDER_PAUSE,
	ORDER_RESUME,
	ORDER_DRAIN, /* one child, or (role 0) the tree */
	ORDER_RELOAD,
	ORDER_SHUTDOWN,
	ORDER_PROVE, /* that supervision works: supervisor/canary.h */
};

/*
 * How an order is answered. One HANDOVER_ORDER_DONE with its id: start and
 * restart when the child is ready, stop and drain when it is down, pause and
 * resume at once; what ends control or the tree, when accepted. Instance 0 of
 * a role with several means all of them. b = ERR_NOT_FOUND: no such child;
 * ERR_TIMEOUT: accepted, not there yet after 20 s; ERR_EXISTS: a reload or
 * shutdown is under way. A reload first passes on each worker's
 * HANDOVER_RELOADED (role, instance, b, text), then says done; text = what is
 * wrong with the file when b is not OK.
 */

/* What a worker made of new settings. */
enum reload_result {
	RELOAD_UNCHANGED,
	RELOAD_APPLIED,
	RELOAD_NEEDS_RESTART, /* text lists the keys */
};

#define HANDOVER_MAGIC 0x42616e31u /* "Ban1"; the digit is the version */

enum {
	HANDOVER_TEXT = 448
};

struct handover_record {
	uint32_t magic;
	uint32_t kind; /* enum handover_kind */
	uint32_t role; /* enum role; 0 is none */
	uint32_t instance;
	uint64_t a;
	uint64_t b;
	char text[HANDOVER_TEXT]; /* NUL-terminated */
};

/*
 * handover_send never blocks: ERR_AGAIN when the peer does not read, in which
 * case the caller drops what can be dropped or tries on a later turn.
 * `fd` rides along, or -1.
 */
enum err handover_send(
    int socket, const struct handover_record *, int fd) MUST_USE;

/*
 * handover_fill starts a record of `kind` with everything else zero and `fmt`
 * (NULL: none) as its text, cut at the end.
 */
void handover_fill(struct handover_record *, enum handover_kind,
    const char *fmt, ...) PRINTF(3, 4);

/*
 * handover_receive never blocks: OK, ERR_AGAIN, ERR_CLOSED, ERR_MALFORMED
 * (ignore it, count it). `fd` is -1 or a descriptor that is now the caller's;
 * after anything but OK there is none.
 */
enum err handover_receive(
    int socket, struct handover_record *, int *fd) MUST_USE;

#endif /* PROTOCOL_HANDOVER_H */
