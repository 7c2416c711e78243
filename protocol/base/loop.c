// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * epoll, level-triggered: a callback that leaves bytes unread is simply called
 * again, so there is no state to get wrong. Timers are a binary heap of
 * pointers; each timer knows its slot, so stopping one is O(log n).
 *
 * A callback may remove a watch whose event waits further down the same batch.
 * Events carry the watch pointer; loop_watch_remove blanks the rest of the
 * batch instead of keeping generations.
 *
 * Posts: an intrusive stack pushed with one CAS and an eventfd that is written
 * only when the stack was empty, so a thousand knocks cost one wake-up.
 */

#include "protocol/base/loop.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "protocol/base/clock.h"
#include "protocol/base/fd.h"

enum {
	BATCH = 256 /* events taken in one epoll_wait */
};

struct loop {
	int epoll_fd;
	bool is_stopping;
	uint64_t now_us;
	uint64_t ended_us; /* when the last turn went to sleep */

	struct epoll_event batch[BATCH];
	int batch_count;
	int batch_at;

	struct loop_timer **heap; /* slots are 1-based: heap[0] is unused */
	uint32_t heap_count;
	uint32_t heap_size;

	_Atomic(struct loop_post *) posts;
	struct loop_watch knock;

	struct loop_watch signals;
	void (*signal_arrived)(void *ctx, int signal, int sender_pid);
	void *signal_ctx;

	struct loop_hook *hooks;
};

static void
run_posts(void *ctx, uint32_t events)
{
	struct loop *loop = ctx;
	uint64_t count;
	ssize_t n = read(loop->knock.fd, &count, sizeof(count));
	struct loop_post *stack = atomic_exchange(&loop->posts, NULL);
	struct loop_post *queue = NULL;

	(void)n;
	(void)events;
	while (stack != NULL) { /* first posted, first run */
		struct loop_post *next = stack->next;

		stack->next = queue;
		queue = stack;
		stack = next;
	}
	while (queue != NULL) {
		struct loop_post *post = queue;

		queue = post->next;
		atomic_store(&post->is_posted, false);
		post->run(post->ctx);
	}
}

enum err
loop_create(struct loop **out)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	INVARIANT(loop != NULL);
	loop->knock.fd = loop->signals.fd = -1;
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll_fd < 0)
		goto failed;
	loop->knock = (struct loop_watch){
	    .fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
	    .ready = run_posts,
	    .ctx = loop,
	};
	if (loop->knock.fd < 0 ||
	    loop_watch_add(loop, &loop->knock, EPOLLIN) != OK)
		goto failed;
	loop_refresh_now(loop);
	loop->ended_us = loop->now_us;
	*out = loop;
	return OK;
failed:
	loop_destroy(&loop);
	return ERR_SYSTEM;
}

void
loop_destroy(struct loop **loop)
{
	if (*loop == NULL)
		return;
	fd_close(&(*loop)->knock.fd);
	fd_close(&(*loop)->signals.fd);
	fd_close(&(*loop)->epoll_fd);
	free((*loop)->heap);
	free(*loop);
	*loop = NULL;
}

enum err
loop_watch_add(struct loop *loop, struct loop_watch *watch, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = watch};

	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, watch->fd, &event) < 0)
		return ERR_SYSTEM;
	watch->is_watched = true;
	return OK;
}

void
loop_watch_change(struct loop *loop, struct loop_watch *watch, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = watch};

	INVARIANT(watch->is_watched);
	int rc = epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, watch->fd, &event);
	INVARIANT(rc == 0);
}

void
loop_watch_remove(struct loop *loop, struct loop_watch *watch)
{
	if (!watch->is_watched)
		return;
	epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
	watch->is_watched = false;
	for (int i = loop->batch_at; i < loop->batch_count; i++)
		if (loop->batch[i].data.ptr == watch)
			loop->batch[i].data.ptr = NULL;
}

static void
heap_place(struct loop *loop, struct loop_timer *timer, uint32_t slot)
{
	loop->heap[slot] = timer;
	timer->slot = slot;
}

static void
heap_up(struct loop *loop, struct loop_timer *timer, uint32_t slot)
{
	while (slot > 1 && loop->heap[slot / 2]->at_ms > timer->at_ms) {
		heap_place(loop, loop->heap[slot / 2], slot);
		slot /= 2;
	}
	heap_place(loop, timer, slot);
}

static void
heap_down(struct loop *loop, struct loop_timer *timer, uint32_t slot)
{
	for (;;) {
		uint32_t child = slot * 2;

		if (child > loop->heap_count)
			break;
		if (child < loop->heap_count &&
		    loop->heap[child + 1]->at_ms < loop->heap[child]->at_ms)
			child++;
		if (loop->heap[child]->at_ms >= timer->at_ms)
			break;
		heap_place(loop, loop->heap[child], slot);
		slot = child;
	}
	heap_place(loop, timer, slot);
}

void
loop_timer_start(struct loop *loop, struct loop_timer *timer, uint64_t at_ms)
{
	if (timer->slot != 0) {
		uint64_t before = timer->at_ms;

		timer->at_ms = at_ms;
		if (at_ms < before)
			heap_up(loop, timer, timer->slot);
		else
			heap_down(loop, timer, timer->slot);
		return;
	}
	if (loop->heap_count + 1 >= loop->heap_size) {
		uint32_t size = loop->heap_size > 0 ? loop->heap_size * 2 : 64;
		void *heap = realloc(loop->heap, size * sizeof(*loop->heap));

		INVARIANT(heap != NULL);
		loop->heap = heap;
		loop->heap_size = size;
	}
	timer->at_ms = at_ms;
	heap_up(loop, timer, ++loop->heap_count);
}

