// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * Arguments are spans into the message, found once when the call comes in.
 * After the handler has returned they would point into memory the host reuses,
 * so a call kept for later has none.
 *
 * What a service puts is checked when it leaves: a map of three with two
 * fields would garble the whole message it travels in. A stream that cannot go
 * on (such a part, or one no message could carry) is answered here, at once;
 * its handler learns it as a cancel.
 */

#include "protocol/service/service_call.h"

#include <string.h>

#include "protocol/base/memory.h"
#include "protocol/link/link.h"

enum {
	ANSWER_MOST = LINK_MAX_BYTES,
	ANSWER_KEEP = 16 * 1024, /* a buffer kept by a free call */
};

void
service_call_init(struct service_call *call, const struct service_ops *ops)
{
	*call = (struct service_call){.ops = ops};
	buffer_init(&call->answer, ANSWER_MOST);
}

void
service_call_finish(struct service_call *call)
{
	buffer_finish(&call->answer);
	memory_free(call->state);
	call->state = NULL;
}

static void
find_arguments(struct service_call *call, struct text args)
{
	struct unpacker u;
	uint32_t count = 0;

	unpack_init(&u, args);
	if (unpack_array(&u, &count) != OK)
		count = 0;
	call->arg_count = count < SERVICE_ARGUMENTS ? count : SERVICE_ARGUMENTS;
	for (uint32_t i = 0; i < call->arg_count; i++)
		if (unpack_raw(&u, &call->args[i]) != OK)
			call->arg_count = i;
}

void
service_call_begin(struct service_call *call, struct text args)
{
	atomic_store_explicit(&call->is_cancelled, false, memory_order_relaxed);
	call->is_settled = call->is_ended = false;
	pack_init(&call->packer, &call->answer);
	find_arguments(call, args);
}

void
service_call_forget(struct service_call *call)
{
	call->arg_count = 0;
	call->facts = (struct text){0};
}

static void
empty_answer(struct service_call *call)
{
	buffer_truncate(&call->answer, 0);
	pack_init(&call->packer, &call->answer);
}

void
service_call_end(struct service_call *call)
{
	empty_answer(call);
	if (call->answer.size > ANSWER_KEEP)
		buffer_release(&call->answer);
	memory_free(call->state);
	call->state = NULL;
}

bool
service_call_refuse(struct service_call *call)
{
	const char *response = call->function->response;

	if (call->is_stream || response == NULL ||
	    strcmp(response, "stream") != 0)
		return false;
	call->ops->error(call, TEXT("bad_result"),
	    TEXT("this function answers in a stream, and the call is none"));
	return true;
}

const char *
service_function_name(const struct service_call *call)
{
	return call->function->name;
}

uint32_t
service_deadline_ms(const struct service_call *call)
{
	if (call->deadline_ms == 0)
		return UINT32_MAX;
	uint64_t now_ms = call->ops->now_ms(call);
	return call->deadline_ms > now_ms
	    ? (uint32_t)(call->deadline_ms - now_ms)
	    : 0;
}

bool
service_is_cancelled(const struct service_call *call)
{
	return atomic_load_explicit(
		   &call->is_cancelled, memory_order_relaxed) ||
	    call->is_settled || service_deadline_ms(call) == 0;
}

static void
hand_out(struct text from, struct service_text *to)
{
	*to = (struct service_text){.at = from.at, .len = from.len};
}

/* caller_map: the facts of the frame, or the last argument (request_info). */
static struct text
caller_map(const struct service_call *call)
{
	struct unpacker u;

	unpack_init(&u, call->facts);
	if (unpack_peek(&u) == PACK_MAP || call->arg_count == 0)
		return call->facts;
	return call->args[call->arg_count - 1];
}

bool
service_caller(
    const struct service_call *call, const char *fact, struct service_text *to)
{
	struct text value;

	if (unpack_field_text(caller_map(call), fact, &value) != OK)
		return false;
	hand_out(value, to);
	return true;
}

uint32_t
service_arg_count(const struct service_call *call)
{
	return call->arg_count;
}

static bool
open_arg(const struct service_call *call, uint32_t i, struct unpacker *u)
{
	if (i >= call->arg_count)
		return false;
	unpack_init(u, call->args[i]);
	return true;
}

bool
service_arg_text(
    const struct service_call *call, uint32_t i, struct service_text *to)
{
	struct unpacker u;
	struct text value;

	if (!open_arg(call, i, &u) || unpack_text(&u, &value) != OK)
		return false;
	hand_out(value, to);
	return true;
}

bool
service_arg_i64(const struct service_call *call, uint32_t i, int64_t *to)
{
	struct unpacker u;

	return open_arg(call, i, &u) && unpack_i64(&u, to) == OK;
}

bool
service_arg_f64(const struct service_call *call, uint32_t i, double *to)
{
	struct unpacker u;
	int64_t whole;

	if (!open_arg(call, i, &u))
		return false;
	if (unpack_i64(&u, &whole) == OK) { /* 3 is a number as well as 3.0 */
		*to = (double)whole;
		return true;
	}
	return unpack_f64(&u, to) == OK;
}

bool
service_arg_bool(const struct service_call *call, uint32_t i, bool *to)
{
	struct unpacker u;

	return open_arg(call, i, &u) && unpack_bool(&u, to) == OK;
}

