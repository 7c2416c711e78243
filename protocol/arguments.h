// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_ARGUMENTS_H
#define PROTOCOL_ARGUMENTS_H

/*
 * arguments - from what a client sent to what a function is called with.
 *
 * A schema is compiled once per function; each call is checked, converted and
 * written in one go as the final array: the target's own arguments, the
 * converted ones, then the caller's facts if the function wants them.
 *
 * Trust:  the arguments are a stranger's and have passed pack_check (or were
 *         made by protocol/json). Error texts quote them cut at 64 bytes and
 *         escaped.
 * Owner:  a compiled schema is its arena's and borrows nothing: it outlives
 *         the function it was made from. It holds scratch: one convert at a
 *         time.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/arena.h"
#include "protocol/base/err.h"
#include "protocol/base/text.h"
#include "protocol/function.h"

struct packer;
struct arguments;

/* Settings `arguments.*`; what a spec does not say itself. */
struct argument_limits {
	uint32_t string_max_bytes;
	uint32_t list_max_items;
	uint32_t map_max_items;
};

#define ARGUMENT_LIMITS \
	((struct argument_limits){ \
	    .string_max_bytes = 3000, \
	    .list_max_items = 1000, \
	    .map_max_items = 1000, \
	})

enum {
	ARGUMENT_ERROR_BYTES = 512
};

/* What is wrong with a call, in words for the client (behind "Invalid
 * request: "). Always valid UTF-8 if the arguments were. */
struct argument_error {
	uint32_t len;
	char text[ARGUMENT_ERROR_BYTES];
};

/*
 * arguments_compile reads arg_types, arg_orders and the target's arguments of
 * `f`. On ERR_MALFORMED `reason` has the text of rule 7's detail (the
 * arena's).
 */
enum err arguments_compile(const struct function *f,
    const struct argument_limits *, struct arena *, struct arguments **to,
    struct text *reason) MUST_USE;

/*
 * arguments_convert packs the final array. `args` is the span of the client's
 * map (empty or nil: no arguments); `info` the span of the caller's facts,
 * written last when it is not empty - the caller passes it only for functions
 * with request_info. On ERR_RANGE `error` has the text and `out` may hold part
 * of an array: the caller truncates. ERR_FULL is the buffer's.
 */
enum err arguments_convert(struct arguments *, struct text args,
    struct text info, struct packer *out, struct argument_error *) MUST_USE;

/*
 * arguments_sample packs the map a client could send: declared defaults, else
 * "" (spec 1.9's samples).
 */
void arguments_sample(const struct arguments *, struct packer *out);

uint32_t arguments_count(const struct arguments *); /* declared */

#endif /* PROTOCOL_ARGUMENTS_H */
