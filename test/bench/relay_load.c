// SPDX-License-Identifier: MIT
/*
 * relay_load - members of one group: one speaks, all listen, and a ledger of
 * who heard what: each message once, in order, by everybody. One line of JSON
 * on standard output.
 *
 * It shares no code with the gateway, so that a mistake made there is not
 * made here again.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "protocol/base/buffer.h"
#include "protocol/base/clock.h"
#include "protocol/base/memory.h"

enum {
	READ_BYTES = 1 << 20,
	EVENTS = 512,
	CPU_MOST = 8,
	BUCKETS = 1 << 20, /* of latencies, one per microsecond */
	MESSAGE_MOST = 60000,
	SETTLE_NS = 2000000000,
	EXIT_USAGE = 64,
	EXIT_NO_CONNECTION = 3
};

struct member {
	int fd;
	struct buffer in;
	uint64_t heard; /* number of the last message */
	bool is_gone;
};

struct run {
	struct member *members;
	uint32_t count;
	uint32_t window;
	uint32_t bytes;
	double seconds;
	int epoll;
	uint16_t port;
	uint64_t sent;    /* messages */
	uint64_t refused; /* answers to them that were errors */
	uint64_t deliveries;
	uint64_t measured;   /* of them while measuring */
	uint64_t disordered; /* not the next one for its member */
	uint64_t *due;       /* per message modulo: deliveries missing */
	uint64_t finished;   /* all messages up to this were heard by all */
	uint32_t *latencies;
	bool is_measuring;
	const char *cpu_name[CPU_MOST];
	pid_t cpu_pid[CPU_MOST];
	uint64_t cpu_ns[CPU_MOST];
	int cpus;
};

static void
die(const char *what)
{
	fprintf(stderr, "relay_load: %s: %s\n", what, strerror(errno));
	exit(EXIT_NO_CONNECTION);
}

static uint64_t
cpu_of(pid_t pid)
{
	struct timespec t;
	clockid_t id;

	if (clock_getcpuclockid(pid, &id) != 0 || clock_gettime(id, &t) != 0)
		return 0;
	return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

/* --- one member --- */

static void
write_all(int fd, const void *at, size_t bytes)
{
	const char *p = at;

	while (bytes > 0) {
		ssize_t n = send(fd, p, bytes, MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN)
			continue;
		if (n <= 0)
			die("write");
		p += n;
		bytes -= (size_t)n;
	}
}

/* say sends one text frame, masked with zeros. */
static void
say(int fd, const char *text, size_t len)
{
	static uint8_t frame[MESSAGE_MOST + 512];
	size_t at = 2;

	frame[0] = 0x81;
	if (len < 126) {
		frame[1] = (uint8_t)(0x80 | len);
	} else {
		frame[1] = 0x80 | 126;
		frame[2] = (uint8_t)(len >> 8);
		frame[3] = (uint8_t)len;
		at = 4;
	}
	memset(frame + at, 0, 4);
	memcpy(frame + at + 4, text, len);
	write_all(fd, frame, at + 4 + len);
}

/* next_frame gives the payload of a whole frame, or NULL. */
static const char *
next_frame(struct buffer *b, size_t *len, size_t *whole)
{
	const uint8_t *at = buffer_at(b);
	size_t used = buffer_used(b), head = 2;

	if (used < 2)
		return NULL;
	*len = at[1] & 0x7f;
	if (*len == 126) {
		head = 4;
		if (used < head)
			return NULL;
		*len = (size_t)at[2] << 8 | at[3];
	} else if (*len == 127) {
		head = 10;
		if (used < head)
			return NULL;
		*len = 0;
		for (int i = 2; i < 10; i++)
			*len = *len << 8 | at[i];
	}
	if (used < head + *len)
		return NULL;
	*whole = head + *len;
	return (const char *)at + head;
}

static void
fill(struct member *m)
{
	static uint8_t bytes[READ_BYTES];
	ssize_t n = recv(m->fd, bytes, sizeof(bytes), 0);

	if (n <= 0)
		die("read");
	enum err e = buffer_append(&m->in, bytes, (size_t)n);
	INVARIANT(e == OK);
}

/* expect waits for a frame that holds `text`. */
static void
expect(struct member *m, const char *text)
{
	size_t len, whole;
	const char *at;

	for (;;) {
		while ((at = next_frame(&m->in, &len, &whole)) != NULL) {
			bool is_it =
			    memmem(at, len, text, strlen(text)) != NULL;

			buffer_consume(&m->in, whole);
			if (is_it)
				return;
		}
		fill(m);
	}
}

static void
upgrade(struct member *m)
{
	static const char head[] =
	    "GET /socket/websocket?vsn=2.0.0 HTTP/1.1\r\nHost: localhost\r\n"
	    "Upgrade: websocket\r\nConnection: Upgrade\r\n"
	    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	    "Sec-WebSocket-Version: 13\r\n\r\n";
	const char *end;

	write_all(m->fd, head, sizeof(head) - 1);
	do
		fill(m);
	while ((end = memmem(buffer_at(&m->in), buffer_used(&m->in), "\r\n\r\n",
		    4)) == NULL);
	buffer_consume(
	    &m->in, (size_t)(end + 4 - (const char *)buffer_at(&m->in)));
}

static void
open_member(struct run *r, struct member *m)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
	    .sin_port = htons(r->port),
	    .sin_addr = {htonl(INADDR_LOOPBACK)}};
	int on = 1;

	m->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (m->fd < 0 || connect(m->fd, (void *)&to, sizeof(to)) < 0)
		die("connect");
	setsockopt(m->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	buffer_init(&m->in, 64 << 20);
	upgrade(m);
	static const char join[] =
	    "[\"1\",\"1\",\"api:bench\",\"phx_join\",{}]";
	say(m->fd, join, sizeof(join) - 1);
	expect(m, "phx_reply");
}

