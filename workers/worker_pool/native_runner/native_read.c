// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * Calls of one read are given to the queue together, so that the decision how
 * many threads they are worth sees all of them. A frame about a call that is
 * open (CANCEL, CREDIT) first closes the batch, for the call may be in it.
 */

#include "workers/worker_pool/native_runner/native.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol/base/clock.h"
#include "protocol/base/memory.h"
#include "protocol/handover.h"

enum {
	READ_BYTES = 64 * 1024,
	KEEP_BYTES = 256 * 1024,
};

struct batch {
	struct native_call *first, *last;
	uint32_t count;
	uint64_t total_us;
	bool is_worker;
};

static struct native_call *
take_spare(struct native *n)
{
	if (n->spare == NULL) {
		pthread_mutex_lock(&n->lock);
		n->spare = n->free_calls;
		n->free_calls = NULL;
		pthread_mutex_unlock(&n->lock);
	}
	struct native_call *c = n->spare;
	if (c != NULL) {
		n->spare = c->next;
		return c;
	}
	c = MEMORY_NEW(struct native_call);
	service_call_init(&c->call, &native_ops);
	buffer_init(&c->message, RUNNER_MAX_BYTES);
	c->native = n;
	return c;
}

/* own copies the spans: the frame they lie in is gone before the call runs. */
static void
own(struct native_call *c, const struct link_frame *f, struct text *args,
    struct text *facts)
{
	uint8_t *to;
	enum err e =
	    buffer_reserve(&c->message, f->args.len + f->facts.len, &to);

	INVARIANT(e == OK); /* a frame is no longer than the buffer's limit */
	*args = (struct text){(char *)to, f->args.len};
	*facts = (struct text){(char *)to + f->args.len, f->facts.len};
	memcpy(to, f->args.at, f->args.len);
	if (f->facts.len > 0)
		memcpy(to + f->args.len, f->facts.at, f->facts.len);
	buffer_commit(&c->message, f->args.len + f->facts.len);
}

static void
refuse(struct native *n, uint64_t id, struct text code, const char *text)
{
	enum err e = outbox_error(&n->out, id, code, text_of(text));

	INVARIANT(e == OK);
}

static void
on_call(struct native *n, const struct link_frame *f, struct batch *batch)
{
	struct plugin_function *target =
	    plugins_find(&n->plugins, f->module, f->function);
	struct text args;

	if (f->id == 0)
		native_die(
		    EXIT_TRY_AGAIN, "the pool sent a call without an id");
	if (n->is_draining || target == NULL) {
		refuse(n, f->id,
		    target == NULL ? TEXT("not_found") : TEXT("not_dispatched"),
		    target == NULL ? "no plug-in here has this function"
				   : "the runner is draining");
		return;
	}
	struct native_call *c = take_spare(n);
	c->target = target;
	own(c, f, &args, &c->call.facts);
	c->call.id = f->id;
	c->call.function = target->function;
	c->call.is_stream = f->credit > 0;
	c->call.deadline_ms = f->number > 0 ? clock_mono_ms() + f->number : 0;
	c->credit = f->credit < LINK_CREDIT_MOST ? (int64_t)f->credit
						 : LINK_CREDIT_MOST;
	c->chunks = 0;
	c->is_released = c->is_told = c->is_dry = c->has_leave = false;
	service_call_begin(&c->call, args);
	c->next = NULL;
	if (batch->last != NULL)
		batch->last->next = c;
	else
		batch->first = c;
	batch->last = c;
	batch->count++;
	batch->total_us += estimate_us(&target->estimate);
}

/* hand_over puts the batch into the queue and wakes whom it is worth. */
static void
hand_over(struct native *n, struct batch *batch)
{
	struct native_call *c = batch->first, *next;

	if (batch->count == 0)
		return;
	pthread_mutex_lock(&n->lock);
	for (; c != NULL; c = next) {
		next = c->next;
		if (link_calls_find(&n->open, c->call.id) != NULL)
			native_die(EXIT_TRY_AGAIN, "the pool gave an id twice");
		(void)link_calls_put(&n->open, c->call.id, c);
		n->in_use++;
		(void)native_call_step(c, NATIVE_RUN);
	}
	uint32_t helpers =
	    estimate_helpers(batch->total_us, n->ready_count, n->idle_count);
	if (!batch->is_worker && helpers == 0)
		helpers = 1; /* the keeper runs nothing itself */
	while (helpers-- > 0 && native_wake_one(n))
		;
	pthread_mutex_unlock(&n->lock);
	batch->first = batch->last = NULL;
	batch->count = 0;
	batch->total_us = 0;
}

static void
on_cancel(struct native *n, uint64_t id)
{
	pthread_mutex_lock(&n->lock);
	struct link_entry *entry = link_calls_find(&n->open, id);
	if (entry != NULL)
		native_call_cancel(entry->call);
	pthread_mutex_unlock(&n->lock);
}

