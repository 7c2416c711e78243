// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_BASE_MEMORY_H
#define PROTOCOL_BASE_MEMORY_H

/*
 * memory - for objects that outlive a message (for the rest: arena, buffer).
 *
 * Running out is fatal, so nobody checks. Sizes that strangers chose are
 * bounded before they come here.
 *
 * Trust:  sizes come from code that has bounded them.
 * Owner:  the caller, who gives each block back with memory_free.
 */

#include <stddef.h>

/* memory_new gives zeroed memory, aligned for any type. */
void *memory_new(size_t bytes);

/* memory_grow resizes; what is added is NOT zeroed; takes NULL. */
void *memory_grow(void *, size_t bytes);

/* memory_free takes NULL. */
void memory_free(void *);

#define MEMORY_NEW(type) ((type *)memory_new(sizeof(type)))

#endif /* PROTOCOL_BASE_MEMORY_H */
