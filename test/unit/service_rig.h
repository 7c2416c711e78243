// SPDX-License-Identifier: MIT
#ifndef TEST_UNIT_SERVICE_RIG_H
#define TEST_UNIT_SERVICE_RIG_H

/*
 * service_rig - a service of the SDK and a gateway's end of the link, in one
 * loop.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol/base/clock.h"
#include "protocol/link/link_client_private.h"
#include "protocol/service/service.h"

enum {
	STREAMS = 64,
	ITEMS = 100,
};

static struct service *service;
static struct loop *loop;
static struct conn_hub hub;
static struct link_client *client;
static char dir[32], url[64];

/* what the gateway saw of each call */
static struct {
	uint64_t id;
	int results, errors, ends, losts;
	uint64_t chunks;
	int64_t last; /* number in the last result or chunk */
	char code[32], text[128];
} seen[STREAMS];
static uint32_t gives_back; /* credit for each chunk, in percent */

/* what the service's handlers saw */
static int cancels, rooms, made, endings, late_runs;
static struct service_call *kept;
static int64_t wanted; /* items of the next streams */

static inline int64_t
number_in(struct text value)
{
	struct unpacker u;
	int64_t n = -1;

	unpack_init(&u, value);
	(void)!unpack_i64(&u, &n);
	return n;
}

static inline void
on_result(void *owner, void *call, struct text value)
{
	size_t i = (size_t)(uintptr_t)call;

	(void)owner;
	seen[i].results++;
	seen[i].last = number_in(value);
}

static inline void
on_error(void *owner, void *call, struct text code, struct text text)
{
	size_t i = (size_t)(uintptr_t)call;

	(void)owner;
	seen[i].errors++;
	assert_int_equal(
	    text_copy(code, seen[i].code, sizeof(seen[i].code)), OK);
	assert_int_equal(
	    text_copy(text, seen[i].text, sizeof(seen[i].text)), OK);
}

static inline void
on_chunk(void *owner, void *call, struct text value)
{
	size_t i = (size_t)(uintptr_t)call;

	(void)owner;
	seen[i].chunks++;
	seen[i].last = number_in(value);
	if (gives_back > 0)
		link_credit(client, seen[i].id, value.len * gives_back / 100);
}

static inline void
on_end(void *owner, void *call)
{
	(void)owner;
	seen[(uintptr_t)call].ends++;
}

static inline void
on_lost(void *owner, void *call, enum link_lost how)
{
	(void)owner;
	(void)how;
	seen[(uintptr_t)call].losts++;
}

static const struct link_client_calls client_calls = {
    .result = on_result,
    .error = on_error,
    .chunk = on_chunk,
    .end = on_end,
    .lost = on_lost,
};

/* ---- the service ---- */

static inline void
go_on(struct service_call *call, void *ctx)
{
	int64_t *next = service_state(call, 2 * sizeof(*next));

	(void)ctx;
	if (next[1] == 0)
		next[1] = wanted;
	while (service_credit(call) > 0) {
		if (*next == next[1]) {
			endings++;
			service_done(call);
			return;
		}
		service_put_i64(call, 1000 + *next);
		assert_true(service_chunk(call));
		++*next;
		made++;
	}
}

static inline void
on_room(struct service_call *call, void *ctx)
{
	rooms++;
	go_on(call, ctx);
}

static inline void
on_cancel(struct service_call *call, void *ctx)
{
	(void)ctx;
	cancels++;
	assert_true(service_is_cancelled(call));
	assert_int_equal(service_credit(call), 0);
	assert_false(service_chunk(call));
	service_put_i64(call, 7);
	service_done(call); /* harmless */
}

/* take_note: the call is still worked on somewhere. */
static inline void
take_note(struct service_call *call, void *ctx)
{
	(void)ctx;
	kept = call;
	cancels++;
}

static inline void
last_part(struct service_call *call, void *ctx)
{
	(void)ctx;
	service_put_i64(call, 1);
	assert_true(service_chunk(call));
	service_put_i64(call, 2);
	service_done(call);
}

static inline void
answer_late(struct service_call *call, void *ctx)
{
	(void)ctx;
	late_runs++;
	service_put_i64(call, 42);
	service_done(call);
}

static inline void
report(struct service_call *call, void *ctx)
{
	(void)ctx;
	service_later(call, 60000, answer_late);
	service_later(call, 1, answer_late); /* replaces it */
}

static inline void
keep(struct service_call *call, void *ctx)
{
	(void)ctx;
	kept = call;
}

static inline void
answer_kept(void *call)
{
	answer_late(call, NULL);
}

