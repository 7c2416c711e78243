// SPDX-License-Identifier: MIT
/*
 * load - many Phoenix clients that call one function as fast as they get
 * answers, and a ledger of what became of each call: one line of JSON on
 * standard output. Standard error says "joined N" when all clients are in.
 *
 * SIGINT and SIGTERM end the sending; what is in flight is still waited for.
 */

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "protocol/base/clock.h"
#include "protocol/base/memory.h"
#include "test/bench/client.h"

enum {
	CPU_MOST = 16,
	EVENTS = 256,
	TICK_MS = 20,
	EXIT_USAGE = 64,
	EXIT_NO_CONNECTION = 3,
};

struct watched {
	char name[32];
	pid_t pid;
	uint64_t from_ns;
	uint64_t to_ns;
};

struct run {
	struct job job;
	struct ledger ledger;
	struct client **clients;
	uint32_t connections;
	uint32_t *watched; /* EPOLL events asked for, per client */
	uint64_t reconnects;
	int epoll;
	uint64_t seconds_ns;
	uint64_t warmup_ns;
	bool is_idle; /* join and hold until standard input ends */
	bool keeps_connecting;
	struct watched cpus[CPU_MOST];
	int cpu_count;
	uint64_t began_ns, ended_ns; /* of what is measured */
	uint64_t ended;              /* calls that ended while measuring */
	uint64_t chunks;             /* parts that came while measuring */
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

/* call_all is the load itself, warm-up first. */
static void
call_all(struct run *r)
{
	uint64_t start = clock_mono_ns(), now = start, next = start;
	bool is_warm = false;

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

static bool
parse_url(struct run *r, char *url)
{
	static char path[1024];
	char *port, *rest;

	if (strncmp(url, "ws://", 5) != 0)
		return false;
	r->job.host = url + 5;
	port = strchr(url + 5, ':');
	if (port == NULL)
		return false;
	*port++ = '\0';
	r->job.port = (uint16_t)strtoul(port, &rest, 10);
	const char *mount = *rest == '/' ? rest : "/socket";
	size_t bytes = strcspn(mount, "?"); /* a query is for the upgrade */
	snprintf(path, sizeof path, "%.*s/websocket?vsn=2.0.0%s%s", (int)bytes,
	    mount, mount[bytes] == '?' ? "&" : "",
	    mount[bytes] == '?' ? mount + bytes + 1 : "");
	r->job.path = path;
	return r->job.port != 0;
}

static bool
parse_cpu(struct run *r, const char *arg)
{
	struct watched *w = &r->cpus[r->cpu_count];
	const char *pid = strchr(arg, '=');

	if (pid == NULL || r->cpu_count == CPU_MOST ||
	    (size_t)(pid - arg) >= sizeof w->name)
		return false;
	memcpy(w->name, arg, (size_t)(pid - arg));
	w->pid = (pid_t)strtol(pid + 1, NULL, 10);
	r->cpu_count++;
	return w->pid > 0;
}

static const struct option options[] = {
    {"url", required_argument, NULL, 'u'},
    {"connections", required_argument, NULL, 'c'},
    {"pipeline", required_argument, NULL, 'p'},
    {"seconds", required_argument, NULL, 's'},
    {"calls", required_argument, NULL, 'n'},
    {"warmup-ms", required_argument, NULL, 'w'},
    {"timeout-ms", required_argument, NULL, 't'},
    {"topic", required_argument, NULL, 'T'},
    {"event", required_argument, NULL, 'E'},
    {"service", required_argument, NULL, 'S'},
    {"function", required_argument, NULL, 'F'},
    {"args", required_argument, NULL, 'A'},
    {"expect", required_argument, NULL, 'X'},
    {"cpu", required_argument, NULL, 'C'},
    {"kind", required_argument, NULL, 'k'},
    {"echo", no_argument, NULL, 'e'},
    {"idle", no_argument, NULL, 'i'},
    {"no-reconnect", no_argument, NULL, 'r'},
    {NULL, 0, NULL, 0},
};

static bool
set_number(struct run *r, int option, const char *arg)
{
	char *end;
	double value = strtod(arg, &end);

	if (*end != '\0' || end == arg || value < 0)
		return false;
	if (option == 'c')
		r->connections = (uint32_t)value;
	if (option == 'p')
		r->job.pipeline = (uint32_t)value;
	if (option == 's')
		r->seconds_ns = (uint64_t)(value * 1e9);
	if (option == 'n')
		r->job.calls_left = (uint64_t)value;
	if (option == 'w')
		r->warmup_ns = (uint64_t)(value * 1e6);
	if (option == 't')
		r->job.timeout_ns = (uint64_t)(value * 1e6);
	return r->connections > 0 && r->job.pipeline > 0;
}

static bool
set_kind(struct run *r, const char *word)
{
	static const char *const words[] = {
	    [JOB_SYNC] = "sync",
	    [JOB_ASYNC] = "async",
	    [JOB_STREAM] = "stream",
	};

	for (size_t i = 0; i < COUNT_OF(words); i++) {
		if (strcmp(words[i], word) != 0)
			continue;
		r->job.kind = (enum job_kind)i;
		return true;
	}
	return false;
}

static bool
set_option(struct run *r, int option, char *arg)
{
	switch (option) {
	case 'u':
		return parse_url(r, arg);
	case 'C':
		return parse_cpu(r, arg);
	case 'T':
		r->job.topic = arg;
		return true;
	case 'E':
		r->job.event = arg;
		return true;
	case 'S':
		r->job.service = arg;
		return true;
	case 'F':
		r->job.function = arg;
		return true;
	case 'A':
		r->job.args = arg;
		return true;
	case 'X':
		r->job.expect = arg;
		return true;
	case 'k':
		return set_kind(r, arg);
	case 'e':
		r->job.is_echo = true;
		return true;
	case 'i':
		r->is_idle = true;
		return true;
	case 'r':
		r->keeps_connecting = false;
		return true;
	default:
		return arg != NULL && set_number(r, option, arg);
	}
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

static int
usage(void)
{
	fprintf(stderr,
	    "usage: load --url ws://HOST:PORT/MOUNT "
	    "[--connections N] [--pipeline N] [--seconds S] "
	    "[--calls N]\n  [--warmup-ms N] [--timeout-ms N] "
	    "[--topic T] [--event E] [--service S]\n  "
	    "[--function F] [--args JSON] [--expect TEXT] "
	    "[--cpu NAME=PID]... [--kind sync|async|stream] [--echo] "
	    "[--idle]\n  "
	    "[--no-reconnect]\n");
	return EXIT_USAGE;
}

int
main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = on_signal};
	struct run *r = &run;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (option == '?' || !set_option(r, option, optarg))
			return usage();
	if (r->job.port == 0)
		return usage();
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
	settle(r);
	print(r);
	for (uint32_t i = 0; i < r->connections; i++)
		client_destroy(&r->clients[i]);
	return 0;
}
