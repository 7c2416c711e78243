// SPDX-License-Identifier: MIT
#include "protocol/base/memory.h"

#include <stdlib.h>

#include "protocol/base/err.h"

void *
memory_new(size_t bytes)
{
	void *at = calloc(1, bytes > 0 ? bytes : 1);

	INVARIANT(at != NULL);
	return at;
}

void *
memory_grow(void *at, size_t bytes)
{
	at = realloc(at, bytes > 0 ? bytes : 1);
	INVARIANT(at != NULL);
	return at;
}

void
memory_free(void *at)
{
	free(at);
}