static inline void *
work_elsewhere(void *call)
{
	service_post(service, answer_kept, call);
	return NULL;
}

static inline void
in_a_thread(struct service_call *call, void *ctx)
{
	pthread_t thread;

	(void)ctx;
	assert_int_equal(
	    pthread_create(&thread, NULL, work_elsewhere, call), 0);
	assert_int_equal(pthread_detach(thread), 0);
}

/* tick sends a part every few milliseconds until nobody waits any more. */
static inline void
tick(struct service_call *call, void *ctx)
{
	(void)ctx;
	service_put_i64(call, ++made);
	if (service_chunk(call))
		service_later(call, 5, tick);
}

static inline void
half_a_map(struct service_call *call, void *ctx)
{
	(void)ctx;
	service_put_map(call, 3);
	assert_false(service_chunk(call));
	assert_true(service_is_cancelled(call));
	assert_false(service_chunk(call));
}

static inline void
too_large(struct service_call *call, void *ctx)
{
	static char much[LINK_MAX_BYTES - 16];

	(void)ctx;
	service_put_text(call, much, sizeof(much));
	assert_false(service_chunk(call));
}

static const struct service_function functions[] = {
    {.name = "count",
	.run = go_on,
	.response = "stream",
	.on_room = on_room,
	.on_cancel = on_cancel},
    {.name = "last_part", .run = last_part, .response = "stream"},
    {.name = "report", .run = report, .response = "async"},
    {.name = "keep", .run = keep, .on_cancel = on_cancel},
    {.name = "stubborn", .run = keep, .on_cancel = take_note},
    {.name = "in_a_thread", .run = in_a_thread},
    {.name = "tick", .run = tick, .response = "stream", .on_cancel = on_cancel},
    {.name = "half_a_map",
	.run = half_a_map,
	.response = "stream",
	.on_cancel = on_cancel},
    {.name = "too_large",
	.run = too_large,
	.response = "stream",
	.on_cancel = service_give_up},
    {.name = "unasked_parts", .run = half_a_map, .on_cancel = on_cancel},
    {NULL},
};

static inline void
turn(void)
{
	service_turn(service);
	loop_turn(loop, 1);
}

#define UNTIL(cond) \
	do { \
		uint64_t end_ = clock_mono_ms() + 60000; \
		while (!(cond) && clock_mono_ms() < end_) \
			turn(); \
		assert_true(cond); \
	} while (0)

/* settle_down: whatever was going to happen has happened. */
static inline void
settle_down(void)
{
	uint64_t before;

	do {
		before = client->conn.read_count;
		for (int i = 0; i < 20; i++)
			turn();
	} while (client->conn.read_count != before);
}

static inline void
call_within(
    size_t i, const char *function, uint32_t credit, uint32_t deadline_ms)
{
	struct link_request request = {.module = TEXT("m"),
	    .function = text_of(function),
	    .args = {"\x90", 1},
	    .deadline_ms = deadline_ms,
	    .credit_bytes = credit};

	assert_int_equal(
	    link_call(client, &request, (void *)(uintptr_t)i, &seen[i].id), OK);
}

static inline void
call(size_t i, const char *function, uint32_t credit)
{
	call_within(i, function, credit, 60000);
}

static inline void
start_client(void)
{
	struct link_client_options options = {.hub = &hub,
	    .calls = &client_calls,
	    .url = text_of(url),
	    .life = 3};

	assert_int_equal(link_client_create(&client, &options), OK);
	UNTIL(link_client_state(client) == LINK_LIVE);
}

static inline int
set_up(void **state)
{
	(void)state;
	cancels = rooms = made = endings = late_runs = 0;
	kept = NULL;
	gives_back = 0;
	wanted = ITEMS;
	memset(seen, 0, sizeof(seen));
	snprintf(dir, sizeof(dir), "/tmp/service.XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(url, sizeof(url), "ipc://%s/s", dir);
	assert_int_equal(loop_create(&loop), OK);
	conn_hub_init(&hub, loop);
	service = service_create("test");
	assert_non_null(service);
	assert_true(service_add_all(service, functions));
	assert_true(service_listen(service, url));
	start_client();
	return 0;
}

static inline int
tear_down(void **state)
{
	(void)state;
	link_client_destroy(&client);
	service_destroy(&service);
	assert_null(service);
	service_destroy(&service); /* takes NULL */
	conn_hub_finish(&hub);
	loop_destroy(&loop);
	rmdir(dir);
	return 0;
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif /* TEST_UNIT_SERVICE_RIG_H */
