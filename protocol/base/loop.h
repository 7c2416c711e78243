// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_BASE_LOOP_H
#define PROTOCOL_BASE_LOOP_H

/*
 * loop - the one event loop of every process: descriptors, timers, signals,
 * and a way for other threads to knock (nng callbacks do only that).
 *
 * A turn is: sleep until something is ready, run descriptor callbacks, run
 * due timers, run posts, run the end-of-turn hooks. Everything that wants to
 * batch (writes to clients, messages to nodes, commits) does so in a hook.
 *
 * Trust:  callbacks are our own code; no byte from outside is looked at.
 * Owner:  watches, timers and posts are memory of the caller, who removes
 *         them before freeing it. Removing any of them inside any callback is
 *         allowed, its own included.
 * Threads: only loop_post may be called from another thread.
 * Errors: the loop cannot fail once created; a refused epoll_ctl is ERR_SYSTEM.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "protocol/base/err.h"

struct loop;

/* `events` are EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP. */
struct loop_watch {
	int fd;
	void (*ready)(void *ctx, uint32_t events);
	void *ctx;
	bool is_watched; /* the loop's */
};

struct loop_timer {
	void (*due)(void *ctx);
	void *ctx;
	uint64_t at_ms; /* monotonic */
	uint32_t slot;  /* the loop's: place in the heap + 1, 0 when idle */
};

struct loop_post {
	void (*run)(void *ctx);
	void *ctx;
	atomic_bool is_posted; /* the loop's */
	struct loop_post *next;
};

struct loop_hook {
	void (*run)(void *ctx);
	void *ctx;
	struct loop_hook *next;
};

enum err loop_create(struct loop **) MUST_USE;
void loop_destroy(struct loop **);

/* Level-triggered. loop_watch_change sets the wanted events anew. */
enum err loop_watch_add(
    struct loop *, struct loop_watch *, uint32_t events) MUST_USE;
void loop_watch_change(struct loop *, struct loop_watch *, uint32_t events);
void loop_watch_remove(struct loop *, struct loop_watch *);

/* loop_timer_start also moves a timer that is already running. */
void loop_timer_start(struct loop *, struct loop_timer *, uint64_t at_ms);
void loop_timer_stop(struct loop *, struct loop_timer *);
static inline bool
loop_timer_is_running(const struct loop_timer *timer)
{
	return timer->slot != 0;
}

/* loop_post_register ties a post to its loop before other threads use it. */
void loop_post_register(struct loop *, struct loop_post *);
void loop_post(struct loop *, struct loop_post *);

/* loop_on_turn_end appends a hook; hooks run in the order they were added. */
void loop_on_turn_end(struct loop *, struct loop_hook *);

/*
 * loop_on_signals blocks the `count` signals and delivers them in the loop
 * (signalfd). Call once, before any thread exists.
 */
enum err loop_on_signals(struct loop *, const int *signals, size_t count,
    void (*arrived)(void *ctx, int signal, int sender_pid), void *ctx) MUST_USE;

/* loop_now_ms is the time this turn woke: cheap, the same for all callbacks. */
uint64_t loop_now_ms(const struct loop *);
uint64_t loop_now_us(const struct loop *);

/* loop_clock is where loop_now_us stands, as long as the loop lives. */
const uint64_t *loop_clock(const struct loop *);

/* loop_refresh_now re-reads the clock inside a long callback. */
void loop_refresh_now(struct loop *);

/* loop_fd becomes readable when a turn has something to do; for embedding. */
int loop_fd(const struct loop *);

/* loop_turn sleeps at most `max_ms` and runs one turn. */
void loop_turn(struct loop *, uint32_t max_ms);

/* loop_run turns until loop_stop; an idle loop wakes every `idle_ms`. */
void loop_run(struct loop *, uint32_t idle_ms);
void loop_stop(struct loop *);

#endif /* PROTOCOL_BASE_LOOP_H */
