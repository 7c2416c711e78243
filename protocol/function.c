// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * A field has one reader; the table `fields` is the encoding. A reader gets
 * the span of a value that is there (null included) and leaves an INVALID mark
 * for what it cannot use. What is absent keeps the default set before.
 */

#include "protocol/function.h"

#include "protocol/pack.h"
#include "protocol/unpack.h"
#include "protocol/version.h"

typedef void read_field(struct function *, struct arena *, struct text span);

static bool
is_nil(struct text span)
{
	struct unpacker u;

	unpack_init(&u, span);
	return unpack_peek(&u) == PACK_NIL;
}

/* text_in gives the text in a span, or an empty one. */
static struct text
text_in(struct text span)
{
	struct unpacker u;
	struct text t;

	unpack_init(&u, span);
	return unpack_text(&u, &t) == OK ? t : (struct text){0};
}

static bool
span_is_text(struct text span)
{
	struct unpacker u;

	unpack_init(&u, span);
	return unpack_peek(&u) == PACK_TEXT;
}

/* only_entry gives key and value of a map that has exactly one. */
static bool
only_entry(struct text span, struct text *key, struct text *value)
{
	struct unpacker u;
	uint32_t count;

	unpack_init(&u, span);
	return unpack_map(&u, &count) == OK && count == 1 &&
	    unpack_text(&u, key) == OK && unpack_raw(&u, value) == OK;
}

static bool
read_text_list(struct text span, struct arena *arena, uint32_t max,
    struct text **list, uint32_t *count)
{
	struct unpacker u;
	uint32_t n;

	unpack_init(&u, span);
	if (unpack_array(&u, &n) != OK || n > max)
		return false;
	*list = ARENA_ARRAY(arena, struct text, n + 1);
	*count = n;
	for (uint32_t i = 0; i < n; i++)
		if (unpack_text(&u, &(*list)[i]) != OK)
			return false;
	return true;
}

/* target_of_list reads [module, function, args]; args may be left out. */
static bool
target_of_list(struct text span, struct function_target *to, struct text *args)
{
	struct unpacker u;
	uint32_t count;

	unpack_init(&u, span);
	return unpack_array(&u, &count) == OK && (count == 2 || count == 3) &&
	    unpack_text(&u, &to->module) == OK &&
	    unpack_text(&u, &to->function) == OK &&
	    (count == 2 || unpack_raw(&u, args) == OK);
}

/* read_args takes a list of arguments, which may be absent or null. */
static bool
read_args(struct text args, struct function_target *to)
{
	struct unpacker u;

	if (args.len == 0 || is_nil(args))
		return true;
	unpack_init(&u, args);
	if (unpack_array(&u, &to->arg_count) != OK)
		return false;
	to->args = args;
	return true;
}

/* args_of finds the arguments beside the other keys of a map. */
static struct text
args_of(struct text map)
{
	struct text args;

	return unpack_map_find(map, TEXT("args"), &args) == OK
	    ? args
	    : (struct text){0};
}

/* read_target takes {module, function, args} or the same as a list. */
static bool
read_target(struct text span, struct function_target *to)
{
	struct text args = {0};

	*to = (struct function_target){0};
	if (!target_of_list(span, to, &args)) {
		if (unpack_field_text(span, "module", &to->module) != OK ||
		    unpack_field_text(span, "function", &to->function) != OK)
			return false;
		args = args_of(span);
	}
	if (!read_args(args, to))
		return false;
	to->is_valid = to->module.len > 0 && to->function.len > 0;
	return to->is_valid;
}

/* read_hook takes a name, {hook: name, args}, or a target. */
static struct function_hook
read_hook(struct text span)
{
	struct function_hook h = {.option = FUNCTION_ABSENT};
	bool is_good;

	if (is_nil(span))
		return h;
	h.name = text_in(span);
	if (span_is_text(span))
		is_good = h.name.len > 0;
	else if (unpack_field_text(span, "hook", &h.name) == OK)
		is_good = h.name.len > 0 && read_args(args_of(span), &h.target);
	else
		is_good = read_target(span, &h.target);
	h.option = is_good ? FUNCTION_GIVEN : FUNCTION_BROKEN;
	return h;
}

static enum function_option
read_option_target(struct text span, struct function_target *target)
{
	if (is_nil(span))
		return FUNCTION_ABSENT;
	return read_target(span, target) ? FUNCTION_GIVEN : FUNCTION_BROKEN;
}

static void
read_request_type(struct function *f, struct arena *arena, struct text span)
{
	(void)arena;
	f->request_type = text_in(span);
}

static void
read_service(struct function *f, struct arena *arena, struct text span)
{
	(void)arena;
	f->service = text_in(span);
}

