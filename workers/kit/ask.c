// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * One line per asked role carries all questions, told apart by their ids.
 * "add" or "restart" must not run twice: a question that was handed over and
 * not answered when the line is lost fails; one that was not goes to the next
 * life.
 */

#include "workers/kit/ask.h"

#include "protocol/base/buffer.h"
#include "protocol/base/clock.h"
#include "protocol/base/memory.h"
#include "protocol/endpoint.h"
#include "protocol/pack.h"
#include "workers/kit/inside.h"
#include "workers/kit/line.h"
#include "workers/kit/route.h"

enum {
	ENVELOPE_BYTES = 64 /* at most, around op and args */
};

#define ID_BIT 0x80000000u

struct asker {
	struct worker *worker;
	enum role role;
	uint32_t instance;
	struct line line;
	struct ask *first; /* in the order they were asked */
	uint32_t last_id;
	struct asker *next;
};

struct ask {
	struct asker *asker;
	struct ask *next;
	struct buffer question; /* until it is sent */
	struct loop_timer deadline;
	enum err unasked; /* why it fails at once */
	uint32_t id;      /* 0: not sent yet */
	bool is_done;
	ask_done *done;
	void *ctx_of_asker;
};

/* --- the answer --- */

static void
reply_of_failure(struct ask_reply *reply, enum err e)
{
	reply->err = e;
	reply->class =
	    e == ERR_TIMEOUT ? TEXT(CLASS_TIMEOUT) : TEXT(CLASS_UNAVAILABLE);
	reply->message = e == ERR_TIMEOUT ? TEXT("no answer in time")
	    : e == ERR_CLOSED             ? TEXT("it died before it answered")
					  : TEXT("it could not be asked");
}

static void
read_reply(struct ask_reply *reply, struct text raw)
{
	struct text error;

	reply->raw = raw;
	if (pack_check(raw, (struct pack_limits){PACK_DEPTH, 1 << 20}) != OK ||
	    unpack_field_bool(raw, "ok", &reply->is_ok) != OK) {
		reply_of_failure(reply, ERR_MALFORMED);
		return;
	}
	reply->err = OK;
	if (reply->is_ok) {
		if (unpack_map_find(raw, TEXT("result"), &reply->result) != OK)
			reply->result = TEXT("\xc0");
		return;
	}
	if (unpack_map_find(raw, TEXT("error"), &error) != OK)
		error = TEXT("\x80");
	if (unpack_field_text(error, "class", &reply->class) != OK)
		reply->class = TEXT(CLASS_INTERNAL);
	if (unpack_field_text(error, "message", &reply->message) != OK)
		reply->message = TEXT("an error without a message");
	if (unpack_field_text(error, "hint", &reply->hint) != OK)
		reply->hint = TEXT("");
}

static void
unlink_ask(struct ask *q)
{
	struct asker *a = q->asker;
	struct ask **at = &a->first;

	while (*at != q)
		at = &(*at)->next;
	*at = q->next;
	loop_timer_stop(a->worker->loop, &q->deadline);
	buffer_finish(&q->question);
	line_want(&a->line, a->first != NULL);
}

static void
finish(struct ask *q, const struct ask_reply *reply)
{
	unlink_ask(q);
	q->is_done = true; /* who cancels it now comes too late */
	q->done(q->ctx_of_asker, reply);
	memory_free(q);
}

static void
fail(struct ask *q, enum err e)
{
	struct ask_reply reply = {.err = OK};

	reply_of_failure(&reply, e);
	finish(q, &reply);
}

static void
too_late(void *ctx)
{
	struct ask *q = ctx;

	fail(q, q->unasked != OK ? q->unasked : ERR_TIMEOUT);
}

/* --- the line to one role --- */

static void
send_waiting(void *ctx)
{
	struct asker *a = ctx;

	for (struct ask *q = a->first; q != NULL; q = q->next) {
		if (!line_is_ready(&a->line))
			return;
		if (q->id != 0 || q->unasked != OK)
			continue;
		uint32_t id = ++a->last_id | ID_BIT;
		if (line_send(&a->line, id, buffer_text(&q->question)) != OK)
			return; /* `lost` follows; it goes to the next life */
		q->id = id;
		buffer_finish(&q->question);
	}
}

static void
replied(void *ctx, uint32_t id, struct text body)
{
	struct asker *a = ctx;
	struct ask_reply reply = {.err = OK};
	struct ask *q = a->first;

	while (q != NULL && q->id != id)
		q = q->next;
	if (q == NULL)
		return; /* nobody waits for it any more */
	read_reply(&reply, body);
	finish(q, &reply);
}

static struct ask *
first_sent(struct asker *a)
{
	struct ask *q = a->first;

	while (q != NULL && q->id == 0)
		q = q->next;
	return q;
}

static void
lost(void *ctx)
{
	struct asker *a = ctx;
	struct ask *q;

	while ((q = first_sent(a)) != NULL)
		fail(q, ERR_CLOSED);
}

static struct asker *
find_asker(struct worker *w, enum role role, uint32_t instance)
{
	static const struct line_events events = {
	    .ready = send_waiting, .reply = replied, .lost = lost};
	char path[ENDPOINT_PATH] = "";
	struct asker *a = w->asker;

	while (a != NULL && (a->role != role || a->instance != instance))
		a = a->next;
	if (a != NULL)
		return a;
	a = MEMORY_NEW(struct asker);
	a->worker = w;
	a->role = role;
	a->instance = instance;
	a->next = w->asker;
	w->asker = a;
	enum err e = endpoint_path(w->runtime_dir, role, instance, path);
	INVARIANT(e == OK);
	line_init(&a->line, worker_hub(w), path, &events, a);
	return a;
}

/* --- the question --- */

static enum err
pack_question(const struct ask_question *question, struct buffer *to)
{
	struct packer p;

	buffer_init(to, ENDPOINT_MOST_BYTES - ENVELOPE_BYTES);
	pack_init(&p, to);
	pack_map(&p, 3);
	pack_string(&p, "op");
	pack_string(&p, question->op);
	pack_string(&p, "args");
	pack_raw(&p, question->args.len > 0 ? question->args : TEXT("\x80"));
	pack_string(&p, "v");
	pack_u64(&p, 1);
	return pack_finish(&p);
}

struct ask *
ask(struct worker *w, const struct ask_question *question)
{
	struct ask *q = MEMORY_NEW(struct ask);
	struct asker *a = find_asker(w, question->role, question->instance);
	struct ask **last = &a->first;

	q->asker = a;
	q->done = question->done;
	q->ctx_of_asker = question->ctx;
	q->unasked = pack_question(question, &q->question);
	q->deadline = (struct loop_timer){.due = too_late, .ctx = q};
	loop_timer_start(w->loop, &q->deadline,
	    q->unasked != OK ? 0 : clock_mono_ms() + question->deadline_ms);
	while (*last != NULL)
		last = &(*last)->next;
	*last = q;
	line_want(&a->line, true);
	send_waiting(a);
	return q;
}

void
ask_cancel(struct ask **ask)
{
	struct ask *q = *ask;

	*ask = NULL;
	if (q == NULL || q->is_done)
		return;
	unlink_ask(q);
	memory_free(q);
}
