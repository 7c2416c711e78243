// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * "Anything else goes on" is the reference's rule for a before hook, and holds
 * for answers that say neither "ok" nor "error". One that says "ok" and then
 * brings no request is a hook that meant to change something: going on with
 * what it wanted changed would be worse than ending the call.
 */

#include "workers/gateway/hook_answer.h"

#include "protocol/function.h"
#include "protocol/pack.h"
#include "protocol/unpack.h"

static const struct text nil_value = {.at = "\xc0", .len = 1};

static enum pack_type
type_of(struct text span)
{
	struct unpacker u;

	unpack_init(&u, span);
	return unpack_peek(&u);
}

void
hook_put_response(
    struct packer *p, struct text request_id, const struct hook_response *r)
{
	bool can_retry = !r->is_success && answer_can_retry(r->code);

	pack_map(p, r->is_success ? 7 : 8);
	pack_string(p, "request_id");
	pack_text(p, request_id);
	pack_string(p, "result");
	pack_raw(p, r->is_success ? r->result : nil_value);
	pack_field_bool(p, "success", r->is_success);
	pack_string(p, "error");
	if (r->is_success)
		pack_nil(p);
	else
		pack_text(p, r->error);
	pack_field_bool(p, "async", r->is_success && r->shape != ANSWER_FINAL);
	pack_field_bool(
	    p, "has_more", r->is_success && r->shape == ANSWER_PART);
	pack_field_bool(p, "can_retry", can_retry);
	if (!r->is_success)
		pack_field_string(p, "code", answer_code_name(r->code));
}

/* field finds what stands under a key: false when there is nothing, or null;
 * `is_wrong` when the map cannot be read. */
static bool
field(struct text map, const char *key, struct text *value, bool *is_wrong)
{
	enum err e = unpack_map_find(map, text_of(key), value);

	if (e != OK && e != ERR_NOT_FOUND)
		*is_wrong = true;
	return e == OK && type_of(*value) != PACK_NIL;
}

/* has_names: a map as JSON can make one, its keys are texts. */
static bool
has_names(struct text map)
{
	struct unpacker u;
	struct text key;
	uint32_t count;

	unpack_init(&u, map);
	if (unpack_map(&u, &count) != OK)
		return false;
	while (count-- > 0)
		if (unpack_text(&u, &key) != OK || unpack_skip(&u) != OK)
			return false;
	return true;
}

static bool
read_request(struct text request, struct hook_before *to)
{
	bool is_wrong = type_of(request) != PACK_MAP;
	struct unpacker u;
	struct text value;

	if (!is_wrong && field(request, "args", &value, &is_wrong)) {
		is_wrong |= !has_names(value);
		to->args = value;
	}
	if (is_wrong ||
	    unpack_map_find(request, TEXT("device_id"), &value) != OK)
		return !is_wrong;
	to->has_device_id = true;
	unpack_init(&u, value);
	return unpack_peek(&u) == PACK_NIL ||
	    unpack_text(&u, &to->device_id) == OK;
}

static bool
read_timeout(struct text value, uint32_t *timeout_ms)
{
	struct unpacker u;
	struct text word;
	uint64_t ms;

	unpack_init(&u, value);
	if (unpack_text(&u, &word) == OK) {
		*timeout_ms = FUNCTION_NO_TIMEOUT;
		return text_is(word, "infinity");
	}
	if (unpack_u64(&u, &ms) != OK || ms < FUNCTION_TIMEOUT_MIN_MS ||
	    ms > FUNCTION_TIMEOUT_MAX_MS)
		return false;
	*timeout_ms = (uint32_t)ms;
	return true;
}

static bool
read_config(struct text config, struct hook_before *to)
{
	bool is_wrong = false;
	struct text value;

	if (type_of(config) == PACK_NIL)
		return true;
	if (type_of(config) != PACK_MAP)
		return false;
	if (field(config, "timeout", &value, &is_wrong))
		is_wrong |= !read_timeout(value, &to->timeout_ms);
	return !is_wrong;
}

/* opens_with reads the head of a list and the word it begins with. */
static bool
opens_with(
    struct unpacker *u, struct text answer, uint32_t *count, struct text *word)
{
	unpack_init(u, answer);
	return unpack_array(u, count) == OK && *count > 0 &&
	    unpack_text(u, word) == OK;
}