static void
read_nodes(struct function *f, struct arena *arena, struct text span)
{
	struct text key, value;

	if (text_is(text_in(span), "local")) {
		f->nodes_kind = FUNCTION_NODES_LOCAL;
	} else if (only_entry(span, &key, &value)) {
		if (text_is(key, "resolver") &&
		    read_target(value, &f->resolver))
			f->nodes_kind = FUNCTION_NODES_RESOLVER;
	} else if (read_text_list(span, arena, FUNCTION_NODES, &f->nodes,
		       &f->node_count) &&
	    f->node_count > 0) {
		f->nodes_kind = FUNCTION_NODES_LIST;
		for (uint32_t i = 0; i < f->node_count; i++)
			if (f->nodes[i].len == 0)
				f->nodes_kind = FUNCTION_NODES_INVALID;
	}
}

static void
read_pool(struct function *f, struct arena *arena, struct text span)
{
	(void)arena;
	f->pool = text_in(span);
	f->is_pool_valid = is_nil(span) || f->pool.len > 0;
}

static void
read_choose(struct function *f, struct arena *arena, struct text span)
{
	struct text word = text_in(span), key, value;

	(void)arena;
	f->choose = FUNCTION_CHOOSE_INVALID;
	if (text_is(word, "random"))
		f->choose = FUNCTION_CHOOSE_RANDOM;
	else if (text_is(word, "round_robin"))
		f->choose = FUNCTION_CHOOSE_ROUND_ROBIN;
	else if (text_is(word, "hash"))
		f->choose = FUNCTION_CHOOSE_HASH;
	if (!only_entry(span, &key, &value))
		return;
	f->choose_key = text_in(value);
	if (text_is(key, "hash") && span_is_text(value))
		f->choose = FUNCTION_CHOOSE_HASH_KEY;
	else if (text_is(key, "sticky") && span_is_text(value))
		f->choose = FUNCTION_CHOOSE_STICKY;
	else if (text_is(key, "custom") && read_target(value, &f->chooser))
		f->choose = FUNCTION_CHOOSE_CUSTOM;
}

static void
read_timeout(struct function *f, struct arena *arena, struct text span)
{
	struct unpacker u;
	uint64_t ms;

	(void)arena;
	unpack_init(&u, span);
	f->timeout_ms = 0;
	if (text_is(text_in(span), "infinity"))
		f->timeout_ms = FUNCTION_NO_TIMEOUT;
	else if (unpack_u64(&u, &ms) == OK && ms >= FUNCTION_TIMEOUT_MIN_MS &&
	    ms <= FUNCTION_TIMEOUT_MAX_MS)
		f->timeout_ms = (uint32_t)ms;
}

static void
read_mfa(struct function *f, struct arena *arena, struct text span)
{
	(void)arena;
	/* what was not read stays empty, and rule 6 of the check says so */
	(void)read_target(span, &f->target);
}

static void
read_arg_types(struct function *f, struct arena *arena, struct text span)
{
	struct unpacker u;

	(void)arena;
	unpack_init(&u, span);
	f->arg_types = is_nil(span) ? (struct text){0} : span;
	f->is_arg_types_valid = is_nil(span) || unpack_peek(&u) == PACK_MAP;
}

static void
read_arg_orders(struct function *f, struct arena *arena, struct text span)
{
	f->orders_kind = FUNCTION_ORDERS_INVALID;
	if (is_nil(span))
		f->orders_kind = FUNCTION_ORDERS_NULL;
	else if (text_is(text_in(span), "map"))
		f->orders_kind = FUNCTION_ORDERS_MAP;
	else if (read_text_list(span, arena, FUNCTION_ARGUMENTS, &f->orders,
		     &f->order_count))
		f->orders_kind = FUNCTION_ORDERS_LIST;
}

static void
read_response(struct function *f, struct arena *arena, struct text span)
{
	struct text word = text_in(span);

	(void)arena;
	f->response = FUNCTION_RESPONSE_INVALID;
	for (int r = FUNCTION_SYNC; r <= FUNCTION_NONE; r++)
		if (text_is(word, function_response_name(r)))
			f->response = r;
}

static void
read_request_info(struct function *f, struct arena *arena, struct text span)
{
	struct unpacker u;

	(void)arena;
	unpack_init(&u, span);
	f->is_request_info_valid = unpack_bool(&u, &f->request_info) == OK;
}

/* "disabled" and "idempotent": not validated; what is no true is false. */
static void
read_disabled(struct function *f, struct arena *arena, struct text span)
{
	struct unpacker u;

	(void)arena;
	unpack_init(&u, span);
	if (unpack_bool(&u, &f->disabled) != OK)
		f->disabled = false;
}

static void
read_idempotent(struct function *f, struct arena *arena, struct text span)
{
	struct unpacker u;

	(void)arena;
	unpack_init(&u, span);
	if (unpack_bool(&u, &f->idempotent) != OK)
		f->idempotent = false;
}

