// SPDX-License-Identifier: MIT
#include "protocol/traceparent.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
	TRACE_AT = 3,
	SPAN_AT = TRACE_AT + TRACE_ID_HEX + 1,
	FLAGS_AT = SPAN_AT + SPAN_ID_HEX + 1
};

/* hex reads lower case only, as the specification demands. */
static enum err
hex(const char *at, uint32_t count, uint64_t *to)
{
	uint64_t value = 0;

	for (uint32_t i = 0; i < count; i++) {
		char c = at[i];

		if (c >= '0' && c <= '9')
			value = value << 4 | (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			value = value << 4 | (uint64_t)(c - 'a' + 10);
		else
			return ERR_MALFORMED;
	}
	*to = value;
	return OK;
}

/* has_shape: lengths and dashes; a later version may have more behind it. */
static bool
has_shape(struct text t, uint64_t version)
{
	if (t.at[2] != '-' || t.at[SPAN_AT - 1] != '-' ||
	    t.at[FLAGS_AT - 1] != '-')
		return false;
	if (version == 0)
		return t.len == TRACEPARENT_BYTES;
	return version != 0xff &&
	    (t.len == TRACEPARENT_BYTES || t.at[TRACEPARENT_BYTES] == '-');
}

enum err
trace_id_read(struct text t, uint64_t to[2])
{
	uint64_t big, small;

	if (t.len != TRACE_ID_HEX || hex(t.at, 16, &big) != OK ||
	    hex(t.at + 16, 16, &small) != OK || (big | small) == 0)
		return ERR_MALFORMED;
	to[0] = big;
	to[1] = small;
	return OK;
}

enum err
span_id_read(struct text t, uint64_t *to)
{
	uint64_t span;

	if (t.len != SPAN_ID_HEX || hex(t.at, SPAN_ID_HEX, &span) != OK ||
	    span == 0)
		return ERR_MALFORMED;
	*to = span;
	return OK;
}

enum err
traceparent_read(struct text t, struct traceparent *to)
{
	struct traceparent got;
	uint64_t version, flags;

	if (t.len < TRACEPARENT_BYTES || hex(t.at, 2, &version) != OK ||
	    !has_shape(t, version) ||
	    trace_id_read((struct text){t.at + TRACE_AT, TRACE_ID_HEX},
		got.trace) != OK ||
	    span_id_read(
		(struct text){t.at + SPAN_AT, SPAN_ID_HEX}, &got.span) != OK ||
	    hex(t.at + FLAGS_AT, 2, &flags) != OK)
		return ERR_MALFORMED;
	got.flags = (uint8_t)flags;
	*to = got;
	return OK;
}

void
trace_id_write(const struct traceparent *t, char to[TRACE_ID_HEX + 1])
{
	snprintf(to, TRACE_ID_HEX + 1, "%016" PRIx64 "%016" PRIx64, t->trace[0],
	    t->trace[1]);
}

void
span_id_write(uint64_t span, char to[SPAN_ID_HEX + 1])
{
	snprintf(to, SPAN_ID_HEX + 1, "%016" PRIx64, span);
}

void
traceparent_write(const struct traceparent *t, char to[TRACEPARENT_BYTES + 1])
{
	snprintf(to, TRACEPARENT_BYTES + 1,
	    "00-%016" PRIx64 "%016" PRIx64 "-%016" PRIx64 "-%02x", t->trace[0],
	    t->trace[1], t->span, (unsigned)(t->flags & TRACEPARENT_SAMPLED));
}

void
traceparent_new(struct traceparent *t, const uint64_t chance[3])
{
	*t = (struct traceparent){
	    .trace = {chance[0], chance[1] != 0 ? chance[1] : 1},
	    .span = chance[2] != 0 ? chance[2] : 1,
	};
}
