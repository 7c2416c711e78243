// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_BASE_ARENA_H
#define PROTOCOL_BASE_ARENA_H

/*
 * arena - memory for one message or one command, given back all at once.
 *
 * Handlers never free: whoever runs them resets the arena afterwards. Sizes
 * that strangers choose must be bounded before they come here; for the rest,
 * running out is fatal.
 *
 * Trust:  sizes come from code that has bounded them; nothing is parsed here.
 * Owner:  the struct is the caller's (init/finish). Everything handed out
 *         lives until arena_reset or arena_finish.
 */

#include <stddef.h>

#include "protocol/base/err.h"
#include "protocol/base/text.h"

struct arena_block;

struct arena {
	struct arena_block *blocks; /* newest first */
	size_t used_bytes;          /* handed out since the last reset */
};

void arena_init(struct arena *);
void arena_finish(struct arena *);

/* arena_reset forgets everything; the first block is kept for next time. */
void arena_reset(struct arena *);

/* arena_alloc never fails and gives zeroed memory, aligned for any type. */
void *arena_alloc(struct arena *, size_t bytes);

#define ARENA_NEW(arena, type) ((type *)arena_alloc((arena), sizeof(type)))
#define ARENA_ARRAY(arena, type, count) \
	((type *)arena_array((arena), sizeof(type), (count)))

void *arena_array(struct arena *, size_t item_bytes, size_t count);

/* arena_text copies; the copy is NUL-terminated behind its length. */
struct text arena_text(struct arena *, struct text);
char *arena_string(struct arena *, struct text);
struct text arena_printf(struct arena *, const char *fmt, ...) PRINTF(2, 3);

#endif /* PROTOCOL_BASE_ARENA_H */
