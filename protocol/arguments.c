// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * The client's map is walked once: each value's span goes to its spec, names
 * nobody declared are collected for the text. Then the specs are checked and
 * written in the order of the call. When several things are wrong, undeclared
 * names are told first, then the first wrong argument in call order.
 */

#include "protocol/arguments.h"

#include "protocol/argument_spec.h"
#include "protocol/inspect.h"
#include "protocol/pack.h"
#include "protocol/unpack.h"

enum {
	NAMED = 16 /* names an error text lists at most */
};

/* What arguments_compile builds with. */
struct compiler {
	const struct function *f;
	struct arena *arena;
	struct arguments *to;
	struct text *reason;
};

static enum err
fail(const struct compiler *c, const char *reason)
{
	*c->reason = text_of(reason);
	return ERR_MALFORMED;
}

static const struct argument_spec *
find(const struct arguments *a, struct text name)
{
	for (uint32_t i = 0; i < a->count; i++)
		if (text_eq(a->specs[i].name, name))
			return &a->specs[i];
	return NULL;
}

static bool
is_ordered(const struct function *f, struct text name)
{
	for (uint32_t i = 0; i < f->order_count; i++)
		if (text_eq(f->orders[i], name))
			return true;
	return false;
}

static struct text
list_text(struct arena *arena, const struct text *names, uint32_t count)
{
	char memory[INSPECT_BYTES];
	struct inspect line;

	inspect_init(&line, memory, sizeof(memory));
	inspect_list(&line, names, count);
	return arena_text(arena, (struct text){memory, (uint32_t)line.len});
}

/* compile_specs reads every declared argument and names the wrong ones. */
static enum err
compile_specs(const struct compiler *c, uint32_t count)
{
	struct arguments *to = c->to;
	struct text wrong[NAMED], name, span;
	struct unpacker u;
	uint32_t wrongs = 0;

	unpack_init(&u, c->f->arg_types);
	if (unpack_map(&u, &count) != OK || count > FUNCTION_ARGUMENTS)
		return fail(c, "invalid arg_types or arg_orders format");
	to->specs = ARENA_ARRAY(c->arena, struct argument_spec, count + 1);
	for (uint32_t i = 0; i < count; i++) {
		if (unpack_text(&u, &name) != OK || unpack_raw(&u, &span) != OK)
			return fail(
			    c, "invalid arg_types or arg_orders format");
		bool is_good = find(to, name) == NULL &&
		    argument_spec_read(name, span, to, c->arena, &to->specs[i]);

		if (!is_good && wrongs < NAMED)
			wrong[wrongs++] = name;
		to->specs[i].name = arena_text(c->arena, name);
		to->count = i + 1;
	}
	if (wrongs == 0)
		return OK;
	struct text names = list_text(c->arena, wrong, wrongs);
	*c->reason = inspect_printf(
	    c->arena, "invalid arg_types configuration for: %r", &names);
	return ERR_MALFORMED;
}

static enum err
compare_names(const struct compiler *c)
{
	struct text missing[NAMED], extra[NAMED];
	uint32_t missings = 0, extras = 0;

	for (uint32_t i = 0; i < c->to->count && missings < NAMED; i++)
		if (!is_ordered(c->f, c->to->specs[i].name))
			missing[missings++] = c->to->specs[i].name;
	for (uint32_t i = 0; i < c->f->order_count && extras < NAMED; i++)
		if (find(c->to, c->f->orders[i]) == NULL)
			extra[extras++] = c->f->orders[i];
	if (missings == 0 && extras == 0)
		return OK;
	struct text a = list_text(c->arena, missing, missings);
	struct text b = list_text(c->arena, extra, extras);
	*c->reason = inspect_printf(
	    c->arena, "arg mismatch, missing: %r, extra: %r", &a, &b);
	return ERR_MALFORMED;
}

static enum err
compile_order(const struct compiler *c)
{
	struct arguments *to = c->to;

	if (c->f->orders_kind != FUNCTION_ORDERS_LIST || c->f->order_count == 0)
		return OK;
	to->is_positional = true;
	to->order = ARENA_ARRAY(c->arena, uint32_t, to->count + 1);
	for (uint32_t i = 0; i < to->count; i++)
		to->order[i] =
		    (uint32_t)(find(to, c->f->orders[i]) - to->specs);
	return OK;
}

static enum err
compile_declared(const struct compiler *c, uint32_t count)
{
	bool is_listed =
	    c->f->orders_kind == FUNCTION_ORDERS_LIST && c->f->order_count > 0;
	enum err e;

	if (c->f->orders_kind == FUNCTION_ORDERS_NULL)
		return fail(c, "invalid arg_types or arg_orders format");
	if (is_listed && c->f->order_count != count) {
		*c->reason = inspect_printf(c->arena,
		    "arg_types count (%u) does not match arg_orders count (%u)",
		    count, c->f->order_count);
		return ERR_MALFORMED;
	}
	e = compile_specs(c, count);
	/* names first: a wrong list is a likelier slip than a wrong spec */
	if (is_listed && c->to->count == count && compare_names(c) != OK)
		return ERR_MALFORMED;
	return e == OK ? compile_order(c) : e;
}

/* compile_fixed keeps the packed items of mfa.args, without their head. */
static void
compile_fixed(const struct compiler *c)
{
	const struct function_target *target = &c->f->target;
	struct unpacker u;
	uint32_t count;

	unpack_init(&u, target->args);
	if (target->args.len == 0 || unpack_array(&u, &count) != OK)
		return;
	c->to->fixed_count = count;
	c->to->fixed = arena_text(c->arena,
	    (struct text){(const char *)u.at, (uint32_t)unpack_left(&u)});
}

