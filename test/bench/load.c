// SPDX-License-Identifier: MIT
/*
 * load - many Phoenix clients that call one function as fast as they get
 * answers, and a ledger of what became of each call: one line of JSON on
 * standard output. Standard error says "joined N" when all clients are in.
 *
 * SIGINT and SIGTERM end the sending; what is in flight is still waited for.
 * With --marks each line on standard input ends a slice, told as a line of
 * its own, and its end ends the sending: one set of clients, measured by turns
 * under this and under that.
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "protocol/base/clock.h"
#include "protocol/base/memory.h"
#include "test/bench/load.h"

enum {
	EVENTS = 256,
	TICK_MS = 20,
	EXIT_NO_CONNECTION = 3,
};

static volatile sig_atomic_t is_interrupted;

static void
on_signal(int signal)
{
	(void)signal;
	is_interrupted = 1;
}

/* cpu_of reads the CPU time of another process. */
static uint64_t
cpu_of(pid_t pid)
{
	struct timespec t;
	clockid_t id;

	if (clock_getcpuclockid(pid, &id) != 0 || clock_gettime(id, &t) != 0)
		return 0;
	return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

/* watch asks epoll for what a client waits for, when that has changed. */
static void
watch(struct run *r, uint32_t i)
{
	struct client *c = r->clients[i];
	bool is_connecting = client_state(c) == CLIENT_CONNECTING;
	uint32_t wanted = EPOLLIN;

	if (client_wants_write(c) || is_connecting)
		wanted |= EPOLLOUT;
	if (wanted == r->watched[i])
		return;
	struct epoll_event event = {.events = wanted, .data.u32 = i};

	epoll_ctl(r->epoll, r->watched[i] == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD,
	    client_fd(c), &event);
	r->watched[i] = wanted;
}

static bool
start_client(struct run *r, uint32_t i)
{
	r->watched[i] = 0;
	if (client_connect(r->clients[i]) != OK)
		return false;
	watch(r, i);
	return true;
}

static uint32_t
count_joined(const struct run *r)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < r->connections; i++)
		count += client_state(r->clients[i]) == CLIENT_JOINED;
	return count;
}

static uint32_t
count_in_flight(const struct run *r)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < r->connections; i++)
		count += client_in_flight(r->clients[i]);
	return count;
}

/* turn waits for events and serves them. */
static void
turn(struct run *r, int wait_ms)
{
	struct epoll_event events[EVENTS];
	int count = epoll_wait(r->epoll, events, EVENTS, wait_ms);

	for (int n = 0; n < count; n++) {
		uint32_t i = events[n].data.u32;

		if (i == UINT32_MAX) {
			r->has_mark = true;
			continue;
		}
		enum err e = client_ready(
		    r->clients[i], events[n].events, clock_mono_ns());

		if (e == OK)
			watch(r, i);
		else
			r->watched[i] = 0;
	}
}

/* tick: what happens a few times a second. */
static void
tick(struct run *r)
{
	uint64_t now = clock_mono_ns();

	for (uint32_t i = 0; i < r->connections; i++) {
		struct client *c = r->clients[i];

		client_expire(c, now);
		if (client_state(c) == CLIENT_CLOSED) {
			if (r->keeps_connecting && !r->job.is_stopping &&
			    start_client(r, i))
				r->reconnects++;
		} else if (client_send(c, now) == OK) {
			watch(r, i);
		}
	}
}

/* join_all connects and joins every client; false when that takes too long. */
static bool
join_all(struct run *r)
{
	uint64_t deadline = clock_mono_ns() + 10000000000ull, next = 0;
	uint64_t calls = r->job.calls_left;

	r->job.calls_left = 0; /* nobody starts before all are in */
	for (uint32_t i = 0; i < r->connections; i++) {
		start_client(r, i);
		turn(r, 0);
	}
	while (count_joined(r) < r->connections && !is_interrupted) {
		uint64_t now = clock_mono_ns();

		if (now > deadline)
			return false;
		turn(r, TICK_MS);
		if (now > next) {
			tick(r);
			next = now + TICK_MS * 1000000ull;
		}
	}
	r->job.calls_left = calls;
	r->reconnects = 0;
	fprintf(stderr, "joined %u\n", r->connections);
	return true;
}

static void
begin_measuring(struct run *r)
{
	ledger_forget_times(&r->ledger);
	r->ended = r->ledger.answers + r->ledger.errors;
	r->chunks = r->ledger.chunks;
	for (int i = 0; i < r->cpu_count; i++)
		r->cpus[i].from_ns = cpu_of(r->cpus[i].pid);
	r->began_ns = clock_mono_ns();
}

static void
end_measuring(struct run *r)
{
	r->ended_ns = clock_mono_ns();
	r->ended = r->ledger.answers + r->ledger.errors - r->ended;
	r->chunks = r->ledger.chunks - r->chunks;
	for (int i = 0; i < r->cpu_count; i++)
		r->cpus[i].to_ns = cpu_of(r->cpus[i].pid);
}

