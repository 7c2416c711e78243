// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * A call's number is also its ref and its request_id ("r17"), and number %
 * pipeline is its place, so an answer is matched without a table. A place
 * whose number has moved on tells an answer that came twice from one that
 * came late by a short list of numbers that timed out.
 *
 * A call is over when both have come: the last push and the phx_reply. What
 * kind of push one is stands at its very end, in the order the gateway writes
 * its keys; parts of a stream must carry their number as their result.
 */

#include "test/bench/client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol/base/memory.h"
#include "test/bench/wire.h"

enum {
	READ_BYTES = 256 * 1024,
	LATE_KEPT = 256,
	FRAME_BYTES = 4096, /* of one call */
	HAS_PUSH = 1,
	HAS_REPLY = 2,
	HAS_BOTH = 3,
	HAS_ACK = 4,
};

struct place {
	uint64_t number; /* of the call in flight; 0: free */
	uint64_t sent_ns;
	uint64_t heard_ns; /* of its last part */
	uint64_t parts;
	uint32_t has;
};

struct client {
	struct job *job;
	struct ledger *ledger;
	int fd;
	enum client_state state;
	struct buffer in;
	struct buffer out;
	uint64_t next;   /* number of the next call; place = next % pipeline */
	uint64_t before; /* numbers up to this were other connections' */
	bool is_turned_away; /* heard a close with 1012 */
	uint32_t in_flight;
	struct place *places;
	uint64_t late[LATE_KEPT];
	uint32_t late_at;
};

struct client *
client_create(struct job *job, struct ledger *ledger)
{
	struct client *c = MEMORY_NEW(struct client);

	c->job = job;
	c->ledger = ledger;
	c->fd = -1;
	c->next = job->pipeline;
	c->places = memory_new(job->pipeline * sizeof *c->places);
	buffer_init(&c->in, 64 << 20);
	buffer_init(&c->out, 64 << 20);
	return c;
}

/* drop closes the socket; what was in flight is lost with it. */
static enum err
drop(struct client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	c->state = CLIENT_CLOSED;
	for (uint32_t i = 0; i < c->job->pipeline; i++) {
		if (c->places[i].number == 0)
			continue;
		if ((c->places[i].has & HAS_PUSH) != 0)
			;
		else if (c->is_turned_away)
			ledger_error(c->ledger, TEXT("close_1012"));
		else
			c->ledger->lost++;
		c->places[i].number = 0;
	}
	c->in_flight = 0;
	c->is_turned_away = false;
	c->before = c->next;
	buffer_truncate(&c->in, 0);
	buffer_truncate(&c->out, 0);
	return ERR_CLOSED;
}

void
client_destroy(struct client **client)
{
	struct client *c = *client;

	if (c == NULL)
		return;
	enum err ignored = drop(c);

	(void)ignored;
	buffer_finish(&c->in);
	buffer_finish(&c->out);
	memory_free(c->places);
	memory_free(c);
	*client = NULL;
}

int
client_fd(const struct client *c)
{
	return c->fd;
}

enum client_state
client_state(const struct client *c)
{
	return c->state;
}

uint32_t
client_in_flight(const struct client *c)
{
	return c->in_flight;
}

bool
client_wants_write(const struct client *c)
{
	return buffer_used(&c->out) > 0;
}

enum err
client_connect(struct client *c)
{
	struct sockaddr_in to = {
	    .sin_family = AF_INET, .sin_port = htons(c->job->port)};
	int on = 1;

	if (inet_pton(AF_INET, c->job->host, &to.sin_addr) != 1)
		return ERR_MALFORMED;
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return ERR_SYSTEM;
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	c->state = CLIENT_CONNECTING;
	if (connect(c->fd, (struct sockaddr *)&to, sizeof to) != 0 &&
	    errno != EINPROGRESS)
		return drop(c);
	return OK;
}

/* flush writes what it can. */
static enum err
flush(struct client *c)
{
	while (buffer_used(&c->out) > 0) {
		ssize_t n = send(c->fd, buffer_at(&c->out),
		    buffer_used(&c->out), MSG_NOSIGNAL);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return OK;
		if (n <= 0)
			return drop(c);
		buffer_consume(&c->out, (size_t)n);
	}
	return OK;
}

static void
put_upgrade(struct client *c)
{
	wire_put_upgrade(&c->out, c->job->host, c->job->port, c->job->path);
	c->state = CLIENT_UPGRADING;
}

static void
put_join(struct client *c)
{
	char frame[512];
	int length = snprintf(frame, sizeof frame,
	    "[\"1\",\"0\",\"%s\",\"phx_join\",{}]", c->job->topic);

	wire_put_frame(&c->out, 1, frame, (size_t)length);
	c->state = CLIENT_JOINING;
}

