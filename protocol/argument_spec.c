// SPDX-License-Identifier: MIT
#include "protocol/argument_spec.h"

#include "protocol/pack.h"
#include "protocol/unpack.h"

enum {
	DEFAULT_BYTES = 65536 /* the largest default, converted */
};

static const char *const type_names[ARGUMENT_TYPES] = {
    [ARGUMENT_STRING] = "string",
    [ARGUMENT_NUM] = "num",
    [ARGUMENT_BOOLEAN] = "boolean",
    [ARGUMENT_DATETIME] = "datetime",
    [ARGUMENT_NAIVE_DATETIME] = "naive_datetime",
    [ARGUMENT_UUID] = "uuid",
    [ARGUMENT_LIST] = "list",
    [ARGUMENT_LIST_STRING] = "list_string",
    [ARGUMENT_LIST_NUM] = "list_num",
    [ARGUMENT_LIST_UUID] = "list_uuid",
    [ARGUMENT_LIST_MAP] = "list_map",
    [ARGUMENT_MAP] = "map",
    [ARGUMENT_ANY] = "any",
};

const char *
argument_type_name(enum argument_type type)
{
	return type_names[type];
}

static bool
has_items(enum argument_type type)
{
	return type >= ARGUMENT_LIST && type <= ARGUMENT_MAP;
}

static bool
read_type(struct unpacker *u, struct argument_spec *spec)
{
	struct text word;

	if (unpack_text(u, &word) != OK)
		return false;
	for (int i = 0; i < ARGUMENT_TYPES; i++) {
		if (text_is(word, type_names[i])) {
			spec->type = i;
			return true;
		}
	}
	return false;
}

static bool
read_limit(struct unpacker *u, uint32_t *to)
{
	uint32_t limit;

	if (unpack_u32(u, &limit) != OK || limit > INT32_MAX)
		return false;
	*to = limit;
	return true;
}

static bool
read_names(
    struct unpacker *u, struct arena *arena, struct text **to, uint32_t *count)
{
	if (unpack_array(u, count) != OK)
		return false;
	*to = ARENA_ARRAY(arena, struct text, *count + 1);
	for (uint32_t i = 0; i < *count; i++) {
		struct text name;

		if (unpack_text(u, &name) != OK)
			return false;
		(*to)[i] = arena_text(arena, name);
	}
	return true;
}

/* read_pair takes [type, limit] and [type, [limit]]; types without a limit of
 * their own ignore the number. */
static bool
read_pair(struct unpacker *u, struct argument_spec *spec)
{
	uint32_t limit = 0, params = 1;
	bool is_list;

	if (!read_type(u, spec))
		return false;
	is_list = unpack_peek(u) == PACK_ARRAY;
	if (is_list && (unpack_array(u, &params) != OK || params > 1))
		return false;
	if (params == 0)
		return true;
	if (!read_limit(u, &limit))
		return false;
	if (spec->type == ARGUMENT_STRING)
		spec->max_bytes = limit;
	else if (has_items(spec->type))
		spec->max_items = limit;
	return true;
}

/* read_option: an option that does not apply to the type is refused, since
 * whoever wrote it expects it to hold. */
static bool
read_option(struct text key, struct unpacker *u, struct arena *arena,
    struct argument_spec *spec)
{
	if (text_is(key, "allow_nil") || text_is(key, "allow_nil?"))
		return unpack_bool(u, &spec->is_nil_allowed) == OK;
	if (text_is(key, "default") || text_is(key, "default_value"))
		return unpack_raw(u, &spec->fallback) == OK;
	if (text_is(key, "max_bytes"))
		return spec->type == ARGUMENT_STRING &&
		    read_limit(u, &spec->max_bytes);
	if (text_is(key, "max_items"))
		return has_items(spec->type) && read_limit(u, &spec->max_items);
	if (text_is(key, "max_item_bytes"))
		return spec->type == ARGUMENT_LIST_STRING &&
		    read_limit(u, &spec->max_item_bytes);
	if (text_is(key, "required"))
		return spec->type == ARGUMENT_MAP &&
		    read_names(
			u, arena, &spec->required, &spec->required_count);
	if (text_is(key, "accept"))
		return spec->type == ARGUMENT_MAP &&
		    read_names(u, arena, &spec->accept, &spec->accept_count);
	return false;
}

static bool
read_options(struct text span, struct arena *arena, struct argument_spec *spec)
{
	struct unpacker u;
	struct text key, type;
	uint32_t count;

	if (unpack_map_find(span, TEXT("type"), &type) != OK)
		return false;
	unpack_init(&u, type);
	if (!read_type(&u, spec))
		return false;
	unpack_init(&u, span);
	if (unpack_map(&u, &count) != OK)
		return false;
	for (uint32_t i = 0; i < count; i++) {
		if (unpack_text(&u, &key) != OK)
			return false;
		bool is_good = text_is(key, "type")
		    ? unpack_skip(&u) == OK
		    : read_option(key, &u, arena, spec);

		if (!is_good)
			return false;
	}
	return true;
}

static bool
is_nil(struct text span)
{
	struct unpacker u;

	unpack_init(&u, span);
	return unpack_peek(&u) == PACK_NIL;
}

/* convert_default checks the default as if a client had sent it, and keeps it
 * converted. A default of null is none. */
static bool
convert_default(const struct arguments *all, struct arena *arena,
    struct argument_spec *spec)
{
	struct argument_error error;
	struct buffer buffer;
	struct packer out;
	bool is_good;

	if (spec->fallback.len == 0 || is_nil(spec->fallback)) {
		spec->fallback = (struct text){0};
		return true;
	}
	buffer_init(&buffer, DEFAULT_BYTES);
	pack_init(&out, &buffer);
	is_good = argument_write(all, spec, spec->fallback, &out, &error) &&
	    pack_finish(&out) == OK;
	if (is_good)
		spec->fallback = arena_text(arena, buffer_text(&buffer));
	buffer_finish(&buffer);
	return is_good;
}

bool
argument_spec_read(struct text name, struct text span,
    const struct arguments *all, struct arena *arena,
    struct argument_spec *spec)
{
	struct unpacker u;
	uint32_t count;
	bool is_good;

	*spec = (struct argument_spec){
	    .name = arena_text(arena, name),
	    .max_bytes = UINT32_MAX,
	    .max_items = UINT32_MAX,
	    .max_item_bytes = UINT32_MAX,
	};
	unpack_init(&u, span);
	if (unpack_peek(&u) == PACK_TEXT) {
		spec->is_plain = true;
		is_good = read_type(&u, spec);
	} else if (unpack_peek(&u) == PACK_ARRAY) {
		is_good = unpack_array(&u, &count) == OK && count == 2 &&
		    read_pair(&u, spec);
	} else {
		is_good = read_options(span, arena, spec);
	}
	if (!is_good)
		return false;
	if (spec->max_bytes == UINT32_MAX)
		spec->max_bytes = all->limits.string_max_bytes;
	if (spec->max_items == UINT32_MAX)
		spec->max_items = spec->type == ARGUMENT_MAP
		    ? all->limits.map_max_items
		    : all->limits.list_max_items;
	if (spec->max_item_bytes == UINT32_MAX)
		spec->max_item_bytes = all->limits.string_max_bytes;
	return convert_default(all, arena, spec);
}
