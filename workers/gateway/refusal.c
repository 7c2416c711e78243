// SPDX-License-Identifier: MIT
#include "workers/gateway/refusal.h"

#include <string.h>

#include "workers/gateway/foreseen.h"
#include "workers/gateway/gateway.h"
#include "workers/gateway/request_news.h"
#include "workers/gateway/settle.h"
#include "workers/gateway/tracing.h"

static const enum counter counters[] = {
#define A(name, can, after, counter) COUNTER_gateway_##counter,
    ANSWER_CODES(A)
#undef A
};

static const enum function_count function_counts[] = {
#define A(name, can, after, counter) FUNCTION_COUNT_##counter,
    ANSWER_CODES(A)
#undef A
};

/* name_type: an `ok` reply carries the function's name as JSON. */
static void
name_type(struct refusal *to)
{
	struct gateway *g = to->gateway;
	struct buffer b;

	if (to->request == NULL || to->to.request_type.len > 2)
		return;
	buffer_init(&b, (size_t)to->request->request_type.len * 6 + 2);
	if (json_put_text(&b, to->request->request_type, NULL) == OK)
		to->to.request_type = arena_text(&g->arena, buffer_text(&b));
	buffer_finish(&b);
}

void
refusal_count(struct gateway *g, struct compiled *function,
    const struct answer_error *error, uint64_t arrived_us)
{
	COUNT(g, failed);
	stats_time(g->slot, HISTOGRAM_gateway_failed_us,
	    arrived_us > 0 ? loop_now_us(g->loop) - arrived_us : 0);
	stats_add(g->slot, counters[error->code], 1);
	if (function != NULL)
		function_stats_count(gateway_counts_of(g, function),
		    function_counts[error->code]);
}

void
refusal_write(struct client *c, const struct answer_to *to,
    const struct answer_error *error)
{
	enum err e = answer_put_error(client_out(c), to, error);
	client_written(c, e != OK ? 0 : to->is_replied ? 1 : 2);
	if (e != OK)
		client_is_slow(c);
}

static void
refuse_gone(struct refusal *to)
{
	if (to->function != NULL)
		COUNT_FOR(to->gateway, to->function, client_gone);
	else
		COUNT(to->gateway, client_gone);
}

static void
refuse(struct refusal *to, const struct answer_error *error)
{
	if (to->foreseen != NULL) {
		*to->foreseen = (struct foreseen){.is_refused = true,
		    .code = error->code,
		    .text = error->text,
		    .retry_after_ms = error->retry_after_ms};
		return;
	}
	if (to->call != NULL) {
		settle_say(to->gateway, to->call, error);
		return;
	}
	tracing_failed(to->traced, error->code, error->text);
	request_news_refused(to, error);
	if (to->client->state != CLIENT_OPEN) {
		refuse_gone(to); /* it was cut in this very turn */
		return;
	}
	name_type(to);
	refusal_count(to->gateway, to->function, error, to->arrived_us);
	refusal_write(to->client, &to->to, error);
}

void
refuse_after(struct refusal *to, enum answer_code code, struct text text,
    uint32_t retry_after_ms)
{
	refuse(to,
	    &(struct answer_error){
		.code = code, .text = text, .retry_after_ms = retry_after_ms});
}

void
refuse_text(struct refusal *to, enum answer_code code, const char *text)
{
	refuse_after(to, code, text_of(text), 0);
}

void
refuse_reply(struct refusal *to, enum answer_code code, struct text text,
    struct text reply)
{
	refuse(to,
	    &(struct answer_error){.code = code,
		.text = text,
		.is_refused = true,
		.reply = reply});
}

void
refuse_request(struct refusal *to, const struct request_error *error)
{
	struct arena *arena = &to->gateway->arena;
	struct text message = {.at = error->text, .len = error->len};

	refuse_reply(to,
	    error->is_missing_field ? ANSWER_missing_field
				    : ANSWER_invalid_payload,
	    arena_printf(arena, "Invalid request: %.*s", TEXT_ARG(message)),
	    message);
}

void
refuse_argument(struct refusal *to, const struct argument_error *error)
{
	struct arena *arena = &to->gateway->arena;

	refuse_after(to, ANSWER_invalid_argument,
	    arena_printf(
		arena, "Invalid request: %.*s", (int)error->len, error->text),
	    0);
}

/* cut keeps a stranger's name short in our text, whole letters only. */
static struct text
cut(struct text t)
{
	enum {
		MOST = 256
	};

	if (t.len <= MOST)
		return t;
	t.len = MOST;
	while (t.len > 0 && ((unsigned char)t.at[t.len] & 0xc0) == 0x80)
		t.len--;
	return t;
}

void
refuse_function(struct refusal *to, const struct request *r, const char *why)
{
	bool is_disabled = strcmp(why, "disabled") == 0;

	/* who may not know the rules is not told them: the log and `banyan
	   flow` tell which target it was */
	if (strcmp(why, "denied") == 0) {
		refuse_after(to, ANSWER_denied, TEXT(ANSWER_TEXT_DENIED), 0);
		return;
	}
	struct arena *arena = &to->gateway->arena;
	struct text version =
	    r->version.len > 0 ? cut(r->version) : TEXT("latest");

	refuse_after(to, is_disabled ? ANSWER_disabled : ANSWER_not_found,
	    arena_printf(arena, "%s function: %.*s version %.*s",
		is_disabled ? "disabled" : "unsupported",
		TEXT_ARG(cut(r->request_type)), TEXT_ARG(version)),
	    0);
}

void
refuse_internal(struct refusal *to, enum answer_code code, const char *detail)
{
	struct gateway *g = to->gateway;

	if (!gateway_tells_details(g))
		refuse_text(to, code, ANSWER_TEXT_INTERNAL);
	else
		refuse_after(to, code,
		    arena_printf(
			&g->arena, ANSWER_TEXT_INTERNAL ": %s", detail),
		    0);
}

void
refuse_failed(struct refusal *to, enum answer_code code, const char *detail)
{
	if (code == ANSWER_unavailable || code == ANSWER_draining)
		refuse_text(to, code, ANSWER_TEXT_UNAVAILABLE);
	else
		refuse_internal(to, code, detail);
}

void
refuse_service(struct refusal *to, struct text message)
{
	struct gateway *g = to->gateway;
	struct buffer quoted;

	if (!gateway_tells_details(g)) {
		refuse_text(to, ANSWER_internal, ANSWER_TEXT_INTERNAL);
		return;
	}
	buffer_init(&quoted, 4096);
	if (answer_quote(&quoted, message) == OK)
		refuse_after(to, ANSWER_internal,
		    arena_printf(&g->arena,
			ANSWER_TEXT_INTERNAL ": {:error, %.*s}",
			TEXT_ARG(buffer_text(&quoted))),
		    0);
	else
		refuse_text(to, ANSWER_internal, ANSWER_TEXT_INTERNAL);
	buffer_finish(&quoted);
}
