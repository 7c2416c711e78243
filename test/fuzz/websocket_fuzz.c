// SPDX-License-Identifier: MIT
/*
 * websocket_fuzz - the same frames read at once and byte by byte must give
 * the same messages, and all text given must be UTF-8.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "workers/gateway/websocket.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	LIMIT = 4096
};

/* What a reading saw, folded into one number. */
struct seen {
	uint64_t hash;
	enum err end;
};

static void
fold(struct seen *seen, const void *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		seen->hash ^= ((const uint8_t *)bytes)[i];
		seen->hash *= 0x100000001b3u;
	}
}

static void
look(struct seen *seen, const struct websocket_event *event)
{
	if (event->kind == WEBSOCKET_TEXT && !text_is_utf8(event->data))
		abort();
	fold(seen, &event->kind, sizeof(event->kind));
	fold(seen, event->data.at, event->data.len);
}

static struct seen
read_in_steps(const uint8_t *data, size_t size, size_t step)
{
	struct seen seen = {.hash = 1, .end = ERR_AGAIN};
	uint8_t *here = malloc(size + 1);
	size_t have = 0, next = 0, used;
	struct websocket_event event;
	struct websocket w;

	if (here == NULL)
		abort();
	websocket_init(&w, LIMIT);
	while (next < size && seen.end == ERR_AGAIN) {
		size_t more = size - next < step ? size - next : step;

		memcpy(here + have, data + next, more);
		have += more;
		next += more;
		do {
			seen.end =
			    websocket_read(&w, here, have, &used, &event);
			if (used > have)
				abort();
			if (seen.end == OK)
				look(&seen, &event);
			memmove(here, here + used, have - used);
			have -= used;
		} while (seen.end == OK);
	}
	if (buffer_used(&w.message) > LIMIT)
		abort();
	websocket_finish(&w);
	free(here);
	return seen;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 65536)
		return 0;
	struct seen whole = read_in_steps(data, size, size + 1);
	struct seen bytes = read_in_steps(data, size, 1);
	struct seen threes = read_in_steps(data, size, 3);

	if (whole.hash != bytes.hash || whole.end != bytes.end ||
	    whole.hash != threes.hash || whole.end != threes.end)
		abort();
	return 0;
}