void
loop_timer_stop(struct loop *loop, struct loop_timer *timer)
{
	uint32_t slot = timer->slot;

	if (slot == 0)
		return;
	timer->slot = 0;
	struct loop_timer *last = loop->heap[loop->heap_count--];
	if (last == timer)
		return;
	if (slot > 1 && loop->heap[slot / 2]->at_ms > last->at_ms)
		heap_up(loop, last, slot);
	else
		heap_down(loop, last, slot);
}

/* run_timers runs what is due now; a timer started meanwhile waits a turn. */
static void
run_timers(struct loop *loop)
{
	uint64_t now_ms = loop_now_ms(loop);
	uint32_t budget = loop->heap_count;

	while (budget-- > 0 && loop->heap_count > 0 &&
	    loop->heap[1]->at_ms <= now_ms) {
		struct loop_timer *timer = loop->heap[1];

		loop_timer_stop(loop, timer);
		timer->due(timer->ctx);
	}
}

void
loop_post_register(struct loop *loop, struct loop_post *post)
{
	(void)loop;
	atomic_init(&post->is_posted, false);
	post->next = NULL;
}

void
loop_post(struct loop *loop, struct loop_post *post)
{
	static const uint64_t one = 1;

	if (atomic_exchange(&post->is_posted, true))
		return;
	struct loop_post *head = atomic_load(&loop->posts);
	do {
		post->next = head;
	} while (!atomic_compare_exchange_weak(&loop->posts, &head, post));
	if (head == NULL) {
		ssize_t n = write(loop->knock.fd, &one, sizeof(one));
		(void)n; /* a full eventfd is already a knock */
	}
}

void
loop_on_turn_end(struct loop *loop, struct loop_hook *hook)
{
	struct loop_hook **at = &loop->hooks;

	while (*at != NULL)
		at = &(*at)->next;
	hook->next = NULL;
	*at = hook;
}

static void
take_signals(void *ctx, uint32_t events)
{
	struct loop *loop = ctx;
	struct signalfd_siginfo info;

	(void)events;
	while (read(loop->signals.fd, &info, sizeof(info)) ==
	    (ssize_t)sizeof(info))
		loop->signal_arrived(
		    loop->signal_ctx, (int)info.ssi_signo, (int)info.ssi_pid);
}

enum err
loop_on_signals(struct loop *loop, const int *signals, size_t count,
    void (*arrived)(void *ctx, int signal, int sender_pid), void *ctx)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < count; i++)
		sigaddset(&set, signals[i]);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return ERR_SYSTEM;
	loop->signal_arrived = arrived;
	loop->signal_ctx = ctx;
	loop->signals = (struct loop_watch){
	    .fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK),
	    .ready = take_signals,
	    .ctx = loop,
	};
	if (loop->signals.fd < 0)
		return ERR_SYSTEM;
	return loop_watch_add(loop, &loop->signals, EPOLLIN);
}

uint64_t
loop_now_ms(const struct loop *loop)
{
	return loop->now_us / 1000;
}

uint64_t
loop_now_us(const struct loop *loop)
{
	return loop->now_us;
}

const uint64_t *
loop_clock(const struct loop *loop)
{
	return &loop->now_us;
}

void
loop_refresh_now(struct loop *loop)
{
	loop->now_us = clock_mono_us();
}

int
loop_fd(const struct loop *loop)
{
	return loop->epoll_fd;
}

/* sleep_ms: until the next timer, at most `max_ms`; rounded up, never spins. */
static int
sleep_ms(struct loop *loop, uint32_t max_ms)
{
	uint64_t now_ms = loop->ended_us / 1000;

	if (loop->heap_count == 0 || loop->heap[1]->at_ms >= now_ms + max_ms)
		return (int)max_ms;
	if (loop->heap[1]->at_ms <= now_ms)
		return 0;
	return (int)(loop->heap[1]->at_ms - now_ms);
}

void
loop_turn(struct loop *loop, uint32_t max_ms)
{
	loop->ended_us = clock_mono_us();
	int wait = sleep_ms(loop, max_ms);
	int n = epoll_wait(loop->epoll_fd, loop->batch, BATCH, wait);

	INVARIANT(n >= 0 || errno == EINTR);
	loop_refresh_now(loop);
	loop->batch_count = n > 0 ? n : 0;
	for (loop->batch_at = 0; loop->batch_at < loop->batch_count;) {
		struct epoll_event *event = &loop->batch[loop->batch_at++];
		struct loop_watch *watch = event->data.ptr;

		if (watch != NULL)
			watch->ready(watch->ctx, event->events);
	}
	loop->batch_count = loop->batch_at = 0;
	run_timers(loop);
	for (struct loop_hook *hook = loop->hooks; hook != NULL;
	     hook = hook->next)
		hook->run(hook->ctx);
}

void
loop_run(struct loop *loop, uint32_t idle_ms)
{
	/* what was queued before the first turn must not wait for a wake-up */
	if (!loop->is_stopping)
		loop_turn(loop, 0);
	while (!loop->is_stopping)
		loop_turn(loop, idle_ms);
}

void
loop_stop(struct loop *loop)
{
	loop->is_stopping = true;
}