static void
read_permission(struct function *f, struct arena *arena, struct text span)
{
	struct text key, value;
	struct unpacker u;
	bool is_asked;

	(void)arena;
	unpack_init(&u, span);
	f->permission = FUNCTION_PERMISSION_INVALID;
	if (unpack_bool(&u, &is_asked) == OK && !is_asked)
		f->permission = FUNCTION_PERMISSION_FALSE;
	else if (text_is(text_in(span), "any_authenticated"))
		f->permission = FUNCTION_PERMISSION_AUTHENTICATED;
	if (!only_entry(span, &key, &value))
		return;
	unpack_init(&u, value);
	if (text_is(key, "arg") && span_is_text(value)) {
		f->permission = FUNCTION_PERMISSION_ARG;
		f->permission_arg = text_in(value);
	} else if (text_is(key, "role") && unpack_peek(&u) == PACK_ARRAY) {
		f->permission = FUNCTION_PERMISSION_ROLE;
		f->permission_roles = value;
	}
}

static void
read_permission_callback(
    struct function *f, struct arena *arena, struct text span)
{
	(void)arena;
	f->permission_callback = read_option_target(span, &f->callback);
}

static void
read_before(struct function *f, struct arena *arena, struct text span)
{
	(void)arena;
	f->before_execute = read_hook(span);
}

static void
read_after(struct function *f, struct arena *arena, struct text span)
{
	(void)arena;
	f->after_execute = read_hook(span);
}

static void
read_encoder(struct function *f, struct arena *arena, struct text span)
{
	(void)arena;
	f->result_encoder = read_hook(span);
}

/* read_positive cuts a number above 0 down to a count: 0.5 is none at all. */
static bool
read_positive(struct text span, uint32_t *count)
{
	struct unpacker u;
	double number;
	uint64_t whole;

	unpack_init(&u, span);
	if (unpack_u64(&u, &whole) == OK) {
		*count = whole < UINT32_MAX ? (uint32_t)whole : UINT32_MAX;
		return whole > 0;
	}
	if (unpack_f64(&u, &number) != OK || !(number > 0))
		return false;
	*count = number < UINT32_MAX ? (uint32_t)number : UINT32_MAX;
	return true;
}

static void
read_retry(struct function *f, struct arena *arena, struct text span)
{
	struct text key, value = span;

	(void)arena;
	if (is_nil(span)) {
		f->retry = FUNCTION_ABSENT;
		return;
	}
	if (only_entry(span, &key, &value)) {
		if (text_is(key, "same_node"))
			f->retry_mode = FUNCTION_RETRY_SAME_NODE;
		else if (!text_is(key, "all_nodes"))
			value = (struct text){0};
	}
	f->retry = read_positive(value, &f->retry_count) ? FUNCTION_GIVEN
							 : FUNCTION_BROKEN;
}

static void
read_hook_timeout(struct function *f, struct arena *arena, struct text span)
{
	struct unpacker u;
	uint64_t ms;

	(void)arena;
	unpack_init(&u, span);
	f->hook_timeout_ms =
	    unpack_u64(&u, &ms) == OK && ms < UINT32_MAX ? (uint32_t)ms : 0;
}

static void
read_version(struct function *f, struct arena *arena, struct text span)
{
	(void)arena;
	f->version = text_in(span);
	f->is_version_valid = is_nil(span) ||
	    (span_is_text(span) && !version_is_none(f->version));
}

static const struct {
	const char *key;
	read_field *read;
} fields[] = {
    {"request_type", read_request_type},
    {"service", read_service},
    {"nodes", read_nodes},
    {"pool", read_pool},
    {"choose_node_mode", read_choose},
    {"timeout", read_timeout},
    {"mfa", read_mfa},
    {"arg_types", read_arg_types},
    {"arg_orders", read_arg_orders},
    {"response_type", read_response},
    {"request_info", read_request_info},
    {"check_permission", read_permission},
    {"permission_callback", read_permission_callback},
    {"version", read_version},
    {"disabled", read_disabled},
    {"idempotent", read_idempotent},
    {"retry", read_retry},
    {"before_execute", read_before},
    {"after_execute", read_after},
    {"hook_timeout", read_hook_timeout},
    {"result_encoder", read_encoder},
};

enum err
function_read(struct text span, struct arena *arena, struct function *f)
{
	*f = (struct function){
	    .is_version_valid = true,
	    .is_pool_valid = true,
	    .choose = FUNCTION_CHOOSE_RANDOM,
	    .timeout_ms = FUNCTION_DEFAULT_TIMEOUT,
	    .is_arg_types_valid = true,
	    .orders_kind = FUNCTION_ORDERS_LIST,
	    .response = FUNCTION_SYNC,
	    .is_request_info_valid = true,
	    .permission = FUNCTION_PERMISSION_FALSE,
	    .hook_timeout_ms = FUNCTION_HOOK_TIMEOUT_MS,
	    .span = span,
	};
	for (size_t i = 0; i < COUNT_OF(fields); i++) {
		struct text value;
		enum err e =
		    unpack_map_find(span, text_of(fields[i].key), &value);

		if (e == OK)
			fields[i].read(f, arena, value);
		else if (e != ERR_NOT_FOUND)
			return e;
	}
	return OK;
}
