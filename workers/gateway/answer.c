// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * A result is written straight from msgpack into the client's buffer between
 * two runs of constant text. A binary frame gets the same keys in msgpack, and
 * the result as the service packed it: bin stays bin, an ext stays one.
 */

#include "workers/gateway/answer.h"

#include <stdio.h>
#include <string.h>

enum {
	QUOTE_BYTES = 64,
	ANSWER_BYTES = 64 << 20 /* of one binary answer, before it is packed */
};

static const struct {
	const char *name;
	uint32_t retry_after_ms;
	bool can_retry;
} codes[] = {
#define A(name, can, after, counter) {#name, after, can},
    ANSWER_CODES(A)
#undef A
};

const char *
answer_code_name(enum answer_code code)
{
	return codes[code].name;
}

bool
answer_code_of(struct text name, enum answer_code *code)
{
	for (*code = 0; *code < ANSWER_CODES_COUNT; (*code)++)
		if (text_is(name, codes[*code].name))
			return true;
	return false;
}

bool
answer_can_retry(enum answer_code code)
{
	return codes[code].can_retry;
}

/* What put_object writes: one of the two. */
struct object {
	const struct answer_to *to;
	struct text result;
	struct json_stats *stats;
	enum answer_shape shape;
	const struct answer_error *error; /* NULL: a success */
};

static enum err
put_success(struct buffer *b, const struct object *o)
{
#define TAIL(async, has_more) \
	",\"success\":true,\"error\":null,\"async\":" async \
	",\"has_more\":" has_more ",\"can_retry\":false}"
#define AS_TEXT(literal) \
	{ \
		.at = (literal), .len = sizeof(literal) - 1 \
	}
	static const struct text tails[] = {
	    [ANSWER_FINAL] = AS_TEXT(TAIL("false", "false")),
	    [ANSWER_LAST] = AS_TEXT(TAIL("true", "false")),
	    [ANSWER_PART] = AS_TEXT(TAIL("true", "true")),
	};
#undef AS_TEXT
#undef TAIL
	enum err e = buffer_append_text(b, TEXT("{\"request_id\":"));

	if (e == OK)
		e = buffer_append_text(b, o->to->request_id);
	if (e == OK)
		e = buffer_append_text(b, TEXT(",\"result\":"));
	if (e == OK)
		e = pack_to_json(o->result, b, o->stats);
	if (e == OK)
		e = buffer_append_text(b, tails[o->shape]);
	return e;
}

/* retry_after, in milliseconds: the caller's word, else the code's own. */
static uint32_t
retry_after(const struct answer_error *error)
{
	return error->retry_after_ms > 0 ? error->retry_after_ms
					 : codes[error->code].retry_after_ms;
}

static enum err
put_failure(struct buffer *b, const struct answer_to *to,
    const struct answer_error *error)
{
	uint32_t after = retry_after(error);
	enum err e = buffer_append_text(b, TEXT("{\"request_id\":"));

	if (e == OK)
		e = buffer_append_text(b, to->request_id);
	if (e == OK)
		e = buffer_append_text(
		    b, TEXT(",\"result\":null,\"success\":false,\"error\":"));
	if (e == OK)
		e = json_put_text(b, error->text, NULL);
	if (e == OK)
		e = buffer_printf(b,
		    ",\"async\":false,\"has_more\":false,\"can_retry\":%s,"
		    "\"code\":\"%s\"",
		    codes[error->code].can_retry ? "true" : "false",
		    codes[error->code].name);
	if (e == OK && codes[error->code].can_retry)
		e = buffer_printf(b, ",\"retry_after_ms\":%u", after);
	return e == OK ? buffer_append_text(b, TEXT("}")) : e;
}

static enum err
put_object(struct buffer *b, const struct object *o)
{
	return o->error == NULL ? put_success(b, o)
				: put_failure(b, o->to, o->error);
}

/* pack_object writes the same keys as put_object, in the same order. */
static enum err
pack_object(struct buffer *b, const struct object *o)
{
	const struct answer_error *error = o->error;
	bool can_retry = error != NULL && codes[error->code].can_retry;
	struct packer p;

	pack_init(&p, b);
	pack_map(&p, 7u + (error != NULL) + can_retry);
	pack_string(&p, "request_id");
	enum err e = json_to_pack(o->to->request_id, b, JSON_LIMITS, NULL);
	if (e != OK)
		return e;
	pack_string(&p, "result");
	if (error == NULL)
		pack_raw(&p, o->result);
	else
		pack_nil(&p);
	pack_field_bool(&p, "success", error == NULL);
	pack_string(&p, "error");
	if (error == NULL)
		pack_nil(&p);
	else
		pack_text(&p, error->text);
	pack_field_bool(&p, "async", o->shape != ANSWER_FINAL);
	pack_field_bool(&p, "has_more", o->shape == ANSWER_PART);
	pack_field_bool(&p, "can_retry", can_retry);
	if (error != NULL)
		pack_field_string(&p, "code", codes[error->code].name);
	if (can_retry)
		pack_field_u64(&p, "retry_after_ms", retry_after(error));
	return pack_finish(&p);
}

static enum err
push(struct buffer *b, const struct object *o)
{
	struct phoenix_address address = o->to->address;
	size_t frame = 0;

	address.ref = TEXT("null");
	enum err e = phoenix_open(b, &address, o->to->event, &frame);
	if (e == OK && address.form == PHOENIX_V2_BINARY)
		e = pack_object(b, o);
	else if (e == OK)
		e = put_object(b, o);
	return e == OK ? phoenix_shut(b, address.form, frame) : e;
}

/* put_reply says `ok` with the function's name, or the bare message. */
static enum err
put_reply(struct buffer *b, const struct object *o)
{
	struct buffer json;

	if (o->error == NULL || !o->error->is_refused)
		return phoenix_put_reply(
		    b, &o->to->address, true, o->to->request_type);
	buffer_init(&json, ANSWER_BYTES);
	enum err e = json_put_text(&json, o->error->reply, NULL);
	if (e == OK)
		e = phoenix_put_reply(
		    b, &o->to->address, false, buffer_text(&json));
	buffer_finish(&json);
	return e;
}

/* put_both appends the push and the reply if it is due, or nothing. */
static enum err
put_both(struct buffer *b, const struct object *o)
{
	size_t before = buffer_used(b);
	enum err e = push(b, o);

	if (e == OK && !o->to->is_replied)
		e = put_reply(b, o);
	if (e != OK)
		buffer_truncate(b, before);
	return e;
}

enum err
answer_put_result(struct buffer *b, const struct answer_to *to,
    enum answer_shape shape, struct text result, struct json_stats *stats)
{
	return put_both(b,
	    &(struct object){
		.to = to, .shape = shape, .result = result, .stats = stats});
}

enum err
answer_put_error(struct buffer *b, const struct answer_to *to,
    const struct answer_error *error)
{
	return put_both(b, &(struct object){.to = to, .error = error});
}

enum err
answer_put_reply(struct buffer *b, const struct answer_to *to)
{
	return phoenix_put_reply(b, &to->address, true, to->request_type);
}

/* whole_letters shortens a cut text so that it does not end inside one. */
static uint32_t
whole_letters(struct text t, uint32_t len)
{
	while (len > 0 && ((unsigned char)t.at[len] & 0xc0) == 0x80)
		len--;
	return len;
}

enum err
answer_quote(struct buffer *b, struct text t)
{
	if (t.len > QUOTE_BYTES)
		t.len = whole_letters(t, QUOTE_BYTES);
	return json_put_text(b, t, NULL);
}
