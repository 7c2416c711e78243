// SPDX-License-Identifier: MIT
#include "workers/worker_pool/output.h"

#include <string.h>

void
output_init(struct output *o, output_say *say, void *ctx, uint64_t now_ms)
{
	memset(o, 0, sizeof(*o));
	o->say = say;
	o->ctx = ctx;
	o->tokens = OUTPUT_BURST * 1000;
	o->counted_ms = now_ms;
}

/* may_speak takes a token; they come back with time. */
static bool
may_speak(struct output *o, uint64_t now_ms)
{
	uint64_t passed_ms =
	    now_ms > o->counted_ms ? now_ms - o->counted_ms : 0;

	if (passed_ms > 60000)
		passed_ms = 60000;
	o->counted_ms = now_ms;
	o->tokens += passed_ms * OUTPUT_PER_SECOND;
	if (o->tokens > OUTPUT_BURST * 1000)
		o->tokens = OUTPUT_BURST * 1000;
	if (o->tokens < 1000)
		return false;
	o->tokens -= 1000;
	return true;
}

static void
tell_repeats(struct output *o)
{
	if (o->repeats > 0)
		o->say(o->ctx, OUTPUT_REPEATED, TEXT(""), o->repeats);
	o->repeats = 0;
}

static void
tell_dropped(struct output *o)
{
	if (o->dropped > 0)
		o->say(o->ctx, OUTPUT_DROPPED, TEXT(""), o->dropped);
	o->dropped = 0;
}

static void
end_line(struct output *o, uint64_t now_ms)
{
	uint32_t used = o->used;

	o->used = 0;
	if (used == 0)
		return; /* an empty line says nothing */
	if (used == o->last_used && memcmp(o->line, o->last, used) == 0) {
		o->repeats++;
		return;
	}
	if (!may_speak(o, now_ms)) {
		o->dropped++;
		return;
	}
	tell_repeats(o);
	tell_dropped(o);
	memcpy(o->last, o->line, used);
	o->last_used = used;
	o->say(o->ctx, OUTPUT_SAID, (struct text){o->last, used}, 1);
}

/* plain makes a byte harmless inside a quoted field of a log line. */
static char
plain(unsigned char byte)
{
	if (byte == '"')
		return '\'';
	return byte < 0x20 || byte == 0x7f ? ' ' : (char)byte;
}

void
output_feed(struct output *o, const void *from, size_t bytes, uint64_t now_ms)
{
	const unsigned char *at = from;

	for (size_t i = 0; i < bytes; i++) {
		if (at[i] == '\n')
			end_line(o, now_ms);
		else if (at[i] != '\r' && o->used < OUTPUT_LINE)
			o->line[o->used++] = plain(at[i]);
	}
}

void
output_end(struct output *o, uint64_t now_ms)
{
	end_line(o, now_ms);
	tell_repeats(o);
	tell_dropped(o);
}