static void
on_credit(struct native *n, uint64_t id, uint64_t bytes)
{
	pthread_mutex_lock(&n->lock);
	struct link_entry *entry = link_calls_find(&n->open, id);
	struct native_call *c = entry != NULL ? entry->call : NULL;
	if (c != NULL) {
		c->credit += bytes < LINK_CREDIT_MOST ? (int64_t)bytes
						      : LINK_CREDIT_MOST;
		if (c->credit > LINK_CREDIT_MOST)
			c->credit = LINK_CREDIT_MOST;
		if (c->is_dry && c->credit > 0 && !c->is_told) {
			c->is_dry = false;
			(void)native_call_step(c, NATIVE_ROOM);
		}
	}
	pthread_mutex_unlock(&n->lock);
}

static void
on_draining(struct native *n)
{
	pthread_mutex_lock(&n->lock);
	n->is_draining = true;
	pthread_cond_signal(&n->keeper);
	pthread_mutex_unlock(&n->lock);
}

static void
on_frame(struct native *n, const struct link_frame *f, struct batch *batch)
{
	if (f->kind == FRAME_CALL) {
		on_call(n, f, batch);
		return;
	}
	hand_over(n, batch);
	if (f->kind == FRAME_CANCEL) {
		on_cancel(n, f->id);
	} else if (f->kind == FRAME_CREDIT) {
		on_credit(n, f->id, f->number);
	} else if (f->kind == FRAME_DRAINING) {
		on_draining(n);
	} else if (f->kind == FRAME_PING) {
		enum err e = outbox_plain(&n->out, FRAME_PING, f->id);

		INVARIANT(e == OK);
	}
}

static void
say_garbage(enum err e)
{
	native_die(
	    EXIT_TRY_AGAIN, "the pool sent what is no frame (%s)", err_name(e));
}

static void
take_frames(struct native *n, struct batch *batch, size_t *wanted)
{
	struct link_frame frame;

	for (;;) {
		enum err e = runner_read(buffer_at(&n->in), buffer_used(&n->in),
		    n->max_bytes, &frame, wanted);

		if (e == ERR_AGAIN)
			return;
		if (e != OK)
			say_garbage(e);
		on_frame(n, &frame, batch);
		buffer_consume(&n->in, *wanted);
	}
}

/*
 * receive takes what is there; false: nothing is. One that fills its room may
 * have left something behind; after any other the next read has to wait, and
 * goes to poll at once.
 */
static bool
receive(struct native *n, size_t wanted, int flags)
{
	size_t used = buffer_used(&n->in);
	size_t room = wanted > used + READ_BYTES ? wanted - used : READ_BYTES;
	uint8_t *to;
	enum err e = buffer_reserve(&n->in, room, &to);

	INVARIANT(e == OK); /* its limit is one frame and one read */
	ssize_t got = recv(n->fd, to, room, flags);
	n->has_more = got == (ssize_t)room;
	if (got < 0 &&
	    (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
		return false;
	if (got <= 0)
		_exit(EXIT_ASKED); /* the pool is gone; nobody waits for us */
	buffer_commit(&n->in, (size_t)got);
	return true;
}

static void
wait_for_more(struct native *n, int wait_ms)
{
	struct pollfd watched[] = {
	    {.fd = n->fd, .events = POLLIN},
	    {.fd = n->knock, .events = POLLIN},
	};
	uint64_t knocks;

	if (poll(watched, COUNT_OF(watched), wait_ms) > 0 &&
	    watched[1].revents != 0)
		(void)!read(n->knock, &knocks, sizeof(knocks));
}

void
native_read(struct native *n, int wait_ms, bool is_worker)
{
	struct batch batch = {.is_worker = is_worker};
	size_t wanted = RUNNER_HEAD_BYTES;

	if (!n->has_more)
		wait_for_more(n, wait_ms);
	if (!receive(n, wanted, MSG_DONTWAIT))
		return;
	take_frames(n, &batch, &wanted);
	hand_over(n, &batch);
	if (buffer_used(&n->in) == 0 && n->in.size > KEEP_BYTES)
		buffer_release(&n->in);
}

bool
native_open(struct native *n, int fd)
{
	n->fd = fd;
	n->knock = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	buffer_init(&n->in, RUNNER_MAX_BYTES + 2 * READ_BYTES);
	link_calls_init(&n->open, 0);
	outbox_init(&n->out, fd);
	return n->knock >= 0;
}

void
native_greet(struct native *n, uint32_t *threads)
{
	struct link_frame frame;
	struct runner_welcome welcome;
	size_t wanted = RUNNER_HEAD_BYTES;
	enum err e;

	while ((e = runner_read(buffer_at(&n->in), buffer_used(&n->in),
		    RUNNER_MAX_BYTES, &frame, &wanted)) == ERR_AGAIN)
		(void)receive(n, wanted, 0);
	if (e != OK)
		say_garbage(e);
	if (frame.kind != FRAME_HELLO ||
	    runner_read_welcome(frame.value, &welcome) != OK)
		native_die(
		    EXIT_TRY_AGAIN, "the pool did not say HELLO as we know it");
	*threads = welcome.threads;
	n->max_bytes = n->out.max_bytes = welcome.max_bytes;
	buffer_consume(&n->in, wanted);
	struct runner_hello hello = {
	    .capacity = welcome.threads, .answers_always = true};
	e = outbox_hello(&n->out, &hello);
	INVARIANT(e == OK);
}
