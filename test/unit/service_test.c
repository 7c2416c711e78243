// SPDX-License-Identifier: MIT
/* Services of the SDK and a gateway's end of the link, in one process. */

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
	WINDOW = 1024,
	MANY = 1000000,
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

static int64_t
number_in(struct text value)
{
	struct unpacker u;
	int64_t n = -1;

	unpack_init(&u, value);
	(void)!unpack_i64(&u, &n);
	return n;
}

static void
on_result(void *owner, void *call, struct text value)
{
	size_t i = (size_t)(uintptr_t)call;

	(void)owner;
	seen[i].results++;
	seen[i].last = number_in(value);
}

static void
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

static void
on_chunk(void *owner, void *call, struct text value)
{
	size_t i = (size_t)(uintptr_t)call;

	(void)owner;
	seen[i].chunks++;
	seen[i].last = number_in(value);
	if (gives_back > 0)
		link_credit(client, seen[i].id, value.len * gives_back / 100);
}

static void
on_end(void *owner, void *call)
{
	(void)owner;
	seen[(uintptr_t)call].ends++;
}

static void
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

static void
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

static void
on_room(struct service_call *call, void *ctx)
{
	rooms++;
	go_on(call, ctx);
}

static void
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
static void
take_note(struct service_call *call, void *ctx)
{
	(void)ctx;
	kept = call;
	cancels++;
}

static void
last_part(struct service_call *call, void *ctx)
{
	(void)ctx;
	service_put_i64(call, 1);
	assert_true(service_chunk(call));
	service_put_i64(call, 2);
	service_done(call);
}

static void
answer_late(struct service_call *call, void *ctx)
{
	(void)ctx;
	late_runs++;
	service_put_i64(call, 42);
	service_done(call);
}

static void
report(struct service_call *call, void *ctx)
{
	(void)ctx;
	service_later(call, 60000, answer_late);
	service_later(call, 1, answer_late); /* replaces it */
}

static void
keep(struct service_call *call, void *ctx)
{
	(void)ctx;
	kept = call;
}

static void
answer_kept(void *call)
{
	answer_late(call, NULL);
}

static void *
work_elsewhere(void *call)
{
	service_post(service, answer_kept, call);
	return NULL;
}

static void
in_a_thread(struct service_call *call, void *ctx)
{
	pthread_t thread;

	(void)ctx;
	assert_int_equal(
	    pthread_create(&thread, NULL, work_elsewhere, call), 0);
	assert_int_equal(pthread_detach(thread), 0);
}

/* tick sends a part every few milliseconds until nobody waits any more. */
static void
tick(struct service_call *call, void *ctx)
{
	(void)ctx;
	service_put_i64(call, ++made);
	if (service_chunk(call))
		service_later(call, 5, tick);
}

static void
half_a_map(struct service_call *call, void *ctx)
{
	(void)ctx;
	service_put_map(call, 3);
	assert_false(service_chunk(call));
	assert_true(service_is_cancelled(call));
	assert_false(service_chunk(call));
}

static void
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

static void
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
static void
settle_down(void)
{
	uint64_t before;

	do {
		before = client->conn.read_count;
		for (int i = 0; i < 20; i++)
			turn();
	} while (client->conn.read_count != before);
}

static void
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

static void
call(size_t i, const char *function, uint32_t credit)
{
	call_within(i, function, credit, 60000);
}

static void
start_client(void)
{
	struct link_client_options options = {.hub = &hub,
	    .calls = &client_calls,
	    .url = text_of(url),
	    .life = 3};

	assert_int_equal(link_client_create(&client, &options), OK);
	UNTIL(link_client_state(client) == LINK_LIVE);
}

static int
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

static int
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

/* ---- tests ---- */

static void
a_stream_sends_what_its_credit_allows_and_one_part_above(void **state)
{
	(void)state;
	call(0, "count", 10); /* each part has 3 bytes */
	UNTIL(seen[0].chunks == 4);
	settle_down();
	assert_int_equal(seen[0].chunks, 4);
	assert_int_equal(rooms, 0);
	link_credit(client, seen[0].id, 2); /* pays what was above */
	settle_down();
	assert_int_equal(seen[0].chunks, 4);
	link_credit(client, seen[0].id, 1);
	UNTIL(seen[0].chunks == 5);
	settle_down();
	assert_int_equal(seen[0].chunks, 5);
	link_credit(client, seen[0].id, WINDOW);
	UNTIL(seen[0].ends == 1);
	assert_int_equal(seen[0].chunks, ITEMS);
	assert_int_equal(seen[0].last, 1000 + ITEMS - 1);
	assert_int_equal(seen[0].results + seen[0].errors, 0);
}

