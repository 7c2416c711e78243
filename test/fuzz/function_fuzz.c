// SPDX-License-Identifier: MIT
/*
 * function_fuzz - a function and a call of it, both from a stranger: whatever
 * is kept reads back as the same bytes, whatever is converted is whole.
 *
 * Input: two bytes of length, a function's map, then the call's arguments.
 */

#include <stdint.h>
#include <stdlib.h>

#include "protocol/arguments.h"
#include "protocol/function_rules.h"
#include "protocol/pack.h"
#include "protocol/unpack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
write_one(const struct function *f, struct buffer *to)
{
	struct packer p;

	buffer_init(to, 4 << 20);
	pack_init(&p, to);
	function_write(&p, f);
	must(pack_finish(&p) == OK);
}

/* keep does what the gate does with a function that passed. */
static void
keep(const struct function *f, struct arena *arena)
{
	struct buffer first, second;
	struct function again;
	struct problems problems = {.count = 0};

	write_one(f, &first);
	must(function_read(buffer_text(&first), arena, &again) == OK);
	must(function_check(&again, arena, &problems));
	write_one(&again, &second);
	must(text_eq(buffer_text(&first), buffer_text(&second)));
	buffer_finish(&first);
	buffer_finish(&second);
}

static void
call(const struct function *f, struct text args, struct arena *arena)
{
	struct argument_limits limits = ARGUMENT_LIMITS;
	struct argument_error error;
	struct arguments *compiled;
	struct text reason;
	struct buffer out;
	struct packer p;

	must(arguments_compile(f, &limits, arena, &compiled, &reason) == OK);
	buffer_init(&out, 4 << 20);
	pack_init(&p, &out);
	enum err e =
	    arguments_convert(compiled, args, (struct text){0}, &p, &error);

	if (e == OK)
		must(pack_check(buffer_text(&out),
			 (struct pack_limits){PACK_DEPTH, 4 * PACK_NODES}) !=
		    ERR_MALFORMED);
	else
		must(e == ERR_RANGE && error.len > 0 &&
		    error.len < ARGUMENT_ERROR_BYTES &&
		    text_is_utf8((struct text){error.text, error.len}));
	buffer_finish(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct problems problems = {.count = 0};
	struct text span, args = {0};
	struct arena arena;
	struct function f;

	if (size < 2)
		return 0;
	size_t length = (size_t)data[0] << 8 | data[1];

	data += 2;
	size -= 2;
	length = length < size ? length : size;
	span = (struct text){(const char *)data, (uint32_t)length};
	args = (struct text){
	    (const char *)data + length, (uint32_t)(size - length)};
	if (pack_check(span, PACK_LIMITS) != OK ||
	    pack_check(args, PACK_LIMITS) != OK)
		return 0;
	arena_init(&arena);
	if (function_read(span, &arena, &f) == OK &&
	    function_check(&f, &arena, &problems)) {
		keep(&f, &arena);
		call(&f, args, &arena);
	}
	for (uint32_t i = 0; i < problems.count; i++)
		must(text_is_utf8(problems.at[i]));
	arena_finish(&arena);
	return 0;
}
