// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * Why not libmicrohttpd's own accept: it gives a place and memory to whoever
 * connects, so 5 000 sockets that send a byte a second fill it, and a probe
 * cannot be told from them before its head is read. Here the head is peeked
 * at (MSG_PEEK), and SO_RCVLOWAT makes the kernel wake us only for bytes that
 * are new: waiting costs no turn and no copy.
 * The listener is one with TCP_DEFER_ACCEPT and a head is looked at as soon as
 * it is accepted, so who sends his request at once cannot be pushed out.
 *
 * With no descriptor left, the spare one takes the next connection: answers go
 * on one at a time, instead of every peer waiting for what does not come.
 */

#include "workers/monitor/door.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "protocol/base/fd.h"
#include "protocol/base/memory.h"
#include "protocol/base/spare.h"
#include "protocol/stats.h"
#include "workers/monitor/head.h"

enum {
	ACCEPTS_A_TURN = 64,
	PAUSE_MS = 50, /* no descriptor: try again then */
	DRAIN_BYTES = 65536,
	HEAD_MS = 10000,
};

struct place {
	struct door *door;
	struct door_guest guest;
	struct loop_watch watch;
	uint64_t until_ms;
	size_t seen; /* bytes of the head looked at so far */
	struct place *older, *newer;
};

struct listener {
	struct door *door;
	struct loop_watch watch;
};

struct door {
	struct door_spec spec;
	struct listener listeners[DOOR_LISTENERS];
	uint32_t listener_count;
	struct place *places; /* spec.places of them */
	struct place *oldest, *newest;
	struct place *unused; /* by `older` */
	uint32_t waiting;
	uint32_t head_ms;
	struct spare spare;
	struct loop_timer late;   /* the oldest's deadline */
	struct loop_timer resume; /* accept again */
	uint8_t bytes[HEAD_MOST_BYTES];
};

bool
door_same_address(
    const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	const struct sockaddr_in *a4 = (const void *)a, *b4 = (const void *)b;
	const struct sockaddr_in6 *a6 = (const void *)a, *b6 = (const void *)b;

	if (a->ss_family != b->ss_family)
		return false;
	if (a->ss_family == AF_INET)
		return a4->sin_addr.s_addr == b4->sin_addr.s_addr;
	return memcmp(&a6->sin6_addr, &b6->sin6_addr, sizeof(a6->sin6_addr)) ==
	    0;
}

static const char *
reason_of(uint32_t status)
{
	switch (status) {
	case 400:
		return "Bad Request";
	case 408:
		return "Request Timeout";
	case 429:
		return "Too Many Requests";
	case 431:
		return "Request Header Fields Too Large";
	default:
		return "Service Unavailable";
	}
}

void
door_refuse(int fd, uint32_t status, const char *message)
{
	char text[1024], body[512], waste[4096];
	int length = snprintf(body, sizeof(body),
	    "{\"status\":\"error\",\"message\":\"%s\"}\n", message);
	int n = snprintf(text, sizeof(text),
	    "HTTP/1.1 %u %s\r\nContent-Type: application/json\r\n"
	    "Content-Length: %d\r\nConnection: close\r\n%s"
	    "X-Response-Time-Ms: 0.00\r\nX-Monitoring-System: banyan/%s\r\n"
	    "\r\n%s",
	    status, reason_of(status), length,
	    status == 503 || status == 429 ? "Retry-After: 1\r\n" : "",
	    BANYAN_VERSION, body);
	size_t drained = 0;
	ssize_t got;

	/* what was sent is read first: closing over it would be a reset that
	 * may overtake the answer */
	while (drained < DRAIN_BYTES &&
	    (got = recv(fd, waste, sizeof(waste), MSG_DONTWAIT)) > 0)
		drained += (size_t)got;
	if (send(fd, text, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL) == n)
		shutdown(fd, SHUT_WR);
	fd_close(&fd);
}

/* --- places --- */

static void
count_waiting(struct door *d)
{
	stats_set(d->spec.slot, COUNTER_monitor_http_waiting, d->waiting);
}

static void
set_late(struct door *d)
{
	if (d->oldest != NULL)
		loop_timer_start(d->spec.loop, &d->late, d->oldest->until_ms);
	else
		loop_timer_stop(d->spec.loop, &d->late);
}

