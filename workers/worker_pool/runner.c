// SPDX-License-Identifier: MIT
/*
 * runner - the wire to one runner: frames out in one write a turn, frames in
 * judged by protocol/runner_peer.
 *
 * Design notes
 *
 * What a runner says in one read is heard to its end before it is fed again,
 * so that the calls that follow leave together, up to its room.
 *
 * A runner that lies is not listened to any more: its socket is closed at
 * once, its calls are settled, and the keeper kills it. A socket that ends by
 * itself settles its calls as well, but says nothing of why: the process is
 * given a moment to end, so that the obituary has the truth.
 */

#include <errno.h>
#include <unistd.h>

#include "protocol/base/fd.h"
#include "workers/worker_pool/worker_pool.h"

enum {
	OUTPUT_A_TURN = 64 * 1024,          /* bytes read of what it prints */
	CALL_HEAD_BYTES = 128,              /* of a CALL, beside its texts */
	WRITE_BYTES = 4 * RUNNER_MAX_BYTES, /* waiting for one that is slow */
};

static uint64_t
now_ms_of(const struct runner *r)
{
	return loop_now_ms(r->crew->wp->loop);
}

/* --- what it prints --- */

static void
say(void *ctx, enum output_kind kind, struct text text, uint64_t count)
{
	struct runner *r = ctx;
	const char *name = r->child->spec.name;
	unsigned long long n = count;

	if (kind == OUTPUT_SAID)
		event_note(EVENT_runner_output, "runner=%s text=\"%.*s\"", name,
		    TEXT_ARG(text));
	else
		event_note(EVENT_runner_output, "runner=%s %s=%llu", name,
		    kind == OUTPUT_REPEATED ? "repeated" : "dropped", n);
	if (kind == OUTPUT_DROPPED)
		stats_add(r->crew->wp->slot, COUNTER_worker_pool_lines_dropped,
		    count);
}

/* read_output: false: the pipe has ended, or has nothing more. */
static bool
read_output(struct runner *r)
{
	char bytes[8192];
	ssize_t n = read(r->pipe.fd, bytes, sizeof(bytes));

	if (n > 0) {
		output_feed(&r->output, bytes, (size_t)n, now_ms_of(r));
		return true;
	}
	if (n == 0 || errno != EAGAIN) {
		loop_watch_remove(r->crew->wp->loop, &r->pipe);
		fd_close(&r->pipe.fd);
	}
	return false;
}

static void
pipe_ready(void *ctx, uint32_t events)
{
	struct runner *r = ctx;
	size_t total = 0;

	(void)events;
	while (total < OUTPUT_A_TURN && read_output(r))
		total += 8192;
}

/* --- small frames --- */

static void
end_frame(struct runner *r, struct packer *p, size_t place)
{
	/* a full queue: it does not read, and its heartbeat judges that */
	if (runner_end(p, place, RUNNER_MAX_BYTES) == OK)
		conn_written(&r->conn);
}

static void
send_plain(struct runner *r, enum link_kind kind, uint64_t id)
{
	struct packer p;

	if (!conn_is_open(&r->conn))
		return;
	pack_init(&p, conn_out(&r->conn));
	size_t place = runner_begin(&p);
	link_write_plain(&p, kind, id);
	end_frame(r, &p, place);
}

/* --- what it says --- */

static void
fault(struct runner *r, enum runner_fault why)
{
	stats_add(r->crew->wp->slot, COUNTER_worker_pool_faults, 1);
	event_note(EVENT_runner_fault, "runner=%s fault=%s what=\"%s\"",
	    r->child->spec.name, runner_fault_name(why),
	    runner_fault_text(why));
	conn_close(&r->conn);
	runner_lost(r);
	keeper_kill(r->child, REASON_FAULT, runner_fault_text(why));
}

static void
greeted(struct runner *r)
{
	struct crew *crew = r->crew;
	uint64_t now_ms = now_ms_of(r);

	if (r->child->state != CHILD_STARTING)
		return; /* it is leaving already */
	r->is_greeted = true;
	r->alive_ms = now_ms + crew->spec->heartbeat.initial_delay_ms;
	r->chance = crew->wp->keeper.chance;
	heartbeat_begin(&r->heart, &crew->spec->heartbeat, now_ms);
	pool_runner_ready(crew->pool, r->index, r->peer.capacity, now_ms);
	keeper_ready(r->child);
	deaths_ready(r);
	crew_judge(crew);
}

static void
hear_late(struct runner *r, uint64_t id)
{
	for (struct errand **at = &r->given_up; *at != NULL;
	     at = &(*at)->given_up) {
		struct errand *e = *at;

		if (e->runner_id != id)
			continue;
		*at = e->given_up;
		stats_add(
		    r->crew->wp->slot, COUNTER_worker_pool_late_results, 1);
		errand_late(e);
		return;
	}
}

static const char *
is_dependent(const struct runner *r)
{
	return r->crew->spec->heartbeat.dependent ? "true" : "false";
}

