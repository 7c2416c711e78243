// SPDX-License-Identifier: MIT
/*
 * phoenix_fuzz - any bytes as an envelope of each form, with a request in it:
 * what is read must be writable as an answer, and the answer valid UTF-8.
 */

#include <stdint.h>
#include <stdlib.h>

#include "workers/gateway/answer.h"
#include "workers/gateway/phoenix.h"
#include "workers/gateway/phoenix_binary.h"
#include "workers/gateway/request.h"
#include "workers/gateway/session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What one input needs; made anew each time, so nothing carries over. */
struct bench {
	struct arena arena;
	struct buffer payload;
	struct buffer args;
	struct buffer out;
	struct session session;
};

static const struct channel_rule rule = {
    .topic = {.at = "a*", .len = 2},
    .event = {.at = "e", .len = 1},
    .event_json = {.at = "\"e\"", .len = 3},
};
static const struct channel_rules rules = {&rule, 1, 2};

static void
answer(struct bench *b, const struct phoenix_message *m,
    const struct request *r, enum err e, const struct request_error *error)
{
	const struct answer_to to = {
	    .address = m->from,
	    .event = rule.event_json,
	    .request_id = r->id_json,
	    .request_type = TEXT("\"t\""),
	};
	const struct answer_error refused = {
	    .code = ANSWER_invalid_payload,
	    .text = {error->text, error->len},
	    .is_refused = true,
	    .reply = {error->text, error->len},
	};

	if (e == OK && r->args.len > 0 &&
	    pack_check(r->args, PACK_LIMITS) != OK)
		abort();
	e = e == OK
	    ? answer_put_result(&b->out, &to, ANSWER_FINAL, TEXT("\xc0"), NULL)
	    : answer_put_error(&b->out, &to, &refused);
	/* binary frames have no room for names above 255 bytes */
	if (e != OK && !phoenix_is_binary(m->from.form))
		abort();
}

static void
read_request(struct bench *b, struct phoenix_message *m)
{
	struct request r = {.id_json = TEXT("\"unknown\"")};
	struct request_error error = {.len = 0};
	struct packer args;
	enum err e = OK;

	pack_init(&args, &b->args);
	if (m->from.form == PHOENIX_V2_BINARY)
		e = phoenix_binary_payload(m, &b->payload);
	if (e == OK)
		e = request_read(&m->payload, &b->arena, &args, &r, &error);
	if (e == OK)
		e = phoenix_end(m);
	answer(b, m, &r, e, &error);
}

/* read_stop reads what stop_stream carries; a name it gives has its bytes. */
static void
read_stop(struct bench *b, struct phoenix_message *m)
{
	struct text id;
	enum err e = OK;

	if (m->from.form == PHOENIX_V2_BINARY)
		e = phoenix_binary_payload(m, &b->payload);
	if (e == OK && request_read_id(&m->payload, &b->arena, &id) == OK &&
	    phoenix_end(m) == OK && !text_is_utf8(id))
		abort();
}

static void
take(struct bench *b, enum phoenix_form form, struct text frame)
{
	struct session_verdict v;
	struct phoenix_message m;

	if (phoenix_read(form, frame, &b->arena, &m) != OK)
		return;
	session_take(&b->session, &rules, &m, &v);
	if (v.move == SESSION_REQUEST || text_eq(m.event, rule.event))
		read_request(b, &m);
	else if (text_is(m.event, "stop_stream"))
		read_stop(b, &m);
	else if (phoenix_skip_payload(&m) == OK &&
	    phoenix_put_reply(&b->out, &m.from, true, TEXT("{}")) != OK &&
	    form != PHOENIX_V2_BINARY)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum phoenix_form forms[] = {
	    PHOENIX_V1, PHOENIX_V2, PHOENIX_V2_BINARY};
	struct text frame = {(const char *)data, (uint32_t)size};

	if (size > 100000)
		return 0;
	for (size_t i = 0; i < COUNT_OF(forms); i++) {
		struct bench b;

		arena_init(&b.arena);
		buffer_init(&b.payload, 8 << 20);
		buffer_init(&b.args, 8 << 20);
		buffer_init(&b.out, 8 << 20);
		session_init(&b.session);
		take(&b, forms[i], frame);
		arena_finish(&b.arena);
		buffer_finish(&b.payload);
		buffer_finish(&b.args);
		buffer_finish(&b.out);
		session_finish(&b.session);
	}
	return 0;
}
