// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * Most types leave the value as it came, so "converting" is checking and then
 * copying the span whole; only a datetime becomes another value. The texts are
 * the reference's, spelled as its clients know them.
 */

#include "protocol/argument_spec.h"

#include <stdarg.h>

#include "protocol/argument_time.h"
#include "protocol/inspect.h"
#include "protocol/pack.h"
#include "protocol/unpack.h"

/* What a check needs to know beside the value. */
struct check {
	const struct arguments *all;
	const struct argument_spec *spec;
	struct argument_error *error;
};

bool
argument_refuse(struct argument_error *error, const char *fmt, ...)
{
	struct inspect line;
	va_list args;

	inspect_init(&line, error->text, sizeof(error->text));
	va_start(args, fmt);
	inspect_vformat(&line, fmt, args);
	va_end(args);
	error->len = (uint32_t)line.len;
	return false;
}

static bool
refuse_type(const struct check *c, const char *expected, struct text span)
{
	struct text word = text_of(expected);

	return argument_refuse(c->error,
	    "invalid argument type for %q, expected :%r, got %v",
	    &c->spec->name, &word, &span);
}

static enum pack_type
type_of(struct text span)
{
	struct unpacker u;

	unpack_init(&u, span);
	return unpack_peek(&u);
}

static bool
is_number(enum pack_type type)
{
	return type == PACK_INT || type == PACK_FLOAT;
}

static struct text
text_in(struct text span)
{
	struct unpacker u;
	struct text t;

	unpack_init(&u, span);
	if (unpack_text(&u, &t) == OK || unpack_bin(&u, &t) == OK)
		return t;
	return (struct text){0};
}

static bool
check_string(const struct check *c, struct text span)
{
	if (type_of(span) != PACK_TEXT)
		return refuse_type(c, "string", span);
	if (text_in(span).len > c->spec->max_bytes)
		return argument_refuse(c->error,
		    "invalid argument size for %q, max %u bytes",
		    &c->spec->name, c->spec->max_bytes);
	return true;
}

static bool
check_num(const struct check *c, struct text span)
{
	return is_number(type_of(span)) || refuse_type(c, "num", span);
}

static bool
check_boolean(const struct check *c, struct text span)
{
	return type_of(span) == PACK_BOOL || refuse_type(c, "boolean", span);
}

static bool
check_uuid(const struct check *c, struct text span)
{
	if (argument_is_uuid(text_in(span)))
		return true;
	return argument_refuse(c->error,
	    "invalid argument value for %q, require a UUID format string",
	    &c->spec->name);
}

static bool
check_any(const struct check *c, struct text span)
{
	(void)c;
	(void)span;
	return true; /* the message's own limits hold */
}

/* check_item: an item of `list`, and of a list inside a map. */
static bool
check_item(const struct check *c, struct text item)
{
	enum pack_type type = type_of(item);

	if (type == PACK_MAP)
		return argument_refuse(
		    c->error, "nested map is not supported yet");
	if (type == PACK_ARRAY)
		return argument_refuse(
		    c->error, "nested list is not supported yet");
	if (type == PACK_TEXT) {
		if (text_in(item).len > c->all->limits.string_max_bytes)
			return argument_refuse(c->error,
			    "string item in list exceeds max byte size");
		return true;
	}
	if (is_number(type) || type == PACK_BOOL)
		return true;
	return argument_refuse(c->error, "unsupported type %v", &item);
}

/* check_typed_item: an item of list_string, list_num, list_uuid, list_map. */
static bool
check_typed_item(const struct check *c, struct text item)
{
	enum argument_type wanted = c->spec->type;
	enum pack_type type = type_of(item);
	bool is_good = (wanted == ARGUMENT_LIST_STRING && type == PACK_TEXT) ||
	    (wanted == ARGUMENT_LIST_NUM && is_number(type)) ||
	    (wanted == ARGUMENT_LIST_UUID && argument_is_uuid(text_in(item))) ||
	    (wanted == ARGUMENT_LIST_MAP && type == PACK_MAP);

	if (!is_good)
		return argument_refuse(
		    c->error, "unsupported type of %v in list", &item);
	if (wanted == ARGUMENT_LIST_STRING &&
	    text_in(item).len > c->spec->max_item_bytes)
		return argument_refuse(
		    c->error, "string item in list exceeds max byte size");
	return true;
}

static bool
refuse_items(const struct check *c)
{
	return argument_refuse(c->error,
	    "invalid argument size for %q in %q, max %u items", &c->spec->name,
	    &c->all->request_type, c->spec->max_items);
}

static bool
check_list(const struct check *c, struct text span)
{
	struct unpacker u;
	struct text item;
	uint32_t count;

	unpack_init(&u, span);
	if (unpack_array(&u, &count) != OK)
		return refuse_type(c, argument_type_name(c->spec->type), span);
	if (count > c->spec->max_items)
		return refuse_items(c);
	for (uint32_t i = 0; i < count; i++) {
		if (unpack_raw(&u, &item) != OK)
			return refuse_type(c, "list", span);
		bool is_good = c->spec->type == ARGUMENT_LIST
		    ? check_item(c, item)
		    : check_typed_item(c, item);

		if (!is_good)
			return false;
	}
	return true;
}

/* check_inner_list: a list as a map's value. */
static bool
check_inner_list(const struct check *c, struct text key, struct text span)
{
	struct unpacker u;
	struct text item;
	uint32_t count = 0;

	unpack_init(&u, span);
	if (unpack_array(&u, &count) != OK ||
	    count > c->all->limits.list_max_items)
		return argument_refuse(c->error,
		    "nested map list value exceeds max items for key %q", &key);
	for (uint32_t i = 0; i < count; i++)
		if (unpack_raw(&u, &item) != OK || !check_item(c, item))
			return false;
	return true;
}