static void
print(struct run *r)
{
	double seconds = (double)(r->ended_ns - r->began_ns) / 1e9;
	double ended = (double)r->ended;
	/* what the work is divided by: a stream is as much as its parts */
	double units = r->job.kind == JOB_STREAM ? (double)r->chunks : ended;

	ledger_correct(&r->ledger);
	printf("{\"connections\":%u,\"pipeline\":%u,\"seconds\":%.3f,"
	       "\"calls_per_s\":%.0f,\"chunks_per_s\":%.0f,"
	       "\"reconnects\":%llu,\"cpu_us\":{",
	    r->connections, r->job.pipeline, seconds, ended / seconds,
	    (double)r->chunks / seconds, (unsigned long long)r->reconnects);
	for (int i = 0; i < r->cpu_count; i++)
		printf("%s\"%s\":%.3f", i > 0 ? "," : "", r->cpus[i].name,
		    units > 0
			? (double)(r->cpus[i].to_ns - r->cpus[i].from_ns) /
			    1e3 / units
			: 0.0);
	printf("},");
	ledger_print(&r->ledger, stdout);
	printf("}\n");
}

/* next_slice tells the one that ends and begins another; false at the end of
 * standard input. */
static bool
next_slice(struct run *r)
{
	char line[64];

	if (read(STDIN_FILENO, line, sizeof(line)) <= 0)
		return false;
	end_measuring(r);
	print(r);
	fflush(stdout);
	begin_measuring(r);
	return true;
}

/* read_marks: standard input among what the turns wait for. */
static void
read_marks(struct run *r)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u32 = UINT32_MAX};

	if (r->is_marked)
		epoll_ctl(r->epoll, EPOLL_CTL_ADD, STDIN_FILENO, &event);
}

/* call_all is the load itself, warm-up first. */
static void
call_all(struct run *r)
{
	uint64_t start = clock_mono_ns(), now = start, next = start;
	bool is_warm = false;

	read_marks(r);
	while (!is_interrupted) {
		if (!is_warm && now - start >= r->warmup_ns) {
			begin_measuring(r);
			is_warm = true;
		}
		if (now - start >= r->warmup_ns + r->seconds_ns ||
		    (r->job.calls_left == 0 && count_in_flight(r) == 0))
			break;
		if (now >= next) {
			tick(r);
			next = now + TICK_MS * 1000000ull;
		}
		turn(r, TICK_MS);
		if (r->has_mark && !next_slice(r))
			break;
		r->has_mark = false;
		now = clock_mono_ns();
	}
	if (!is_warm)
		begin_measuring(r);
	end_measuring(r);
}

/* settle waits for what is in flight and for answers that come twice. */
static void
settle(struct run *r)
{
	r->job.is_stopping = true;
	while (count_in_flight(r) > 0) {
		turn(r, TICK_MS);
		tick(r);
	}
	uint64_t until = clock_mono_ns() + 50000000ull;

	while (clock_mono_ns() < until)
		turn(r, 10);
}

/* hold keeps idle clients joined until standard input ends. */
static void
hold(struct run *r)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u32 = UINT32_MAX};
	struct epoll_event got;

	epoll_ctl(r->epoll, EPOLL_CTL_ADD, STDIN_FILENO, &event);
	while (!is_interrupted) {
		if (epoll_wait(r->epoll, &got, 1, 500) <= 0)
			continue;
		if (got.data.u32 == UINT32_MAX)
			break;
		if (client_ready(r->clients[got.data.u32], got.events,
			clock_mono_ns()) != OK)
			r->watched[got.data.u32] = 0;
	}
	printf("{\"connections\":%u,\"joined\":%u}\n", r->connections,
	    count_joined(r));
}

static struct run run = {
    .job =
	{
	    .host = "127.0.0.1",
	    .topic = "api:lobby",
	    .event = "api",
	    .service = "user_service",
	    .function = "get_user",
	    .args = "{\"user_id\":\"u42\"}",
	    .pipeline = 1,
	    .timeout_ns = 5000000000ull,
	    .calls_left = UINT64_MAX,
	},
    .connections = 1,
    .seconds_ns = 1000000000ull,
    .keeps_connecting = true,
};

int
main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = on_signal};
	struct run *r = &run;

	if (!load_options(r, argc, argv))
		return load_usage();
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	r->epoll = epoll_create1(EPOLL_CLOEXEC);
	r->clients = memory_new(r->connections * sizeof *r->clients);
	r->watched = memory_new(r->connections * sizeof *r->watched);
	for (uint32_t i = 0; i < r->connections; i++)
		r->clients[i] = client_create(&r->job, &r->ledger);
	if (!join_all(r)) {
		fprintf(stderr, "load: %u of %u clients joined within 10 s\n",
		    count_joined(r), r->connections);
		return EXIT_NO_CONNECTION;
	}
	if (r->is_idle) {
		hold(r);
		return 0;
	}
	call_all(r);
	if (r->is_marked)
		epoll_ctl(r->epoll, EPOLL_CTL_DEL, STDIN_FILENO, NULL);
	settle(r);
	print(r);
	for (uint32_t i = 0; i < r->connections; i++)
		client_destroy(&r->clients[i]);
	return 0;
}