static void
hear_pong(struct runner *r)
{
	heartbeat_pong(&r->heart, r->peer.ponged, now_ms_of(r));
	r->latency_us = loop_now_us(r->crew->wp->loop) - r->pinged_us;
	stats_time(r->crew->wp->slot, HISTOGRAM_worker_pool_heartbeat_us,
	    r->latency_us);
	event_note(EVENT_heartbeat_pong,
	    "worker_id=%s worker_pid=%d missed_heartbeats=%llu dependent=%s "
	    "latency_ms=%llu latency_us=%llu",
	    r->child->spec.name, r->child->pid,
	    (unsigned long long)r->heart.missed, is_dependent(r),
	    (unsigned long long)(r->latency_us / 1000),
	    (unsigned long long)r->latency_us);
}

/*
 * hear_nobodys: its calls were taken back, and what the peer still knows of
 * them may be another's call by now. One told to leave may go on for a while,
 * and even of a killed one the socket may hold an answer.
 */
static void
hear_nobodys(struct runner *r, const struct link_frame *frame)
{
	if (frame->kind == FRAME_RESULT || frame->kind == FRAME_ERROR ||
	    frame->kind == FRAME_END)
		stats_add(
		    r->crew->wp->slot, COUNTER_worker_pool_late_results, 1);
}

static void
hear(struct runner *r, const struct link_frame *frame)
{
	struct runner_said said;

	if (r->is_lost) {
		hear_nobodys(r, frame);
		return;
	}
	runner_peer_hear(&r->peer, frame, &said);
	switch (said.word) {
	case RUNNER_SAYS_ready:
		greeted(r);
		break;
	case RUNNER_SAYS_result:
		errand_result(said.work, frame->value);
		break;
	case RUNNER_SAYS_error:
		errand_error(said.work, frame->code, frame->text);
		break;
	case RUNNER_SAYS_chunk:
		errand_chunk(said.work, frame->value);
		break;
	case RUNNER_SAYS_end:
		errand_end(said.work);
		break;
	case RUNNER_SAYS_bad:
		if (frame->kind == FRAME_CHUNK)
			send_plain(r, FRAME_CANCEL, frame->id);
		errand_bad(said.work, frame->kind != FRAME_CHUNK);
		break;
	case RUNNER_SAYS_pong:
		hear_pong(r);
		break;
	case RUNNER_SAYS_recycle:
		r->wants_end = true;
		break;
	case RUNNER_SAYS_fault:
		fault(r, said.fault);
		break;
	case RUNNER_SAYS_nothing:
	default:
		if (frame->kind == FRAME_RESULT || frame->kind == FRAME_ERROR ||
		    frame->kind == FRAME_END)
			hear_late(r, frame->id);
		break;
	}
}

static size_t
on_arrived(void *ctx, uint8_t *bytes, size_t count)
{
	struct runner *r = ctx;
	struct link_frame frame;
	size_t taken = 0, whole;

	r->alive_ms = now_ms_of(r);
	while (conn_is_open(&r->conn)) {
		enum err e = runner_read(bytes + taken, count - taken,
		    r->peer.max_bytes, &frame, &whole);

		if (e == ERR_AGAIN)
			break;
		if (e != OK) {
			fault(r, runner_peer_read_fault(&r->peer, e));
			return count;
		}
		taken += whole;
		hear(r, &frame);
	}
	errands_feed(r);
	return taken;
}

static void
on_ended(void *ctx, enum conn_end why)
{
	struct runner *r = ctx;

	(void)why;
	r->ended_ms = now_ms_of(r);
	runner_lost(r);
}

static const struct conn_calls calls = {.arrived = on_arrived,
    .ended = on_ended};

/* --- lives --- */

/* renew_conn: a closed connection remembers how it ended. */
static void
renew_conn(struct runner *r)
{
	conn_init(&r->conn, &r->crew->wp->hub, &calls, r,
	    (struct conn_limits){.read_bytes = 2 * RUNNER_MAX_BYTES,
		.write_bytes = WRITE_BYTES + 4096});
}

void
runner_init(struct runner *r, struct crew *crew, uint32_t index)
{
	r->crew = crew;
	r->index = index;
	r->theirs[0] = r->theirs[1] = -1;
	r->is_lost = true;
	r->pipe = (struct loop_watch){.fd = -1, .ready = pipe_ready, .ctx = r};
	renew_conn(r);
}

void
runner_finish(struct runner *r)
{
	runner_close(r);
	buffer_finish(&r->conn.in);
	buffer_finish(&r->conn.out);
}

static void
welcome(struct runner *r)
{
	const struct pool_spec *spec = r->crew->spec;
	struct runner_welcome words = {.pool = spec->name,
	    .runner = text_of(r->child->spec.name),
	    .threads = (uint32_t)spec->threads_per_worker,
	    .max_bytes = RUNNER_MAX_BYTES};
	struct packer p;

	pack_init(&p, conn_out(&r->conn));
	size_t place = runner_begin(&p);
	runner_write_welcome(&p, &words);
	enum err e = runner_end(&p, place, RUNNER_MAX_BYTES);
	INVARIANT(e == OK); /* an empty buffer, a small frame */
	conn_written(&r->conn);
	conn_flush(&r->conn);
}