void
hook_read_before(struct text answer, struct hook_before *to)
{
	struct text word, request, config = nil_value;
	struct unpacker u;
	uint32_t count;

	*to = (struct hook_before){.verdict = HOOK_CONTINUES};
	if (!opens_with(&u, answer, &count, &word))
		return;
	if (text_is(word, "error")) {
		if (count == 2 && unpack_raw(&u, &to->reason) == OK)
			to->verdict = HOOK_REJECTS;
		return;
	}
	if (!text_is(word, "ok"))
		return;
	bool is_good = (count == 2 || count == 3) &&
	    unpack_raw(&u, &request) == OK &&
	    (count == 2 || unpack_raw(&u, &config) == OK) &&
	    read_request(request, to) && read_config(config, to);
	to->verdict = is_good ? HOOK_CHANGES : HOOK_ANSWERS_WRONG;
}

bool
hook_read_encoded(struct text answer, struct text *reason)
{
	struct unpacker u;
	struct text word;
	uint32_t count;

	return !opens_with(&u, answer, &count, &word) || count != 2 ||
	    !text_is(word, "error") || unpack_raw(&u, reason) != OK;
}

static bool
is_same_integer(struct unpacker *a, struct unpacker *b)
{
	uint64_t large, other;
	int64_t small, another;

	if (unpack_u64(a, &large) == OK)
		return unpack_u64(b, &other) == OK && large == other;
	return unpack_i64(a, &small) == OK && unpack_i64(b, &another) == OK &&
	    small == another;
}

/* is_same_head compares the next value of both, of containers the head. */
static bool
is_same_head(struct unpacker *a, struct unpacker *b)
{
	struct text bytes, others;
	uint32_t count, other;

	switch (unpack_peek(a)) {
	case PACK_TEXT:
		return unpack_text(a, &bytes) == OK &&
		    unpack_text(b, &others) == OK && text_eq(bytes, others);
	case PACK_BIN:
		return unpack_bin(a, &bytes) == OK &&
		    unpack_bin(b, &others) == OK && text_eq(bytes, others);
	case PACK_ARRAY:
		return unpack_array(a, &count) == OK &&
		    unpack_array(b, &other) == OK && count == other;
	case PACK_MAP:
		return unpack_map(a, &count) == OK &&
		    unpack_map(b, &other) == OK && count == other;
	case PACK_INT:
		return is_same_integer(a, b);
	case PACK_NIL:
	case PACK_BOOL:
	case PACK_FLOAT:
	case PACK_EXT:
		return unpack_raw(a, &bytes) == OK &&
		    unpack_raw(b, &others) == OK && text_eq(bytes, others);
	case PACK_END:
	case PACK_BROKEN:
		break;
	}
	return false;
}

/* is_same_value: lengths are written in more ways than one, so a value that
 * another packer has had in hand has other bytes. */
static bool
is_same_value(struct text value, struct text other)
{
	struct unpacker a, b;

	unpack_init(&a, value);
	unpack_init(&b, other);
	while (!unpack_is_done(&a) && unpack_peek(&a) == unpack_peek(&b))
		if (!is_same_head(&a, &b))
			return false;
	return unpack_is_done(&a) && unpack_is_done(&b);
}

static bool
is_same(const struct hook_response *a, const struct hook_response *b)
{
	if (a->is_success != b->is_success)
		return false;
	return a->is_success
	    ? is_same_value(a->result, b->result)
	    : a->code == b->code && text_eq(a->error, b->error);
}

/* read_failure: without a code of its own it keeps that of the error it was
 * shown. */
static bool
read_failure(struct text answer, const struct hook_response *was,
    struct hook_response *now)
{
	bool is_wrong = false;
	struct text value, name;
	struct unpacker u;

	if (unpack_field_text(answer, "error", &now->error) != OK ||
	    now->error.len == 0)
		return false;
	if (was->is_success)
		now->code = ANSWER_internal;
	if (field(answer, "code", &value, &is_wrong)) {
		unpack_init(&u, value);
		is_wrong |= unpack_text(&u, &name) != OK ||
		    !answer_code_of(name, &now->code);
	}
	if (was->is_success || now->code != was->code)
		now->retry_after_ms = 0;
	return !is_wrong;
}

enum hook_after
hook_read_after(struct text answer, const struct hook_response *was,
    struct hook_response *now)
{
	bool is_wrong = false;

	*now = *was;
	if (type_of(answer) == PACK_NIL)
		return HOOK_KEEPS;
	if (unpack_field_bool(answer, "success", &now->is_success) != OK)
		return HOOK_NO_RESPONSE;
	if (!now->is_success)
		is_wrong = !read_failure(answer, was, now);
	else if (!field(answer, "result", &now->result, &is_wrong))
		now->result = nil_value;
	if (is_wrong)
		return HOOK_NO_RESPONSE;
	return is_same(was, now) ? HOOK_KEEPS : HOOK_REPLACES;
}