/* leave frees the place; the descriptor is the caller's. */
static int
leave(struct place *p)
{
	struct door *d = p->door;

	loop_watch_remove(d->spec.loop, &p->watch);
	if (p->older != NULL)
		p->older->newer = p->newer;
	else
		d->oldest = p->newer;
	if (p->newer != NULL)
		p->newer->older = p->older;
	else
		d->newest = p->older;
	p->older = d->unused;
	d->unused = p;
	d->waiting--;
	count_waiting(d);
	set_late(d);
	return p->guest.fd;
}

static void
drop(struct place *p)
{
	int fd = leave(p);

	fd_close(&fd);
}

/*
 * greedy finds an address with more than half of all places (the majority
 * vote of Boyer and Moore finds the only candidate in one pass), or NULL.
 */
static const struct sockaddr_storage *
greedy(const struct door *d)
{
	const struct place *candidate = NULL;
	uint32_t votes = 0, held = 0;

	for (const struct place *p = d->oldest; p != NULL; p = p->newer) {
		if (votes == 0)
			candidate = p;
		votes += door_same_address(
			     &candidate->guest.address, &p->guest.address)
		    ? 1
		    : (uint32_t)-1;
	}
	for (const struct place *p = d->oldest; p != NULL; p = p->newer)
		held += door_same_address(
		    &candidate->guest.address, &p->guest.address);
	return held > d->waiting / 2 ? &candidate->guest.address : NULL;
}

/* make_room lets one go who has waited longest. */
static void
make_room(struct door *d)
{
	const struct sockaddr_storage *address = greedy(d);
	struct place *p = d->oldest;

	while (p != NULL && address != NULL &&
	    !door_same_address(&p->guest.address, address))
		p = p->newer;
	if (p == NULL)
		return;
	stats_add(d->spec.slot, COUNTER_monitor_http_pushed_out, 1);
	drop(p);
}

/* --- a head comes --- */

static void
hand_on(struct place *p, bool is_probe)
{
	struct door *d = p->door;
	struct door_guest guest = p->guest;
	int any = 1;

	guest.is_probe = is_probe;
	guest.came_us = loop_now_us(d->spec.loop);
	leave(p);
	setsockopt(guest.fd, SOL_SOCKET, SO_RCVLOWAT, &any, sizeof(any));
	d->spec.enter(d->spec.ctx, &guest);
}

static void
refuse(struct place *p, uint32_t status, const char *what)
{
	struct door *d = p->door;

	stats_add(d->spec.slot, COUNTER_monitor_http_requests, 1);
	stats_add(d->spec.slot, COUNTER_monitor_http_errors, 1);
	door_refuse(leave(p), status, what);
}

/* wait_for_more: wake again when there is more than was seen. */
static void
wait_for_more(struct place *p, size_t seen, uint32_t events)
{
	int least = (int)seen + 1;

	if (seen == p->seen || (events & (EPOLLRDHUP | EPOLLHUP)) != 0) {
		drop(p); /* it has said all it will */
		return;
	}
	p->seen = seen;
	if (setsockopt(p->guest.fd, SOL_SOCKET, SO_RCVLOWAT, &least,
		sizeof(least)) < 0)
		drop(p);
}

static void
head_came(void *ctx, uint32_t events)
{
	struct place *p = ctx;
	struct door *d = p->door;
	struct head head;
	ssize_t n = recv(
	    p->guest.fd, d->bytes, sizeof(d->bytes), MSG_PEEK | MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		drop(p);
		return;
	}
	switch (head_read(
	    (struct text){(const char *)d->bytes, (uint32_t)n}, &head)) {
	case HEAD_MORE:
		wait_for_more(p, (size_t)n, events);
		break;
	case HEAD_WHOLE:
		hand_on(p, head.is_probe);
		break;
	case HEAD_BAD:
		refuse(p, 400, head.what);
		break;
	case HEAD_TOO_BIG:
		refuse(p, 431, head.what);
		break;
	}
}

static void
some_are_late(void *ctx)
{
	struct door *d = ctx;
	uint64_t now_ms = loop_now_ms(d->spec.loop);

	while (d->oldest != NULL && d->oldest->until_ms <= now_ms) {
		stats_add(d->spec.slot, COUNTER_monitor_http_slow, 1);
		refuse(d->oldest, 408, "the head took too long");
	}
	set_late(d);
}

/* --- the way in --- */

