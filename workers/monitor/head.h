// SPDX-License-Identifier: MIT
#ifndef WORKERS_MONITOR_HEAD_H
#define WORKERS_MONITOR_HEAD_H

/*
 * head - is the head of an HTTP request there, and is it one?
 *
 * Judged before libmicrohttpd sees a byte, so that what it would answer in
 * HTML by itself (400, 431) is told as JSON, and so that a probe is known as
 * one before it takes a place. Stricter than the RFC lets us be lenient: no
 * bare LF, no folded fields, one Host, one way to say how long the body is.
 *
 * Trust:  bytes from strangers; bounded here, never trusted.
 * Owner:  no memory; `what` is a literal.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/text.h"

enum {
	HEAD_MOST_BYTES = 16384,
	HEAD_MOST_TARGET = 4096,
	HEAD_MOST_FIELDS = 100,
};

enum head_verdict {
	HEAD_MORE, /* nothing wrong so far */
	HEAD_WHOLE,
	HEAD_BAD,     /* 400 */
	HEAD_TOO_BIG, /* 431 */
};

struct head {
	uint32_t bytes;   /* HEAD_WHOLE: its length, the empty line included */
	bool is_probe;    /* HEAD_WHOLE: /livez, /readyz or /startupz */
	const char *what; /* HEAD_BAD, HEAD_TOO_BIG: for the one who sent it */
};

enum head_verdict head_read(struct text bytes, struct head *);

#endif /* WORKERS_MONITOR_HEAD_H */