static void
put_call(struct client *c, uint64_t number)
{
	static _Thread_local char frame[FRAME_BYTES];
	const struct job *j = c->job;
	char digits[24], *at = frame;
	int count =
	    snprintf(digits, sizeof digits, "%llu", (unsigned long long)number);
	const char *parts[] = {"[\"1\",\"", digits, "\",\"", j->topic, "\",\"",
	    j->event, "\",{\"service\":\"", j->service,
	    "\",\"request_type\":\"", j->function, "\",\"request_id\":\"r",
	    digits, "\",\"args\":", j->args, "}]"};

	(void)count;
	for (size_t i = 0; i < COUNT_OF(parts); i++) {
		size_t bytes = strlen(parts[i]);

		INVARIANT(at + bytes < frame + sizeof frame);
		memcpy(at, parts[i], bytes);
		at += bytes;
	}
	wire_put_frame(&c->out, 1, frame, (size_t)(at - frame));
}

enum err
client_send(struct client *c, uint64_t now_ns)
{
	struct job *j = c->job;

	while (c->state == CLIENT_JOINED && !j->is_stopping &&
	    j->calls_left > 0 && c->in_flight < j->pipeline) {
		struct place *p = &c->places[c->next % j->pipeline];

		if (p->number != 0) { /* overtaken by its neighbours */
			c->next++;
			continue;
		}
		*p = (struct place){
		    .number = c->next++, .sent_ns = now_ns, .heard_ns = now_ns};
		put_call(c, p->number);
		c->in_flight++;
		j->calls_left--;
		c->ledger->calls++;
	}
	return flush(c);
}

/* ended_before judges a frame for a call that is no longer in flight. */
static void
ended_before(struct client *c, uint64_t number, uint32_t has)
{
	if (number < c->job->pipeline || number >= c->next ||
	    number < c->before) {
		c->ledger->foreign++;
		return;
	}
	for (int i = 0; i < LATE_KEPT; i++) {
		if (c->late[i] != number)
			continue;
		if (has == HAS_PUSH)
			c->ledger->late++;
		else
			c->late[i] = 0;
		return;
	}
	c->ledger->twice++;
}

#define FLAGS(async, more) \
	"\"async\":" async ",\"has_more\":" more ",\"can_retry\":false}]"

/* is_ack: it says that a call was taken, and ends nothing. */
static bool
is_ack(
    const struct client *c, const struct wire_message *m, const struct place *p)
{
	if ((p->has & HAS_ACK) != 0)
		return false;
	if (c->job->kind == JOB_ASYNC)
		return wire_ends_with(m->whole, FLAGS("true", "false"));
	return c->job->kind == JOB_STREAM &&
	    wire_ends_with(m->whole, FLAGS("true", "true")) &&
	    wire_behind(m->whole, "\"result\":\"init\"").at != NULL;
}

/* took deals with a push that ends nothing: an acknowledgement or a part. */
static bool
took(struct client *c, struct place *p, const struct wire_message *m,
    uint64_t now_ns)
{
	if (c->job->kind == JOB_SYNC)
		return false;
	if (is_ack(c, m, p)) {
		p->has |= HAS_ACK;
		c->ledger->acks++;
		return true;
	}
	if (c->job->kind == JOB_ASYNC) {
		if (wire_ends_with(m->whole, FLAGS("true", "false"))) {
			c->ledger->twice++;
			return true;
		}
	} else if (wire_ends_with(m->whole, FLAGS("true", "true"))) {
		struct text value = wire_behind(m->whole, "\"result\":");

		if (p->has == 0 || value.at == NULL ||
		    wire_number(value) != p->parts)
			c->ledger->disordered++;
		p->parts++;
		p->heard_ns = now_ns;
		c->ledger->chunks++;
		return true;
	}
	/* an error may come at once, instead of the acknowledgement */
	if ((p->has & HAS_ACK) == 0 &&
	    wire_behind(m->whole, "\"success\":true").at != NULL)
		c->ledger->disordered++;
	return false;
}

/* judge counts the pushed response: answer or typed error. */
static void
judge(struct client *c, const struct wire_message *m)
{
	if (wire_behind(m->whole, "\"success\":true").at != NULL) {
		c->ledger->answers++;
		if (c->job->expect != NULL &&
		    wire_behind(m->whole, c->job->expect).at == NULL)
			c->ledger->wrong++;
		return;
	}
	struct text code = wire_behind(m->whole, "\"code\":\"");

	if (code.at != NULL) {
		int64_t end = text_find(code, '"');

		code.len = end < 0 ? 0 : (uint32_t)end;
	}
	ledger_error(c->ledger, code);
}

