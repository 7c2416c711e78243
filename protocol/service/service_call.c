// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * Arguments are spans into the message, found once when the call comes in.
 * After the handler has returned they would point into memory the link reuses,
 * so a call kept for later has none.
 */

#include "protocol/base/memory.h"
#include "protocol/service/service_private.h"

enum {
	ANSWER_MOST = LINK_MAX_BYTES,
	ANSWER_KEEP = 16 * 1024, /* a buffer kept by a free call */
};

static struct service_call *
take_call(struct service *s)
{
	struct service_call *call = s->free_calls;

	if (call != NULL) {
		s->free_calls = call->next;
	} else {
		call = MEMORY_NEW(struct service_call);
		buffer_init(&call->answer, ANSWER_MOST);
	}
	call->service = s;
	call->next = s->open_calls;
	call->before = NULL;
	if (s->open_calls != NULL)
		s->open_calls->before = call;
	s->open_calls = call;
	return call;
}

static void
give_back(struct service_call *call)
{
	struct service *s = call->service;

	if (call->before != NULL)
		call->before->next = call->next;
	else
		s->open_calls = call->next;
	if (call->next != NULL)
		call->next->before = call->before;
	buffer_truncate(&call->answer, 0);
	if (call->answer.size > ANSWER_KEEP)
		buffer_release(&call->answer);
	call->next = s->free_calls;
	s->free_calls = call;
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

/* answer_itself serves what every service has; true: it was one of them. */
static bool
answer_itself(
    struct service *s, struct link_session *session, const struct link_frame *f)
{
	struct buffer small;
	struct packer p;

	if (text_is(f->function, "get_config")) {
		link_session_result(session, f->id, buffer_text(&s->config));
		return true;
	}
	if (!text_is(f->function, "get_config_version"))
		return false;
	buffer_init(&small, 64);
	pack_init(&p, &small);
	pack_string(&p, s->version);
	link_session_result(session, f->id, buffer_text(&small));
	buffer_finish(&small);
	return true;
}

void
service_on_call(
    void *ctx, struct link_session *session, const struct link_frame *f)
{
	struct service *s = ctx;
	const struct service_function *function = service_find(s, f->function);

	if (function == NULL) {
		if (!answer_itself(s, session, f))
			link_session_error(session, f->id, TEXT("not_found"),
			    TEXT("the service has no such function"));
		return;
	}
	struct service_call *call = take_call(s);
	call->session = session;
	call->id = f->id;
	call->function = function;
	call->is_cancelled = false;
	call->facts = f->facts;
	call->deadline_ms =
	    f->number > 0 ? loop_now_ms(s->loop) + f->number : 0;
	pack_init(&call->packer, &call->answer);
	find_arguments(call, f->args);
	function->run(call, function->ctx);
	/* if it is still open, its arguments are not there any more; if it is
	 * not, this touches a free one, which is harmless */
	call->arg_count = 0;
	call->facts = (struct text){0};
}

void
service_on_cancel(void *ctx, struct link_session *session, uint64_t id)
{
	struct service *s = ctx;

	for (struct service_call *c = s->open_calls; c != NULL; c = c->next)
		if (c->id == id && c->session == session)
			c->is_cancelled = true;
}

void
service_on_gone(void *ctx, struct link_session *session, enum link_fault fault)
{
	struct service *s = ctx;

	(void)fault;
	for (struct service_call *c = s->open_calls; c != NULL; c = c->next)
		if (c->session == session)
			c->session = NULL;
}

const char *
service_function_name(const struct service_call *call)
{
	return call->function->name;
}

uint32_t
service_deadline_ms(const struct service_call *call)
{
	uint64_t now_ms = loop_now_ms(call->service->loop);

	if (call->deadline_ms == 0)
		return UINT32_MAX;
	return call->deadline_ms > now_ms
	    ? (uint32_t)(call->deadline_ms - now_ms)
	    : 0;
}

bool
service_is_cancelled(const struct service_call *call)
{
	return call->is_cancelled || call->session == NULL ||
	    service_deadline_ms(call) == 0;
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

void
service_done(struct service_call *call)
{
	struct pack_limits limits = {PACK_DEPTH, LINK_NODES};

	if (buffer_used(&call->answer) == 0)
		pack_nil(&call->packer);
	/* a map of three with two fields would garble the whole message */
	bool is_whole = pack_finish(&call->packer) == OK &&
	    pack_check(buffer_text(&call->answer), limits) == OK;
	if (call->session != NULL && is_whole)
		link_session_result(
		    call->session, call->id, buffer_text(&call->answer));
	else if (call->session != NULL)
		link_session_error(call->session, call->id, TEXT("bad_result"),
		    TEXT("the service's answer is not one whole value"));
	give_back(call);
}

void
service_fail(struct service_call *call, const char *code, const char *text)
{
	if (call->session != NULL)
		link_session_error(
		    call->session, call->id, text_of(code), text_of(text));
	give_back(call);
}
