// SPDX-License-Identifier: MIT
#include "protocol/base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	BLOCK_BYTES = 16 * 1024,
	ALIGNMENT = _Alignof(max_align_t)
};

struct arena_block {
	struct arena_block *next;
	size_t size;
	size_t used;
	max_align_t memory[];
};

void
arena_init(struct arena *a)
{
	*a = (struct arena){0};
}

static void
free_chain(struct arena_block *block)
{
	while (block != NULL) {
		struct arena_block *next = block->next;

		free(block);
		block = next;
	}
}

void
arena_finish(struct arena *a)
{
	free_chain(a->blocks);
	arena_init(a);
}

void
arena_reset(struct arena *a)
{
	struct arena_block *keep = a->blocks;

	a->used_bytes = 0;
	if (keep == NULL)
		return;
	free_chain(keep->next);
	keep->next = NULL;
	keep->used = 0;
	/* one huge message must not keep its memory for ever */
	if (keep->size > BLOCK_BYTES)
		arena_finish(a);
}

void *
arena_alloc(struct arena *a, size_t bytes)
{
	size_t rounded = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	struct arena_block *block = a->blocks;

	INVARIANT(rounded >= bytes);
	if (block == NULL || block->size - block->used < rounded) {
		size_t size = rounded > BLOCK_BYTES ? rounded : BLOCK_BYTES;

		INVARIANT(size < SIZE_MAX / 2);
		block = malloc(sizeof(*block) + size);
		INVARIANT(block != NULL);
		*block = (struct arena_block){.next = a->blocks, .size = size};
		a->blocks = block;
	}
	void *at = (uint8_t *)block->memory + block->used;
	block->used += rounded;
	a->used_bytes += rounded;
	return memset(at, 0, bytes);
}

void *
arena_array(struct arena *a, size_t item_bytes, size_t count)
{
	INVARIANT(item_bytes == 0 || count <= SIZE_MAX / 2 / item_bytes);
	return arena_alloc(a, item_bytes * count);
}

char *
arena_string(struct arena *a, struct text t)
{
	char *copy = arena_alloc(a, (size_t)t.len + 1);

	if (t.len > 0)
		memcpy(copy, t.at, t.len);
	return copy;
}

struct text
arena_text(struct arena *a, struct text t)
{
	return (struct text){.at = arena_string(a, t), .len = t.len};
}

struct text
arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list args, again;

	va_start(args, fmt);
	va_copy(again, args);
	int length = vsnprintf(NULL, 0, fmt, args);
	INVARIANT(length >= 0);
	char *at = arena_alloc(a, (size_t)length + 1);
	vsnprintf(at, (size_t)length + 1, fmt, again);
	va_end(again);
	va_end(args);
	return (struct text){.at = at, .len = (uint32_t)length};
}
