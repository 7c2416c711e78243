// SPDX-License-Identifier: MIT
#include "protocol/link/peer.h"

enum {
	TICK_SLACK_MS = LINK_PING_MS, /* a tick later than this is a lag */
	GATEWAY_DEAD_MS = 10000, /* a stopped gateway is replaced before that */
	SMALLEST_MAX_BYTES = 1024,
};

void
link_peer_init(
    struct link_peer *p, bool is_gateway, uint64_t boot, uint64_t now_ms)
{
	*p = (struct link_peer){
	    .is_gateway = is_gateway,
	    .boot = boot,
	    .max_bytes = LINK_MAX_BYTES,
	    .heard_ms = now_ms,
	    .ticked_ms = now_ms,
	    .dead_ms = is_gateway ? LINK_DEAD_MS : GATEWAY_DEAD_MS,
	};
}

static enum link_fault
hear_count(struct link_peer *p, const struct link_stamp *stamp)
{
	/* a plain REP program need not count: each answer has its request */
	bool need_not =
	    p->is_gateway && stamp->seq == 0 && (p->is_unary || !p->is_greeted);

	if (need_not)
		return LINK_FAULT_none;
	if (stamp->seq != p->heard_seq + 1 || stamp->ack > p->sent_seq ||
	    stamp->ack < p->acked_seq)
		return LINK_FAULT_gap;
	p->heard_seq = stamp->seq;
	p->acked_seq = stamp->ack;
	return LINK_FAULT_none;
}

enum link_fault
link_peer_hear(
    struct link_peer *p, const struct link_head *head, uint64_t now_ms)
{
	enum link_fault fault = hear_count(p, &head->stamp);

	if (fault != LINK_FAULT_none)
		return fault;
	if (p->is_gateway && p->is_greeted && head->stamp.boot != p->boot)
		return LINK_FAULT_boot;
	if (!p->is_gateway && head->stamp.boot != 0 &&
	    head->stamp.boot != p->boot)
		return LINK_FAULT_boot;
	if (p->is_unary) {
		if (p->outstanding == 0)
			return LINK_FAULT_twice;
		p->outstanding--;
	}
	if (head->frame_count > 0)
		p->unacked++;
	p->heard_ms = now_ms;
	return LINK_FAULT_none;
}

enum link_fault
link_peer_greet(struct link_peer *p, const struct link_hello *hello)
{
	if (hello->max_bytes < SMALLEST_MAX_BYTES)
		return LINK_FAULT_hello;
	/* a program with one fixed answer greets every time; that is no news */
	if (p->is_greeted)
		return p->is_unary && hello->boot == p->boot ? LINK_FAULT_none
							     : LINK_FAULT_boot;
	p->is_greeted = true;
	if (p->is_gateway) {
		p->boot = hello->boot;
		p->is_unary = hello->is_unary;
	}
	if (hello->max_bytes < LINK_MAX_BYTES)
		p->max_bytes = (uint32_t)hello->max_bytes;
	return LINK_FAULT_none;
}

bool
link_peer_may_send(const struct link_peer *p)
{
	return p->is_greeted && (!p->is_unary || p->outstanding < LINK_WINDOW);
}

bool
link_peer_needs_ack(const struct link_peer *p)
{
	return !p->is_unary && (p->owes_answer || p->unacked >= LINK_ACK_EVERY);
}

struct link_stamp
link_peer_stamp(struct link_peer *p)
{
	p->unacked = 0;
	p->owes_answer = false;
	p->sent_seq++;
	if (p->is_unary)
		p->outstanding++;
	return (struct link_stamp){
	    .seq = p->sent_seq,
	    .ack = p->heard_seq,
	    .boot = p->is_greeted || !p->is_gateway ? p->boot : 0,
	};
}

void
link_peer_wait(struct link_peer *p, uint64_t until_ms)
{
	if (until_ms > p->patient_ms)
		p->patient_ms = until_ms;
}

enum link_due
link_peer_tick(struct link_peer *p, uint64_t now_ms)
{
	uint64_t pause_ms = now_ms - p->ticked_ms;

	p->ticked_ms = now_ms;
	if (pause_ms > TICK_SLACK_MS) {
		p->heard_ms += pause_ms;
		if (p->heard_ms > now_ms)
			p->heard_ms = now_ms;
	}
	bool is_busy = p->is_unary && p->outstanding > 0 &&
	    now_ms < p->patient_ms + LINK_DEAD_MS;
	uint64_t silent_ms = now_ms - p->heard_ms;
	if (silent_ms >= p->dead_ms && !is_busy)
		return LINK_DUE_dead;
	if (!p->is_gateway || !p->is_greeted || silent_ms < LINK_PING_MS ||
	    now_ms - p->pinged_ms < LINK_PING_MS)
		return LINK_DUE_nothing;
	/* one question at a time is all a busy REP program can take */
	if (p->is_unary && p->outstanding > 0)
		return LINK_DUE_nothing;
	p->pinged_ms = now_ms;
	return LINK_DUE_ping;
}

bool
link_peer_is_quiet(const struct link_peer *p)
{
	return p->acked_seq == p->sent_seq;
}
