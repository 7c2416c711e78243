// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * One nng REQ socket per asked role, one context and one aio per question.
 * Resending is off: nng's REQ repeats a request when its peer comes back, and
 * "add" or "restart" must not run twice. What was handed to a role that died
 * fails at once instead (NNG_ECONNRESET).
 *
 * An ipc dialer of nng 1.5.2 stops redialling for ever when a peer closes in
 * the middle of the handshake. So a question that nobody took for PATIENCE_MS
 * while there is no pipe throws the socket away, which is safe as nothing
 * flows in, and goes to a new one: it was never sent, so it still runs once.
 * Others that wait at the old socket hear NNG_ECLOSED and do the same.
 */

#include "workers/kit/ask.h"

#include <nng/nng.h>
#include <nng/protocol/reqrep0/req.h>
#include <stdatomic.h>

#include "protocol/base/buffer.h"
#include "protocol/base/clock.h"
#include "protocol/base/memory.h"
#include "protocol/endpoint.h"
#include "protocol/pack.h"
#include "workers/kit/inside.h"
#include "workers/kit/route.h"

enum {
	PATIENCE_MS = 250,
	REDIAL_FIRST_MS = 5,
	REDIAL_MOST_MS = 50
};

struct asker {
	struct worker *worker;
	enum role role;
	uint32_t instance;
	nng_socket socket;
	bool is_open;
	atomic_int pipes; /* connected right now */
	uint32_t open_asks;
	struct asker *next;
};

struct ask {
	struct asker *asker;
	nng_ctx ctx;
	nng_aio *aio;
	struct loop_post post;
	uint64_t until_ms;
	bool has_context;
	bool is_sent;
	bool is_cancelled;
	enum err refused; /* it never came as far as nng */
	ask_done *done;
	void *ctx_of_asker;
};

/* --- the socket to one role --- */

/* pipe_changed runs on nng's threads: an atomic, nothing else. */
static void
pipe_changed(nng_pipe pipe, nng_pipe_ev event, void *ctx)
{
	struct asker *a = ctx;

	(void)pipe;
	atomic_fetch_add(&a->pipes, event == NNG_PIPE_EV_ADD_POST ? 1 : -1);
}

static void
close_asker(struct asker *a)
{
	if (a->is_open)
		nng_close(a->socket);
	a->is_open = false;
	atomic_store(&a->pipes, 0);
}

static int
open_asker(struct asker *a)
{
	char url[ENDPOINT_URL];
	int failure;

	if (a->is_open)
		return 0;
	if (endpoint_url(a->worker->runtime_dir, a->role, a->instance, url) !=
	    OK)
		return NNG_EADDRINVAL;
	failure = nng_req0_open(&a->socket);
	if (failure != 0)
		return failure;
	a->is_open = true;
	nng_pipe_notify(a->socket, NNG_PIPE_EV_ADD_POST, pipe_changed, a);
	nng_pipe_notify(a->socket, NNG_PIPE_EV_REM_POST, pipe_changed, a);
	nng_socket_set_ms(
	    a->socket, NNG_OPT_REQ_RESENDTIME, NNG_DURATION_INFINITE);
	nng_socket_set_ms(a->socket, NNG_OPT_RECONNMINT, REDIAL_FIRST_MS);
	nng_socket_set_ms(a->socket, NNG_OPT_RECONNMAXT, REDIAL_MOST_MS);
	nng_socket_set_size(a->socket, NNG_OPT_RECVMAXSZ, ENDPOINT_MOST_BYTES);
	return nng_dial(a->socket, url, NULL, NNG_FLAG_NONBLOCK);
}

static struct asker *
find_asker(struct worker *w, enum role role, uint32_t instance)
{
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
	return a;
}

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
destroy(struct ask *q)
{
	struct asker *a = q->asker;

	if (q->has_context)
		nng_ctx_close(q->ctx);
	nng_aio_free(q->aio);
	memory_free(q);
	a->open_asks--;
}

static void
finish(struct ask *q, struct ask_reply *reply)
{
	struct asker *a = q->asker;
	bool is_stuck = reply->err != OK && atomic_load(&a->pipes) == 0;

	if (!q->is_cancelled)
		q->done(q->ctx_of_asker, reply);
	destroy(q);
	if (is_stuck && a->open_asks == 0)
		close_asker(a);
}

static enum err
err_of(int failure)
{
	switch (failure) {
	case NNG_ETIMEDOUT:
		return ERR_TIMEOUT;
	case NNG_ECONNRESET:
	case NNG_ECLOSED:
		return ERR_CLOSED;
	default:
		return ERR_SYSTEM;
	}
}

/* remaining_ms never gives 0, which nng reads as "at once" and never waits */
static nng_duration
remaining_ms(const struct ask *q)
{
	uint64_t now_ms = clock_mono_ms();

	return q->until_ms > now_ms ? (nng_duration)(q->until_ms - now_ms) : 1;
}