static void
values_put_at_the_end_are_the_last_part(void **state)
{
	(void)state;
	call(0, "last_part", WINDOW);
	UNTIL(seen[0].results == 1);
	assert_int_equal(seen[0].chunks, 1);
	assert_int_equal(seen[0].last, 2);
	assert_int_equal(seen[0].ends, 0);
}

static void
sixty_four_streams_share_a_session_and_none_starves(void **state)
{
	(void)state;
	gives_back = 100;
	wanted = 4000;
	for (size_t i = 0; i < STREAMS; i++)
		call(i, "count", 8 * 1024);
	UNTIL(endings == STREAMS);
	settle_down();
	for (size_t i = 0; i < STREAMS; i++) {
		assert_int_equal(seen[i].ends, 1);
		assert_int_equal(seen[i].chunks, wanted);
	}
}

static void
streams_without_limits_take_turns(void **state)
{
	uint64_t most = 0;

	(void)state;
	wanted = MANY;
	for (size_t i = 0; i < STREAMS; i++)
		call(i, "count", LINK_CREDIT_MOST);
	for (size_t i = 0; i < STREAMS; i++)
		UNTIL(seen[i].chunks > 0);
	for (size_t i = 0; i < STREAMS; i++)
		most = seen[i].chunks > most ? seen[i].chunks : most;
	/* the first had a whole queue, then all had turns of 16 KiB */
	assert_in_range(most, 1, 150 * 1000);
	assert_in_range(made, STREAMS, 700 * 1000);
}

static void
a_reader_that_stops_stops_the_generators(void **state)
{
	int before;

	(void)state;
	gives_back = 100;
	wanted = MANY;
	for (size_t i = 0; i < STREAMS; i++)
		call(i, "count", LINK_CREDIT_MOST);
	for (size_t i = 0; i < STREAMS; i++)
		UNTIL(seen[i].chunks > 0);
	conn_pause(&client->conn, true);
	for (int i = 0; i < 200; i++)
		turn();
	before = made;
	for (int i = 0; i < 200; i++)
		turn();
	assert_int_equal(made, before);
	/* what is under way fits two queues of 256 KiB and the kernel's */
	uint64_t arrived = 0;
	for (size_t i = 0; i < STREAMS; i++)
		arrived += seen[i].chunks;
	assert_in_range((uint64_t)made - arrived, 1, 400 * 1024);
	conn_pause(&client->conn, false);
	UNTIL(made > before);
}

static void
a_cancel_is_told_once_and_answering_after_it_harms_nobody(void **state)
{
	(void)state;
	call(0, "count", 10);
	call(1, "keep", 0);
	UNTIL(kept != NULL && seen[0].chunks > 0);
	link_cancel(client, seen[0].id);
	link_cancel(client, seen[1].id);
	UNTIL(cancels == 2);
	settle_down();
	assert_int_equal(cancels, 2);
	assert_int_equal(seen[0].ends + seen[0].results + seen[1].results, 0);
	call(2, "report", 0);
	UNTIL(seen[2].results == 1);
	assert_int_equal(link_client_in_flight(client), 0);
}

static void
a_call_that_outlives_its_cancel_hears_of_nothing_else(void **state)
{
	(void)state;
	call(0, "stubborn", 0);
	UNTIL(kept != NULL);
	link_cancel(client, seen[0].id);
	UNTIL(cancels == 1);
	link_client_end(client, LINK_FAULT_closed);
	UNTIL(link_client_state(client) == LINK_LIVE);
	settle_down();
	assert_int_equal(cancels, 1);
	assert_true(service_is_cancelled(kept));
	service_put_i64(kept, 1);
	service_done(kept); /* to nobody */
	call(1, "report", 0);
	UNTIL(seen[1].results == 1);
}

static void
a_gateway_that_goes_cancels_its_calls(void **state)
{
	(void)state;
	for (size_t i = 0; i < 10; i++)
		call(i, "count", 10);
	call(10, "keep", 0);
	UNTIL(kept != NULL && seen[9].chunks > 0);
	link_client_end(client, LINK_FAULT_closed);
	UNTIL(cancels == 11);
	UNTIL(link_client_state(client) == LINK_LIVE);
	call(11, "report", 0);
	UNTIL(seen[11].results == 1);
}

static void
a_service_that_is_destroyed_tells_its_open_calls(void **state)
{
	(void)state;
	call(0, "count", 10);
	call(1, "keep", 0);
	UNTIL(kept != NULL && seen[0].chunks > 0);
	service_destroy(&service);
	assert_int_equal(cancels, 2);
	service = service_create("test");
}