static void
ask(struct member *m, const char *type, const char *more)
{
	char text[256];
	int len = snprintf(text, sizeof(text),
	    "[\"1\",\"2\",\"api:bench\",\"api\",{\"service\":\"relay\","
	    "\"request_type\":\"%s\",\"request_id\":\"j\","
	    "\"args\":{\"group_id\":\"bench\"%s}}]",
	    type, more);

	say(m->fd, text, (size_t)len);
}

static void
open_all(struct run *r)
{
	for (uint32_t i = 0; i < r->count; i++)
		open_member(r, &r->members[i]);
	ask(&r->members[0], "create", ",\"group_type\":\"public\"");
	expect(&r->members[0], "\"created\"");
	for (uint32_t i = 1; i < r->count; i++)
		ask(&r->members[i], "join", "");
	for (uint32_t i = 1; i < r->count; i++)
		expect(&r->members[i], "\"active\"");
	/* the replies to those calls are still on their way */
	for (uint32_t i = 0; i < r->count; i++) {
		struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};

		expect(&r->members[i], "phx_reply");
		fcntl(r->members[i].fd, F_SETFL, O_NONBLOCK);
		epoll_ctl(r->epoll, EPOLL_CTL_ADD, r->members[i].fd, &event);
	}
	fprintf(stderr, "joined %u\n", r->count);
}

/* --- the talk --- */

static void
speak(struct run *r)
{
	static char text[MESSAGE_MOST + 512];
	static char padding[MESSAGE_MOST];

	while (r->sent - r->finished < r->window) {
		r->sent++;
		if (padding[0] == 0)
			memset(padding, 'x', sizeof(padding));
		int len = snprintf(text, sizeof(text),
		    "[\"1\",\"s\",\"api:bench\",\"api\",{\"service\":"
		    "\"relay\",\"request_type\":\"send\",\"request_id\":"
		    "\"s\",\"args\":{\"group_id\":\"bench\",\"message\":"
		    "\"%llu %llu %.*s\"}}]",
		    (unsigned long long)r->sent,
		    (unsigned long long)clock_mono_ns(), (int)r->bytes,
		    padding);
		r->due[r->sent % r->window] = r->count;
		say(r->members[0].fd, text, (size_t)len);
	}
}

static void
hear(struct run *r, struct member *m, const char *at, size_t len,
    uint64_t now_ns)
{
	static const char key[] = "\"message\":\"";
	const char *said = memmem(at, len, key, sizeof(key) - 1);
	char *rest;

	if (said == NULL) {
		r->refused += memmem(at, len, "\"success\":false", 15) != NULL;
		return;
	}
	uint64_t number = strtoull(said + sizeof(key) - 1, &rest, 10);
	uint64_t sent_ns = strtoull(rest, NULL, 10);
	r->deliveries++;
	r->disordered += number != m->heard + 1;
	m->heard = number;
	if (r->is_measuring) {
		uint64_t us = (now_ns - sent_ns) / 1000;

		r->measured++;
		r->latencies[us < BUCKETS ? us : BUCKETS - 1]++;
	}
	if (--r->due[number % r->window] == 0 && number == r->finished + 1)
		while (r->finished < r->sent &&
		    r->due[(r->finished + 1) % r->window] == 0)
			r->finished++;
}

static void
listen_to(struct run *r, struct member *m, uint64_t now_ns)
{
	static uint8_t bytes[READ_BYTES];
	size_t len, whole;
	const char *at;
	ssize_t n = recv(m->fd, bytes, sizeof(bytes), 0);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		m->is_gone = true;
		close(m->fd);
		return;
	}
	enum err e = buffer_append(&m->in, bytes, (size_t)n);
	INVARIANT(e == OK);
	while ((at = next_frame(&m->in, &len, &whole)) != NULL) {
		hear(r, m, at, len, now_ns);
		buffer_consume(&m->in, whole);
	}
}