void
runner_open(struct runner *r)
{
	int *ours = r->ours;
	struct loop *loop = r->crew->wp->loop;
	uint32_t most = (uint32_t)r->crew->spec->threads_per_worker;

	runner_close(r);
	buffer_finish(&r->conn.in);
	buffer_finish(&r->conn.out);
	renew_conn(r);
	runner_peer_init(&r->peer, most, RUNNER_MAX_BYTES);
	output_init(&r->output, say, r, loop_now_ms(loop));
	r->is_greeted = r->is_lost = r->wants_end = r->is_manual = false;
	r->ended_ms = 0;
	r->had_count = 0;
	r->memory_bytes = r->latency_us = 0;
	r->alive_ms = loop_now_ms(loop);
	r->pipe.fd = ours[1];
	if (ours[1] >= 0 && loop_watch_add(loop, &r->pipe, EPOLLIN) != OK)
		fd_close(&r->pipe.fd);
	/* without a socket it can say no HELLO: its start will time out */
	if (ours[0] >= 0 && conn_open(&r->conn, ours[0], NULL) == OK)
		welcome(r);
}

void
runner_close(struct runner *r)
{
	struct loop *loop = r->crew->wp->loop;

	runner_lost(r);
	conn_close(&r->conn);
	if (r->pipe.fd >= 0) {
		pipe_ready(r, 0);
		loop_watch_remove(loop, &r->pipe);
		fd_close(&r->pipe.fd);
	}
	if (r->output.say != NULL)
		output_end(&r->output, loop_now_ms(loop));
	runner_peer_finish(&r->peer);
}

void
runner_lost(struct runner *r)
{
	struct crew *crew = r->crew;
	uint64_t now_ms = now_ms_of(r);
	struct pool_work *work;
	bool is_wanted;

	if (r->is_lost)
		return;
	r->is_lost = true;
	r->given_up = NULL;
	if (!r->is_greeted)
		return;
	pool_runner_gone(crew->pool, r->index, now_ms);
	while ((work = pool_lost(crew->pool, r->index, &is_wanted, now_ms)) !=
	    NULL) {
		deaths_had(r, work->owner);
		errand_lost(work->owner, is_wanted);
	}
	worker_pool_wake(crew->wp);
}

/* --- what it is told --- */

enum err
runner_send(struct runner *r, struct errand *e)
{
	struct link_request *request = &e->request;
	struct packer p;

	size_t bytes = (size_t)request->module.len + request->function.len +
	    request->args.len + request->facts.len + CALL_HEAD_BYTES;

	if (!conn_is_open(&r->conn))
		return ERR_CLOSED;
	if (bytes > RUNNER_MAX_BYTES)
		return ERR_TOO_BIG;
	if (conn_unsent(&r->conn) + bytes > WRITE_BYTES)
		return ERR_FULL;
	INVARIANT(runner_peer_room(&r->peer) > 0);
	e->runner_id = runner_peer_give(&r->peer, e, request->credit_bytes);
	pack_init(&p, conn_out(&r->conn));
	size_t place = runner_begin(&p);
	link_write_call(&p, e->runner_id, request);
	enum err err = runner_end(&p, place, RUNNER_MAX_BYTES);
	INVARIANT(err == OK); /* it was measured */
	conn_written(&r->conn);
	return OK;
}

void
runner_give_up(struct runner *r, struct errand *e)
{
	if (r->is_lost)
		return;
	if (runner_peer_give_up(&r->peer, e->runner_id))
		send_plain(r, FRAME_CANCEL, e->runner_id);
	e->given_up = r->given_up;
	r->given_up = e;
}

void
runner_credit(struct runner *r, uint64_t id, uint64_t bytes)
{
	struct packer p;

	if (bytes > INT32_MAX)
		bytes = INT32_MAX;
	if (!conn_is_open(&r->conn) ||
	    !runner_peer_credit(&r->peer, id, (uint32_t)bytes))
		return;
	pack_init(&p, conn_out(&r->conn));
	size_t place = runner_begin(&p);
	link_write_credit(&p, id, bytes);
	end_frame(r, &p, place);
}

void
runner_ping(struct runner *r)
{
	if (!conn_is_open(&r->conn))
		return;
	r->pinged_us = loop_now_us(r->crew->wp->loop);
	stats_add(r->crew->wp->slot, COUNTER_worker_pool_pings, 1);
	send_plain(r, FRAME_PING, runner_peer_ping(&r->peer));
	event_note(EVENT_heartbeat_ping,
	    "worker_id=%s worker_pid=%d missed_heartbeats=%llu dependent=%s",
	    r->child->spec.name, r->child->pid,
	    (unsigned long long)r->heart.missed, is_dependent(r));
}

void
runner_drain(struct runner *r)
{
	if (r->is_greeted && !r->is_lost)
		pool_runner_drain(r->crew->pool, r->index);
	runner_peer_drain(&r->peer);
	send_plain(r, FRAME_DRAINING, 0);
}
