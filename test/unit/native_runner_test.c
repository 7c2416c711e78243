// SPDX-License-Identifier: MIT
/*
 * The threads of a native runner, in a child of this test so that every build
 * (address, thread sanitizer) looks at them; the pool is the test itself.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "protocol/base/clock.h"
#include "workers/worker_pool/native_runner/native.h"

enum {
	THREADS = 8,
	AT_ONCE = 64,
	CALLS = 20000,
	ITEMS = 300,
	FIRST_CREDIT = 64,
};

/* ---- the plug-in ---- */

static void
echo(struct service_call *call, void *ctx)
{
	(void)ctx;
	service_put_arg(call, 0);
	service_done(call);
}

static void
pause_us(long us)
{
	struct timespec rest = {.tv_nsec = us * 1000};

	nanosleep(&rest, NULL);
}

static void
block(struct service_call *call, void *ctx)
{
	int64_t us = 0;

	(void)ctx;
	service_arg_i64(call, 0, &us);
	pause_us((long)us);
	service_put_i64(call, us);
	service_done(call);
}

static void
answer(struct service_call *call, void *ctx)
{
	(void)ctx;
	service_put_i64(call, 1);
	service_done(call);
}

static void
later(struct service_call *call, void *ctx)
{
	(void)ctx;
	service_later(call, 1, answer);
}

static void
numbers(struct service_call *call, void *ctx)
{
	int64_t *next = service_state(call, sizeof(*next));

	(void)ctx;
	for (; service_credit(call) > 0; ++*next) {
		if (*next == ITEMS) {
			service_done(call);
			return;
		}
		service_put_i64(call, *next);
		service_chunk(call);
	}
}

static void
keep(struct service_call *call, void *ctx)
{
	(void)call;
	(void)ctx;
}

static void *
answer_elsewhere(void *call)
{
	pause_us(100);
	answer(call, NULL);
	return NULL;
}

static void
elsewhere(struct service_call *call, void *ctx)
{
	pthread_t thread;

	(void)ctx;
	if (pthread_create(&thread, NULL, answer_elsewhere, call) == 0)
		pthread_detach(thread);
	else
		answer(call, NULL);
}

static const struct service_function functions[] = {
    {.name = "echo", .run = echo},
    {.name = "block", .run = block, .on_cancel = service_give_up},
    {.name = "later", .run = later, .on_cancel = service_give_up},
    {.name = "numbers",
	.run = numbers,
	.response = "stream",
	.on_room = numbers,
	.on_cancel = service_give_up},
    {.name = "keep", .run = keep, .on_cancel = service_give_up},
    {.name = "elsewhere", .run = elsewhere},
    {NULL},
};
static const struct service_plugin plugin = {.abi = SERVICE_PLUGIN_ABI,
    .name = "test",
    .functions = functions};

/* ---- the runner ---- */

static int pool = -1;
static pid_t runner;

static void
be_the_runner(int fd)
{
	static struct native native;
	uint32_t threads;

	plugins_init(&native.plugins);
	if (!plugins_take(&native.plugins, "test", &plugin) ||
	    !native_open(&native, fd))
		_exit(9);
	native_greet(&native, &threads);
	if (!native_start(&native, threads))
		_exit(9);
	native_flush(&native);
	native_keep(&native);
}

/* ---- the pool ---- */

static struct buffer in, out;
static uint64_t next_id;
static struct {
	int kind; /* of what was called */
	uint64_t chunks;
	int64_t credit;
	bool is_open, is_cancelled;
} calls[CALLS + AT_ONCE + 1];
static int answered, expired, pongs;
static bool gives_none; /* credit */

static void
send_out(void)
{
	while (buffer_used(&out) > 0) {
		ssize_t n = send(
		    pool, buffer_at(&out), buffer_used(&out), MSG_NOSIGNAL);

		assert_true(n > 0);
		buffer_consume(&out, (size_t)n);
	}
}

static void
read_frame(struct link_frame *f, size_t *whole)
{
	enum err e;
	uint8_t *to;

	while ((e = runner_read(buffer_at(&in), buffer_used(&in),
		    RUNNER_MAX_BYTES, f, whole)) == ERR_AGAIN) {
		assert_int_equal(buffer_reserve(&in, 65536, &to), OK);
		ssize_t n = recv(pool, to, 65536, 0);
		assert_true(n > 0);
		buffer_commit(&in, (size_t)n);
	}
	assert_int_equal(e, OK);
}

static void
say(void (*write_it)(struct packer *, const void *), const void *what)
{
	struct packer p;

	pack_init(&p, &out);
	size_t place = runner_begin(&p);
	write_it(&p, what);
	assert_int_equal(runner_end(&p, place, RUNNER_MAX_BYTES), OK);
}

static void
write_welcome(struct packer *p, const void *what)
{
	runner_write_welcome(p, what);
}

struct plain {
	enum link_kind kind;
	uint64_t id, bytes;
};

static void
write_plain(struct packer *p, const void *what)
{
	const struct plain *plain = what;

	if (plain->kind == FRAME_CREDIT)
		link_write_credit(p, plain->id, plain->bytes);
	else
		link_write_plain(p, plain->kind, plain->id);
}

static void
write_request(struct packer *p, const void *what)
{
	link_write_call(p, next_id, what);
}