static void
seat(struct listener *l, int fd, const struct door_guest *guest)
{
	struct door *d = l->door;
	struct place *p = d->unused;

	if (p == NULL) {
		make_room(d);
		p = d->unused;
	}
	d->unused = p->older;
	*p = (struct place){.door = d,
	    .guest = *guest,
	    .watch = {.fd = fd, .ready = head_came, .ctx = p},
	    .until_ms = loop_now_ms(d->spec.loop) + d->head_ms,
	    .older = d->newest};
	p->guest.fd = fd;
	p->guest.listener = (uint32_t)(l - d->listeners);
	if (d->newest != NULL)
		d->newest->newer = p;
	else
		d->oldest = p;
	d->newest = p;
	d->waiting++;
	count_waiting(d);
	set_late(d);
	if (loop_watch_add(d->spec.loop, &p->watch, EPOLLIN | EPOLLRDHUP) != OK)
		drop(p);
	else
		head_came(
		    p, 0); /* mostly it is there: nobody may come between */
}

static void
watch_listeners(struct door *d, uint32_t events)
{
	for (uint32_t i = 0; i < d->listener_count; i++)
		loop_watch_change(d->spec.loop, &d->listeners[i].watch, events);
}

static void
look_again_soon(struct door *d)
{
	loop_timer_start(
	    d->spec.loop, &d->resume, loop_now_ms(d->spec.loop) + PAUSE_MS);
}

static void
accept_again(void *ctx)
{
	struct door *d = ctx;

	if (!spare_keep(&d->spare, d->listeners[0].watch.fd))
		look_again_soon(d);
	watch_listeners(d, EPOLLIN);
}

static void
somebody_knocks(void *ctx, uint32_t events)
{
	struct listener *l = ctx;
	struct door_guest guest;

	(void)events;
	for (int i = 0; i < ACCEPTS_A_TURN; i++) {
		guest =
		    (struct door_guest){.address_bytes = sizeof(guest.address)};
		int fd = spare_accept(&l->door->spare, l->watch.fd,
		    (struct sockaddr *)&guest.address, &guest.address_bytes);
		if (fd >= 0) {
			seat(l, fd, &guest);
			if (!spare_keep(&l->door->spare, l->watch.fd))
				look_again_soon(l->door);
			continue;
		}
		if (errno == ECONNABORTED || errno == EINTR)
			continue;
		if (errno != EAGAIN) { /* no descriptor, no memory */
			make_room(l->door);
			watch_listeners(l->door, 0);
			look_again_soon(l->door);
		}
		return;
	}
}

/* --- life --- */

struct door *
door_create(const struct door_spec *spec)
{
	struct door *d = MEMORY_NEW(struct door);

	d->spec = *spec;
	d->head_ms = HEAD_MS;
	d->spare = SPARE_NONE;
	d->late = (struct loop_timer){.due = some_are_late, .ctx = d};
	d->resume = (struct loop_timer){.due = accept_again, .ctx = d};
	d->places = memory_new(spec->places * sizeof(struct place));
	for (uint32_t i = 0; i < spec->places; i++) {
		d->places[i].older = d->unused;
		d->unused = &d->places[i];
	}
	return d;
}

void
door_destroy(struct door **door)
{
	struct door *d = *door;

	if (d == NULL)
		return;
	for (uint32_t i = 0; i < d->listener_count; i++)
		loop_watch_remove(d->spec.loop, &d->listeners[i].watch);
	while (d->oldest != NULL)
		drop(d->oldest);
	loop_timer_stop(d->spec.loop, &d->late);
	loop_timer_stop(d->spec.loop, &d->resume);
	spare_drop(&d->spare);
	memory_free(d->places);
	memory_free(d);
	*door = NULL;
}

enum err
door_listen(struct door *d, int fd)
{
	struct listener *l = &d->listeners[d->listener_count];

	INVARIANT(d->listener_count < DOOR_LISTENERS);
	*l = (struct listener){
	    .door = d, .watch = {.fd = fd, .ready = somebody_knocks, .ctx = l}};
	enum err e = fd_set_nonblocking(fd);
	if (e == OK)
		e = loop_watch_add(d->spec.loop, &l->watch, EPOLLIN);
	if (e != OK)
		return e;
	d->listener_count++;
	if (!spare_keep(&d->spare, fd))
		look_again_soon(d);
	return OK;
}

void
door_set_timeout(struct door *d, uint32_t head_ms)
{
	d->head_ms = head_ms;
}