/* send_it hands the question to nng, or fails and leaves it ours. */
static enum err
send_it(struct ask *q, nng_msg *message)
{
	nng_duration left_ms = remaining_ms(q);

	if (open_asker(q->asker) != 0 ||
	    nng_ctx_open(&q->ctx, q->asker->socket) != 0)
		return ERR_SYSTEM;
	q->has_context = true;
	nng_ctx_set_ms(q->ctx, NNG_OPT_REQ_RESENDTIME, NNG_DURATION_INFINITE);
	nng_aio_set_msg(q->aio, message);
	nng_aio_set_timeout(
	    q->aio, left_ms < PATIENCE_MS ? left_ms : PATIENCE_MS);
	nng_ctx_send(q->ctx, q->aio);
	return OK;
}

/* was_sent_again: nobody had taken it, and there is time left. */
static bool
was_sent_again(struct ask *q, int failure)
{
	struct asker *a = q->asker;

	if ((failure != NNG_ETIMEDOUT && failure != NNG_ECLOSED) ||
	    q->is_cancelled || clock_mono_ms() >= q->until_ms)
		return false;
	nng_ctx_close(q->ctx);
	q->has_context = false;
	if (failure == NNG_ETIMEDOUT && atomic_load(&a->pipes) == 0)
		close_asker(a);
	return send_it(q, nng_aio_get_msg(q->aio)) == OK;
}

static void
take_turn(void *ctx)
{
	struct ask *q = ctx;
	struct ask_reply reply = {.err = OK};
	int failure = 0;

	if (q->refused != OK) {
		reply_of_failure(&reply, q->refused);
		finish(q, &reply);
		return;
	}
	failure = (int)nng_aio_result(q->aio);
	if (failure != 0) {
		if (!q->is_sent && was_sent_again(q, failure))
			return;
		if (!q->is_sent)
			nng_msg_free(nng_aio_get_msg(q->aio));
		reply_of_failure(&reply, err_of(failure));
		finish(q, &reply);
		return;
	}
	if (!q->is_sent) {
		q->is_sent = true;
		nng_aio_set_timeout(q->aio, remaining_ms(q));
		nng_ctx_recv(q->ctx, q->aio);
		return;
	}
	nng_msg *message = nng_aio_get_msg(q->aio);
	read_reply(&reply,
	    (struct text){.at = nng_msg_body(message),
		.len = (uint32_t)nng_msg_len(message)});
	finish(q, &reply);
	nng_msg_free(message);
}

/* aio_done runs on nng's threads: it only knocks. */
static void
aio_done(void *ctx)
{
	struct ask *q = ctx;

	loop_post(q->asker->worker->loop, &q->post);
}

/* --- the question --- */

static enum err
pack_question(const struct ask_question *question, nng_msg **message)
{
	struct buffer bytes;
	struct packer p;
	enum err e;

	buffer_init(&bytes, ENDPOINT_MOST_BYTES - 64);
	pack_init(&p, &bytes);
	pack_map(&p, 3);
	pack_string(&p, "op");
	pack_string(&p, question->op);
	pack_string(&p, "args");
	pack_raw(&p, question->args.len > 0 ? question->args : TEXT("\x80"));
	pack_string(&p, "v");
	pack_u64(&p, 1);
	e = pack_finish(&p);
	if (e == OK && nng_msg_alloc(message, 0) != 0)
		e = ERR_SYSTEM;
	else if (e == OK &&
	    nng_msg_append(*message, buffer_at(&bytes), buffer_used(&bytes)) !=
		0)
		e = ERR_SYSTEM;
	buffer_finish(&bytes);
	return e;
}

static enum err
send_question(struct ask *q, const struct ask_question *question)
{
	nng_msg *message;
	enum err e = pack_question(question, &message);

	if (e == OK && (e = send_it(q, message)) != OK)
		nng_msg_free(message);
	return e;
}

struct ask *
ask(struct worker *w, const struct ask_question *question)
{
	struct ask *q = MEMORY_NEW(struct ask);

	q->asker = find_asker(w, question->role, question->instance);
	q->asker->open_asks++;
	q->until_ms = clock_mono_ms() + question->deadline_ms;
	q->done = question->done;
	q->ctx_of_asker = question->ctx;
	q->post = (struct loop_post){.run = take_turn, .ctx = q};
	loop_post_register(w->loop, &q->post);
	int failure = nng_aio_alloc(&q->aio, aio_done, q);
	INVARIANT(failure == 0);
	q->refused = send_question(q, question);
	if (q->refused != OK)
		loop_post(w->loop, &q->post);
	return q;
}

void
ask_cancel(struct ask **ask)
{
	if (*ask == NULL)
		return;
	(*ask)->is_cancelled = true;
	nng_aio_abort((*ask)->aio, NNG_ECANCELED);
	*ask = NULL;
}
