// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_BASE_ERR_H
#define PROTOCOL_BASE_ERR_H

/*
 * err - the one error type, and the one way to say "this cannot be".
 *
 * Three kinds of failure, three ways, never a fourth:
 *   somebody else's mistake    return ERR_… up to the edge, which answers
 *   the world is wrong         log_fatal(), exit with a code of handover.h
 *   we are wrong               INVARIANT(cond): one line, abort, restart
 *
 * Trust:  nothing here reads bytes from outside.
 * Owner:  no memory.
 */

#define MUST_USE     __attribute__((warn_unused_result))
#define PRINTF(f, a) __attribute__((format(printf, f, a)))
#define COUNT_OF(a)  (sizeof(a) / sizeof((a)[0]))

enum err {
	OK = 0,
	ERR_AGAIN,     /* nothing now; come back when the loop says so */
	ERR_CLOSED,    /* the peer is gone */
	ERR_FULL,      /* a budget or a table has no room */
	ERR_TOO_BIG,   /* above a byte or count limit */
	ERR_TOO_DEEP,  /* above a nesting limit */
	ERR_MALFORMED, /* not what the grammar says */
	ERR_UTF8,      /* text that is not UTF-8 */
	ERR_TYPE,      /* right grammar, wrong type */
	ERR_RANGE,     /* right type, value out of range */
	ERR_MISSING,   /* something required is absent */
	ERR_NOT_FOUND,
	ERR_EXISTS,
	ERR_DENIED,
	ERR_TIMEOUT,
	ERR_VERSION, /* a peer or a segment speaks another version */
	ERR_SYSTEM,  /* errno has the reason */
};

/* err_name gives the lower-case word of an error: "too_big". */
const char *err_name(enum err);

/*
 * INVARIANT ends the process when `cond` does not hold: one line to the log,
 * then abort(), so that the obituary has the place and a backtrace.
 */
#define INVARIANT(cond) \
	do { \
		if (!(cond)) \
			invariant_broken(#cond, __FILE__, __LINE__); \
	} while (0)

_Noreturn void invariant_broken(const char *cond, const char *file, int line);

#endif /* PROTOCOL_BASE_ERR_H */