static void
turn(struct run *r)
{
	struct epoll_event events[EVENTS];
	int count = epoll_wait(r->epoll, events, EVENTS, 20);

	for (int i = 0; i < count; i++)
		listen_to(r, &r->members[events[i].data.u32], clock_mono_ns());
}

static void
talk(struct run *r)
{
	uint64_t start = clock_mono_ns(), now = start;
	uint64_t warm_ns = 300000000;
	uint64_t end = start + warm_ns + (uint64_t)(r->seconds * 1e9);
	uint64_t began = 0;

	while (now < end) {
		if (!r->is_measuring && now - start >= warm_ns) {
			r->is_measuring = true;
			began = now;
			for (int i = 0; i < r->cpus; i++)
				r->cpu_ns[i] = cpu_of(r->cpu_pid[i]);
		}
		speak(r);
		turn(r);
		now = clock_mono_ns();
	}
	r->is_measuring = false;
	r->seconds = (double)(now - began) / 1e9;
	for (int i = 0; i < r->cpus; i++)
		r->cpu_ns[i] = cpu_of(r->cpu_pid[i]) - r->cpu_ns[i];
	while (r->finished < r->sent && clock_mono_ns() - now < SETTLE_NS)
		turn(r);
}

static uint64_t
quantile(const struct run *r, double share)
{
	uint64_t wanted = (uint64_t)((double)r->measured * share), seen = 0;

	for (uint32_t us = 0; us < BUCKETS; us++) {
		seen += r->latencies[us];
		if (seen > wanted)
			return us;
	}
	return BUCKETS;
}

static void
print(const struct run *r)
{
	uint64_t missing = r->sent * r->count - r->deliveries, gone = 0;

	for (uint32_t i = 0; i < r->count; i++)
		gone += r->members[i].is_gone;
	printf("{\"members\":%u,\"window\":%u,\"seconds\":%.3f,"
	       "\"deliveries_per_s\":%.0f,\"messages_per_s\":%.0f,"
	       "\"p50_us\":%llu,\"p99_us\":%llu,\"p999_us\":%llu,"
	       "\"missing\":%lld,\"disordered\":%llu,\"refused\":%llu,"
	       "\"gone\":%llu,\"cpu_us\":{",
	    r->count, r->window, r->seconds, (double)r->measured / r->seconds,
	    (double)r->measured / r->seconds / r->count,
	    (unsigned long long)quantile(r, 0.5),
	    (unsigned long long)quantile(r, 0.99),
	    (unsigned long long)quantile(r, 0.999), (long long)missing,
	    (unsigned long long)r->disordered, (unsigned long long)r->refused,
	    (unsigned long long)gone);
	for (int i = 0; i < r->cpus; i++)
		printf("%s\"%s\":%.3f", i > 0 ? "," : "", r->cpu_name[i],
		    (double)r->cpu_ns[i] / 1e3 / (double)(r->measured + 1));
	printf("}}\n");
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
	    {"port", required_argument, NULL, 'p'},
	    {"members", required_argument, NULL, 'm'},
	    {"window", required_argument, NULL, 'w'},
	    {"bytes", required_argument, NULL, 'b'},
	    {"seconds", required_argument, NULL, 's'},
	    {"cpu", required_argument, NULL, 'c'},
	    {0},
	};
	struct run r = {.count = 1000, .window = 8, .bytes = 64, .seconds = 3};
	int option;
	char *equal;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'p')
			r.port = (uint16_t)strtoul(optarg, NULL, 10);
		else if (option == 'm')
			r.count = (uint32_t)strtoul(optarg, NULL, 10);
		else if (option == 'w')
			r.window = (uint32_t)strtoul(optarg, NULL, 10);
		else if (option == 'b')
			r.bytes = (uint32_t)strtoul(optarg, NULL, 10);
		else if (option == 's')
			r.seconds = strtod(optarg, NULL);
		else if (option == 'c' && r.cpus < CPU_MOST &&
		    (equal = strchr(optarg, '=')) != NULL) {
			*equal = '\0';
			r.cpu_name[r.cpus] = optarg;
			r.cpu_pid[r.cpus++] =
			    (pid_t)strtol(equal + 1, NULL, 10);
		} else
			return EXIT_USAGE;
	}
	if (r.port == 0 || r.count < 2 || r.window == 0 ||
	    r.bytes > MESSAGE_MOST - 64)
		return EXIT_USAGE;
	r.members = memory_new(r.count * sizeof(*r.members));
	r.due = memory_new(r.window * sizeof(*r.due));
	r.latencies = memory_new(BUCKETS * sizeof(*r.latencies));
	r.epoll = epoll_create1(EPOLL_CLOEXEC);
	open_all(&r);
	talk(&r);
	print(&r);
	return 0;
}
