// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_INSPECT_H
#define PROTOCOL_INSPECT_H

/*
 * inspect - a packed value as people read it in an error text: "text" quoted
 * and escaped, [lists], %{"maps" => 1}, nil, true, 1.5 (the reference's
 * spelling, Elixir's inspect).
 *
 * Trust:  made for strangers' values: each text is cut at 64 bytes, a
 *         container ends with ", ..." once 64 bytes are written, so the
 *         result has a bound whatever the value is. Control bytes and broken
 *         UTF-8 are escaped: the result is valid UTF-8 on one line.
 * Owner:  writes into the caller's memory.
 */

#include <stdarg.h>
#include <stddef.h>

#include "protocol/base/arena.h"
#include "protocol/base/text.h"

enum {
	INSPECT_CUT_BYTES = 64,
	INSPECT_BYTES = 1024 /* more than any inspected value takes */
};

/* A bounded line that is appended to; what does not fit is dropped. */
struct inspect {
	char *at;
	size_t size; /* bytes of `at`; one stays for the NUL */
	size_t len;
};

void inspect_init(struct inspect *, char *at, size_t size);
void inspect_raw(struct inspect *, struct text);  /* as it is */
void inspect_text(struct inspect *, struct text); /* quoted, cut, escaped */
void inspect_value(struct inspect *, struct text span);

/* inspect_list writes ["a", "b"], cut like a value. */
void inspect_list(struct inspect *, const struct text *, size_t count);

/*
 * inspect_format understands %q (struct text *, quoted), %v (struct text *, a
 * span), %r (struct text *, raw) and %u (uint32_t); nothing else.
 */
void inspect_format(struct inspect *, const char *fmt, ...);
void inspect_vformat(struct inspect *, const char *fmt, va_list);
struct text inspect_printf(struct arena *, const char *fmt, ...);

#endif /* PROTOCOL_INSPECT_H */