static bool
check_entry(const struct check *c, struct text key, struct text value)
{
	enum pack_type type = type_of(value);

	if (type == PACK_BOOL || is_number(type))
		return true;
	if (type == PACK_ARRAY)
		return check_inner_list(c, key, value);
	if (type == PACK_MAP)
		return argument_refuse(
		    c->error, "nested map is not supported yet");
	if (type != PACK_TEXT)
		return argument_refuse(c->error,
		    "unsupported type %v in map for key %q", &value, &key);
	if (text_in(value).len > c->all->limits.string_max_bytes)
		return argument_refuse(c->error,
		    "nested map string value exceeds max byte size for key %q",
		    &key);
	return true;
}

static bool
is_among(struct text name, const struct text *names, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (text_eq(name, names[i]))
			return true;
	return false;
}

enum {
	NAMED = 16 /* keys an error text names at most */
};

static bool
refuse_keys(const struct check *c, const char *verdict,
    const struct text *names, uint32_t count)
{
	char memory[INSPECT_BYTES];
	struct inspect list;
	struct text word = text_of(verdict);

	inspect_init(&list, memory, sizeof(memory));
	inspect_list(&list, names, count);
	struct text shown = {memory, (uint32_t)list.len};

	return argument_refuse(c->error, "map argument %q %r keys: %r in %q",
	    &c->spec->name, &word, &shown, &c->all->request_type);
}

static bool
check_required(const struct check *c, struct text span)
{
	struct text missing[NAMED], value;
	uint32_t count = 0;

	for (uint32_t i = 0; i < c->spec->required_count && count < NAMED; i++)
		if (unpack_map_find(span, c->spec->required[i], &value) != OK)
			missing[count++] = c->spec->required[i];
	return count == 0 || refuse_keys(c, "missing required", missing, count);
}

static bool
check_accepted(const struct check *c, struct text span)
{
	struct text rejected[NAMED], key;
	struct unpacker u;
	uint32_t entries, count = 0;

	unpack_init(&u, span);
	if (c->spec->accept_count == 0 || unpack_map(&u, &entries) != OK)
		return true;
	for (uint32_t i = 0; i < entries && count < NAMED; i++) {
		if (unpack_text(&u, &key) != OK || unpack_skip(&u) != OK)
			return refuse_type(c, "map", span);
		if (!is_among(key, c->spec->accept, c->spec->accept_count))
			rejected[count++] = key;
	}
	return count == 0 ||
	    refuse_keys(c, "contains rejected", rejected, count);
}

/* check_map: count, required, accept, values, in this order. */
static bool
check_map(const struct check *c, struct text span)
{
	struct text key, value;
	struct unpacker u;
	uint32_t entries;

	unpack_init(&u, span);
	if (unpack_map(&u, &entries) != OK)
		return refuse_type(c, "map", span);
	if (entries > c->spec->max_items)
		return refuse_items(c);
	if (c->spec->is_plain)
		return true;
	if (!check_required(c, span) || !check_accepted(c, span))
		return false;
	for (uint32_t i = 0; i < entries; i++) {
		if (unpack_text(&u, &key) != OK || unpack_raw(&u, &value) != OK)
			return refuse_type(c, "map", span);
		if (!check_entry(c, key, value))
			return false;
	}
	return true;
}

static bool
write_time(const struct check *c, struct text span, struct packer *out)
{
	bool is_naive = c->spec->type == ARGUMENT_NAIVE_DATETIME;
	struct text name = text_of(argument_type_name(c->spec->type));
	struct text value = text_in(span);
	struct argument_time time = {0};

	if (type_of(span) != PACK_TEXT)
		return refuse_type(c,
		    is_naive ? "naive_datetime (ISO 8601 string)"
			     : "datetime (ISO 8601 string)",
		    span);
	const char *wrong = argument_time_read(value, &time);

	if (wrong == NULL && !is_naive && !time.has_offset)
		wrong = "missing_offset";
	if (wrong == NULL && is_naive && time.has_offset)
		wrong = "unexpected_offset";
	if (wrong != NULL) {
		struct text reason = text_of(wrong);

		return argument_refuse(c->error, "invalid %r format for %q: %r",
		    &name, &value, &reason);
	}
	/* a time without a zone has no instant: it stays the text it is */
	if (is_naive)
		pack_raw(out, span);
	else
		pack_timestamp(out, time.seconds, time.nanoseconds);
	return true;
}

bool
argument_write(const struct arguments *all, const struct argument_spec *spec,
    struct text span, struct packer *out, struct argument_error *error)
{
	static bool (*const checks[ARGUMENT_TYPES])(
	    const struct check *, struct text) = {
	    [ARGUMENT_STRING] = check_string,
	    [ARGUMENT_NUM] = check_num,
	    [ARGUMENT_BOOLEAN] = check_boolean,
	    [ARGUMENT_UUID] = check_uuid,
	    [ARGUMENT_LIST] = check_list,
	    [ARGUMENT_LIST_STRING] = check_list,
	    [ARGUMENT_LIST_NUM] = check_list,
	    [ARGUMENT_LIST_UUID] = check_list,
	    [ARGUMENT_LIST_MAP] = check_list,
	    [ARGUMENT_MAP] = check_map,
	    [ARGUMENT_ANY] = check_any,
	};
	struct check c = {all, spec, error};

	if (checks[spec->type] == NULL)
		return write_time(&c, span, out);
	if (!checks[spec->type](&c, span))
		return false;
	pack_raw(out, span);
	return true;
}