enum err
arguments_compile(const struct function *f,
    const struct argument_limits *limits, struct arena *arena,
    struct arguments **to, struct text *reason)
{
	struct arguments *a = ARENA_NEW(arena, struct arguments);
	const struct compiler c = {f, arena, a, reason};
	bool has_order = f->orders_kind == FUNCTION_ORDERS_MAP ||
	    (f->orders_kind == FUNCTION_ORDERS_LIST && f->order_count > 0);
	struct unpacker u;
	uint32_t count = 0;

	*to = a;
	a->limits = *limits;
	a->request_type = arena_text(arena, f->request_type);
	compile_fixed(&c);
	if (!f->is_arg_types_valid || f->orders_kind == FUNCTION_ORDERS_INVALID)
		return fail(&c, "invalid arg_types or arg_orders format");
	if (f->arg_types.len == 0)
		return has_order
		    ? fail(&c, "arg_types is nil but arg_orders is not empty")
		    : OK;
	unpack_init(&u, f->arg_types);
	if (unpack_map(&u, &count) != OK)
		return fail(&c, "invalid arg_types or arg_orders format");
	if (count == 0)
		return has_order
		    ? fail(&c, "arg_types is empty but arg_orders is not")
		    : OK;
	return compile_declared(&c, count);
}

/* collect hands each value to its spec; false when names are undeclared. */
static enum err
collect(struct arguments *a, struct text args, struct argument_error *error)
{
	struct text extra[NAMED], name, span;
	struct unpacker u;
	uint32_t count = 0, extras = 0;

	for (uint32_t i = 0; i < a->count; i++)
		a->specs[i].value = (struct text){0};
	unpack_init(&u, args);
	if (args.len > 0 && unpack_peek(&u) != PACK_NIL &&
	    unpack_map(&u, &count) != OK) {
		argument_refuse(error, "args must be an object");
		return ERR_RANGE;
	}
	for (uint32_t i = 0; i < count && extras < NAMED; i++) {
		if (unpack_text(&u, &name) != OK ||
		    unpack_raw(&u, &span) != OK) {
			argument_refuse(error, "args must be an object");
			return ERR_RANGE;
		}
		const struct argument_spec *spec = find(a, name);

		if (spec != NULL)
			a->specs[spec - a->specs].value = span;
		else
			extra[extras++] = name;
	}
	if (extras == 0)
		return OK;
	char memory[INSPECT_BYTES];
	struct inspect list;

	inspect_init(&list, memory, sizeof(memory));
	inspect_list(&list, extra, extras);
	struct text shown = {memory, (uint32_t)list.len};
	argument_refuse(error, "extra arguments for %q, extra: %r",
	    &a->request_type, &shown);
	return ERR_RANGE;
}

/* write_one applies the rules of presence, then checks and writes. */
static enum err
write_one(const struct arguments *a, const struct argument_spec *spec,
    struct packer *out, struct argument_error *error)
{
	bool is_absent = spec->value.len == 0;
	struct unpacker u;

	unpack_init(&u, spec->value);
	if (is_absent && spec->fallback.len > 0) {
		pack_raw(out, spec->fallback);
		return OK;
	}
	if (is_absent || unpack_peek(&u) == PACK_NIL) {
		if (spec->is_nil_allowed) {
			pack_nil(out);
			return OK;
		}
		argument_refuse(error, "missing or nil argument %q in %q",
		    &spec->name, &a->request_type);
		return ERR_RANGE;
	}
	return argument_write(a, spec, spec->value, out, error) ? OK
								: ERR_RANGE;
}

static enum err
write_all(
    const struct arguments *a, struct packer *out, struct argument_error *error)
{
	bool is_map = a->count > 1 && !a->is_positional;
	enum err e = OK;

	if (is_map)
		pack_map(out, a->count);
	for (uint32_t i = 0; e == OK && i < a->count; i++) {
		const struct argument_spec *spec =
		    &a->specs[a->is_positional ? a->order[i] : i];

		if (is_map)
			pack_text(out, spec->name);
		e = write_one(a, spec, out, error);
	}
	return e;
}

enum err
arguments_convert(struct arguments *a, struct text args, struct text info,
    struct packer *out, struct argument_error *error)
{
	uint32_t converted = a->count == 0      ? 0
	    : a->is_positional || a->count == 1 ? a->count
						: 1;
	enum err e = OK;

	error->len = 0;
	pack_array(out, a->fixed_count + converted + (info.len > 0 ? 1 : 0));
	if (a->fixed.len > 0)
		pack_raw(out, a->fixed);
	if (a->count > 0) {
		e = collect(a, args, error);
		if (e == OK)
			e = write_all(a, out, error);
	}
	if (e == OK && info.len > 0)
		pack_raw(out, info);
	return e == OK ? pack_finish(out) : e;
}

void
arguments_sample(const struct arguments *a, struct packer *out)
{
	pack_map(out, a->count);
	for (uint32_t i = 0; i < a->count; i++) {
		pack_text(out, a->specs[i].name);
		if (a->specs[i].fallback.len > 0)
			pack_raw(out, a->specs[i].fallback);
		else
			pack_string(out, "");
	}
}

uint32_t
arguments_count(const struct arguments *a)
{
	return a->count;
}