static void
call(int kind)
{
	static const char *const names[] = {
	    "echo", "block", "later", "numbers", "keep", "elsewhere"};
	struct link_request request = {.module = TEXT("test"),
	    .function = text_of(names[kind]),
	    .args = {"\x91\x64", 2}, /* [100] */
	    .deadline_ms = 60000,
	    .credit_bytes = kind == 3 ? FIRST_CREDIT : 0};

	next_id++;
	calls[next_id].kind = kind;
	calls[next_id].is_open = true;
	calls[next_id].credit = request.credit_bytes;
	say(write_request, &request);
	/* some are cancelled at once, some later, those that keep always */
	if (kind == 4 || next_id % 97 == 0) {
		struct plain cancel = {FRAME_CANCEL, next_id, 0};

		calls[next_id].is_cancelled = true;
		say(write_plain, &cancel);
	}
}

static void
on_chunk(const struct link_frame *f)
{
	struct unpacker u;
	uint64_t value;

	assert_int_equal(calls[f->id].kind, 3);
	assert_int_equal(f->number, calls[f->id].chunks);
	unpack_init(&u, f->value);
	assert_int_equal(unpack_u64(&u, &value), OK);
	assert_int_equal(value, calls[f->id].chunks);
	calls[f->id].chunks++;
	assert_true(calls[f->id].credit > 0); /* one may go above it */
	calls[f->id].credit -= f->value.len;
	if (gives_none)
		return;
	calls[f->id].credit += f->value.len;
	struct plain credit = {FRAME_CREDIT, f->id, f->value.len};
	say(write_plain, &credit);
}

/* hear takes one frame; every call is answered once, as it must be. */
static void
hear(void)
{
	struct link_frame f;
	size_t whole;

	read_frame(&f, &whole);
	if (f.kind == FRAME_PING) {
		pongs++;
	} else {
		assert_in_range(f.id, 1, next_id);
		assert_true(calls[f.id].is_open);
		if (f.kind == FRAME_CHUNK) {
			on_chunk(&f);
		} else {
			calls[f.id].is_open = false;
			answered++;
			expired += f.kind == FRAME_ERROR;
			if (f.kind == FRAME_ERROR)
				assert_true(calls[f.id].is_cancelled);
			if (f.kind == FRAME_END)
				assert_int_equal(calls[f.id].chunks, ITEMS);
		}
	}
	buffer_consume(&in, whole);
}

static void
start_runner(uint32_t threads)
{
	struct runner_welcome welcome = {.pool = TEXT("test"),
	    .runner = TEXT("test/1"),
	    .threads = threads,
	    .max_bytes = 1 << 20};
	struct runner_hello hello;
	struct link_frame f;
	size_t whole;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	runner = fork();
	assert_true(runner >= 0);
	if (runner == 0) {
		close(pair[0]);
		be_the_runner(pair[1]);
	}
	close(pair[1]);
	pool = pair[0];
	say(write_welcome, &welcome);
	send_out();
	read_frame(&f, &whole);
	assert_int_equal(f.kind, FRAME_HELLO);
	assert_int_equal(runner_read_hello(f.value, &hello), OK);
	assert_int_equal(hello.capacity, threads);
	assert_true(hello.answers_always);
	buffer_consume(&in, whole);
}

static int
set_up(void **state)
{
	(void)state;
	buffer_init(&in, RUNNER_MAX_BYTES + 65536);
	buffer_init(&out, RUNNER_MAX_BYTES);
	memset(calls, 0, sizeof(calls));
	next_id = 0;
	answered = expired = pongs = 0;
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	buffer_finish(&in);
	buffer_finish(&out);
	close(pool);
	return 0;
}

static void
assert_drains(void)
{
	struct plain draining = {FRAME_DRAINING, 0, 0};
	int status;

	say(write_plain, &draining);
	send_out();
	assert_int_equal(waitpid(runner, &status, 0), runner);
	assert_int_equal(status, 0); /* a sanitizer's finding is not 0 */
}

/* load keeps AT_ONCE calls of all kinds open until CALLS were answered. */
static void
load(int count, int kinds)
{
	uint32_t seed = 1;

	while (answered < count) {
		while (next_id < (uint64_t)count &&
		    next_id - (uint64_t)answered < AT_ONCE) {
			seed = seed * 1664525 + 1013904223;
			call((int)((seed >> 16) % (uint32_t)kinds));
		}
		if (answered % 100 == 0) {
			struct plain ping = {FRAME_PING, 1, 0};

			say(write_plain, &ping);
		}
		send_out();
		hear();
	}
}

static void
calls_of_every_kind_are_answered_once_by_many_threads(void **state)
{
	(void)state;
	start_runner(THREADS);
	load(CALLS / 4, 6);
	assert_true(expired > 0 && pongs > 0);
	assert_drains();
}

static void
a_stream_waits_for_its_credit(void **state)
{
	(void)state;
	start_runner(THREADS);
	gives_none = true;
	call(3);
	for (int i = 0; i < 50; i++) {
		int before = answered;

		call(0);
		send_out();
		while (answered == before)
			hear();
	}
	gives_none = false;
	assert_int_equal(calls[1].chunks, FIRST_CREDIT); /* of a byte each */
	struct plain cancel = {FRAME_CANCEL, 1, 0};
	calls[1].is_cancelled = true;
	say(write_plain, &cancel);
	assert_drains();
}

static void
one_thread_does_it_as_well(void **state)
{
	(void)state;
	start_runner(1);
	load(CALLS / 10, 6);
	assert_drains();
}

static void
short_calls_are_run_by_whoever_reads_them(void **state)
{
	(void)state;
	start_runner(THREADS);
	load(CALLS, 1);
	assert_drains();
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(calls_of_every_kind_are_answered_once_by_many_threads),
	    T(a_stream_waits_for_its_credit),
	    T(one_thread_does_it_as_well),
	    T(short_calls_are_run_by_whoever_reads_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