/* arrived notes one of the two frames that end a call. */
static void
arrived(struct client *c, uint64_t number, uint32_t has,
    const struct wire_message *m, uint64_t now_ns)
{
	struct place *p = &c->places[number % c->job->pipeline];

	if (number == 0 || p->number != number || (p->has & has) != 0) {
		ended_before(c, number, has);
		return;
	}
	if (has == HAS_PUSH && took(c, p, m, now_ns))
		return;
	p->has |= has;
	if (c->job->is_echo) {
		c->ledger->answers++;
		p->has = HAS_BOTH;
	} else if (has == HAS_PUSH) {
		judge(c, m);
	}
	if ((p->has & HAS_BOTH) != HAS_BOTH)
		return;
	ledger_record(c->ledger, now_ns - p->sent_ns);
	p->number = 0;
	c->in_flight--;
}

static enum err
on_message(struct client *c, struct text whole, uint64_t now_ns)
{
	struct wire_message m;

	if (!wire_take_apart(whole, &m)) {
		c->ledger->foreign++;
		return OK;
	}
	if (c->state == CLIENT_JOINING) {
		bool is_reply = text_is(m.event, "phx_reply") ||
		    (c->job->is_echo && text_is(m.event, "phx_join"));

		if (!is_reply || !text_is(m.ref, "0"))
			return OK;
		if (!c->job->is_echo &&
		    wire_behind(whole, "\"status\":\"ok\"").at == NULL)
			return drop(c);
		c->state = CLIENT_JOINED;
		return OK;
	}
	if (text_is(m.event, "phx_reply"))
		arrived(c, wire_number(m.ref), HAS_REPLY, &m, now_ns);
	else if (text_is(m.event, "phx_error") || text_is(m.event, "phx_close"))
		return drop(c);
	else if (text_is(m.event, c->job->event))
		arrived(c,
		    wire_number(wire_behind(whole, "\"request_id\":\"r")),
		    HAS_PUSH, &m, now_ns);
	else
		c->ledger->foreign++;
	return OK;
}

static enum err
on_frame(struct client *c, uint8_t opcode, struct text payload, uint64_t now_ns)
{
	if (opcode == 9)
		wire_put_frame(&c->out, 10, payload.at, payload.len);
	/* 1012 is said when all accepted calls have ended: what crosses it was
	 * not run, and the client knows */
	if (opcode == 8 && payload.len >= 2)
		c->is_turned_away = (uint8_t)payload.at[0] == 1012 >> 8 &&
		    (uint8_t)payload.at[1] == (1012 & 0xff);
	if (opcode == 8)
		return drop(c);
	return opcode == 1 ? on_message(c, payload, now_ns) : OK;
}

/* on_head deals with the answer to the upgrade. */
static enum err
on_head(struct client *c)
{
	struct text t = buffer_text(&c->in);
	struct text rest = wire_behind(t, "\r\n\r\n");

	if (rest.at == NULL)
		return OK;
	if (!text_starts_with(t, TEXT("HTTP/1.1 101")))
		return drop(c);
	buffer_consume(&c->in, (size_t)(rest.at - t.at));
	put_join(c);
	return OK;
}

static enum err
read_all(struct client *c)
{
	for (;;) {
		uint8_t *to;

		INVARIANT(buffer_reserve(&c->in, READ_BYTES, &to) == OK);
		ssize_t n = recv(c->fd, to, READ_BYTES, 0);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return OK;
		if (n <= 0)
			return ERR_CLOSED;
		buffer_commit(&c->in, (size_t)n);
		if (n < READ_BYTES)
			return OK;
	}
}

enum err
client_ready(struct client *c, uint32_t events, uint64_t now_ns)
{
	enum err e = OK, end = OK;

	if (c->state == CLIENT_CONNECTING && (events & EPOLLOUT) != 0)
		put_upgrade(c);
	if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
		end = read_all(c);
	if (c->state == CLIENT_UPGRADING)
		e = on_head(c);
	while (e == OK && c->state >= CLIENT_JOINING) {
		struct text payload;
		uint8_t opcode;
		size_t bytes = wire_frame_at(&c->in, &opcode, &payload);

		if (bytes == 0)
			break;
		e = on_frame(c, opcode, payload, now_ns);
		if (e == OK)
			buffer_consume(&c->in, bytes);
	}
	if (e == OK && end != OK) /* what came before the end has counted */
		e = drop(c);
	return e == OK ? client_send(c, now_ns) : e;
}

void
client_expire(struct client *c, uint64_t now_ns)
{
	for (uint32_t i = 0; i < c->job->pipeline; i++) {
		struct place *p = &c->places[i];

		if (p->number == 0 || now_ns - p->heard_ns < c->job->timeout_ns)
			continue;
		if ((p->has & HAS_PUSH) == 0)
			c->ledger->timeouts++;
		else
			c->ledger->unreplied++;
		c->late[c->late_at++ % LATE_KEPT] = p->number;
		p->number = 0;
		c->in_flight--;
	}
}