bool
service_arg_is_null(const struct service_call *call, uint32_t i)
{
	struct unpacker u;

	return !open_arg(call, i, &u) || unpack_peek(&u) == PACK_NIL;
}

bool
service_field_text(const struct service_call *call, uint32_t i, const char *key,
    struct service_text *to)
{
	struct text value;

	if (i >= call->arg_count ||
	    unpack_field_text(call->args[i], key, &value) != OK)
		return false;
	hand_out(value, to);
	return true;
}

bool
service_field_i64(
    const struct service_call *call, uint32_t i, const char *key, int64_t *to)
{
	struct text value;
	struct unpacker u;

	if (i >= call->arg_count ||
	    unpack_map_find(call->args[i], text_of(key), &value) != OK)
		return false;
	unpack_init(&u, value);
	return unpack_i64(&u, to) == OK;
}

void
service_put_null(struct service_call *call)
{
	pack_nil(&call->packer);
}

void
service_put_bool(struct service_call *call, bool value)
{
	pack_bool(&call->packer, value);
}

void
service_put_i64(struct service_call *call, int64_t value)
{
	pack_i64(&call->packer, value);
}

void
service_put_f64(struct service_call *call, double value)
{
	pack_f64(&call->packer, value);
}

void
service_put_text(struct service_call *call, const char *at, uint32_t len)
{
	pack_text(&call->packer, (struct text){.at = at, .len = len});
}

void
service_put_string(struct service_call *call, const char *s)
{
	pack_string(&call->packer, s);
}

void
service_put_array(struct service_call *call, uint32_t count)
{
	pack_array(&call->packer, count);
}

void
service_put_map(struct service_call *call, uint32_t count)
{
	pack_map(&call->packer, count);
}

void
service_put_field(struct service_call *call, const char *key, const char *value)
{
	pack_string(&call->packer, key);
	pack_string(&call->packer, value);
}

void
service_put_arg(struct service_call *call, uint32_t i)
{
	if (i < call->arg_count)
		pack_raw(&call->packer, call->args[i]);
	else
		pack_nil(&call->packer);
}

/* is_whole: what was put is exactly one value; nothing put is null. */
static bool
is_whole(struct service_call *call)
{
	/* more would break the message that carries it, not this call alone */
	struct pack_limits limits = {LINK_VALUE_DEPTH, LINK_VALUE_NODES};

	if (buffer_used(&call->answer) == 0)
		pack_nil(&call->packer);
	return pack_finish(&call->packer) == OK &&
	    pack_check(buffer_text(&call->answer), limits) == OK;
}

static void
settle(struct service_call *call, const char *why)
{
	call->is_settled = true;
	call->ops->error(call, TEXT("bad_result"), text_of(why));
}

/* send_part: why it cannot be sent, or NULL. */
static const char *
send_part(struct service_call *call, bool *is_sent)
{
	*is_sent = false;
	if (!call->is_stream)
		return "the function sends parts, and the call is no stream";
	if (!is_whole(call))
		return "a part of the stream is not one whole value";
	enum err e = call->ops->chunk(call, buffer_text(&call->answer));
	*is_sent = e == OK;
	return e == ERR_TOO_BIG
	    ? "a part of the stream is larger than the link takes"
	    : NULL;
}

bool
service_chunk(struct service_call *call)
{
	bool is_sent = false;
	const char *fault = NULL;

	if (!service_is_cancelled(call))
		fault = send_part(call, &is_sent);
	empty_answer(call);
	if (fault != NULL)
		settle(call, fault);
	return is_sent;
}

uint32_t
service_credit(struct service_call *call)
{
	if (!call->is_stream || service_is_cancelled(call))
		return 0;
	return call->ops->credit(call);
}

static void
answer(struct service_call *call)
{
	if (call->is_stream && buffer_used(&call->answer) == 0 &&
	    pack_finish(&call->packer) == OK)
		call->ops->end(call);
	else if (is_whole(call))
		call->ops->result(call, buffer_text(&call->answer));
	else
		call->ops->error(call, TEXT("bad_result"),
		    TEXT("the service's answer is not one whole value"));
}

/* end_once: a second end would be the answer to somebody else's call. */
static void
end_once(struct service_call *call)
{
	INVARIANT(!call->is_ended);
	call->is_ended = true;
}

void
service_done(struct service_call *call)
{
	end_once(call);
	if (!call->is_settled)
		answer(call);
	call->ops->release(call);
}

void
service_fail(struct service_call *call, const char *code, const char *text)
{
	end_once(call);
	if (!call->is_settled)
		call->ops->error(call, text_of(code), text_of(text));
	call->ops->release(call);
}

void
service_give_up(struct service_call *call, void *ctx)
{
	(void)ctx;
	service_fail(call, "expired", "nobody waits for it any more");
}

void *
service_state(struct service_call *call, size_t bytes)
{
	if (call->state == NULL) {
		call->state = memory_new(bytes);
		call->state_bytes = bytes;
	}
	INVARIANT(bytes <= call->state_bytes);
	return call->state;
}

void
service_later(struct service_call *call, uint32_t ms,
    void (*run)(struct service_call *, void *ctx))
{
	call->ops->later(call, ms, run);
}