static void
an_answer_may_come_later(void **state)
{
	(void)state;
	call(0, "report", 0);
	UNTIL(seen[0].results == 1);
	assert_int_equal(seen[0].last, 42);
	assert_int_equal(late_runs, 1);
	call(1, "keep", 0);
	UNTIL(kept != NULL);
	call(2, "report", 0); /* overtakes it */
	UNTIL(seen[2].results == 1);
	assert_int_equal(seen[1].results, 0);
	service_put_i64(kept, 9);
	service_done(kept);
	UNTIL(seen[1].results == 1);
	assert_int_equal(seen[1].last, 9);
}

static void
other_threads_hand_their_answers_to_the_service_s(void **state)
{
	(void)state;
	for (size_t i = 0; i < STREAMS; i++)
		call(i, "in_a_thread", 0);
	UNTIL(late_runs == STREAMS);
	for (size_t i = 0; i < STREAMS; i++)
		UNTIL(seen[i].results == 1);
	service_post(service, answer_kept, NULL); /* is dropped, not run */
}

static void
a_stream_past_its_deadline_is_told_so(void **state)
{
	(void)state;
	call_within(0, "tick", LINK_CREDIT_MOST, 200);
	UNTIL(cancels == 1);
	assert_true(seen[0].chunks > 0);
	settle_down();
	assert_int_equal(cancels, 1);
}

static void
a_part_that_is_not_whole_ends_its_stream_alone(void **state)
{
	(void)state;
	call(0, "half_a_map", WINDOW);
	call(1, "unasked_parts", 0);
	call(2, "too_large", WINDOW);
	call(3, "report", 0);
	UNTIL(seen[0].errors == 1 && seen[1].errors == 1 &&
	    seen[2].errors == 1 && seen[3].results == 1);
	for (int i = 0; i < 3; i++)
		assert_string_equal(seen[i].code, "bad_result");
	assert_string_equal(
	    seen[0].text, "a part of the stream is not one whole value");
	assert_string_equal(seen[1].text,
	    "the function sends parts, and the call is no stream");
	assert_string_equal(
	    seen[2].text, "a part of the stream is larger than the link takes");
	UNTIL(cancels == 2);
	settle_down();
	assert_int_equal(seen[0].errors + seen[0].results + seen[0].ends, 1);
	assert_int_equal(client->generations, 1);
}

static void
a_stream_function_called_for_one_answer_refuses(void **state)
{
	(void)state;
	call(0, "count", 0);
	UNTIL(seen[0].errors == 1);
	assert_string_equal(seen[0].code, "bad_result");
	assert_int_equal(made, 0);
}

static struct text config;
static char config_bytes[8192];

static void
on_config(void *owner, void *call_, struct text value)
{
	(void)owner;
	(void)call_;
	assert_int_equal(
	    text_copy(value, config_bytes, sizeof(config_bytes)), OK);
	config = (struct text){config_bytes, value.len};
}

static void
get_config_tells_how_each_function_answers(void **state)
{
	static const char *const expected[] = {"stream", "stream", "async",
	    "sync", "sync", "sync", "stream", "stream", "stream", "sync"};
	struct link_client_calls calls = client_calls;
	struct unpacker u;
	struct text one, response;
	uint32_t count;

	(void)state;
	calls.result = on_config;
	client->calls_back = &calls;
	call(0, "get_config", 0);
	UNTIL(config.len > 0);
	unpack_init(&u, config);
	assert_int_equal(unpack_array(&u, &count), OK);
	assert_int_equal(count, COUNT_OF(expected));
	for (uint32_t i = 0; i < count; i++) {
		assert_int_equal(unpack_raw(&u, &one), OK);
		assert_int_equal(
		    unpack_field_text(one, "response_type", &response), OK);
		assert_true(text_is(response, expected[i]));
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_stream_sends_what_its_credit_allows_and_one_part_above),
	    T(values_put_at_the_end_are_the_last_part),
	    T(sixty_four_streams_share_a_session_and_none_starves),
	    T(streams_without_limits_take_turns),
	    T(a_reader_that_stops_stops_the_generators),
	    T(a_cancel_is_told_once_and_answering_after_it_harms_nobody),
	    T(a_call_that_outlives_its_cancel_hears_of_nothing_else),
	    T(a_gateway_that_goes_cancels_its_calls),
	    T(a_service_that_is_destroyed_tells_its_open_calls),
	    T(an_answer_may_come_later),
	    T(other_threads_hand_their_answers_to_the_service_s),
	    T(a_stream_past_its_deadline_is_told_so),
	    T(a_part_that_is_not_whole_ends_its_stream_alone),
	    T(a_stream_function_called_for_one_answer_refuses),
	    T(get_config_tells_how_each_function_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
