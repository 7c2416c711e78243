// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * One ping is out at a time. After a miss the next one goes at once if its
 * turn has come: with 500 ms and three misses a hung runner is known two
 * seconds after its last answer at most, not three.
 */

#include "workers/worker_pool/heartbeat.h"

#include <stddef.h>

void
heartbeat_begin(
    struct heartbeat *h, const struct heartbeat_spec *spec, uint64_t now_ms)
{
	*h = (struct heartbeat){.spec = spec->enabled ? spec : NULL,
	    .next_ms = now_ms + spec->initial_delay_ms};
}

static enum heartbeat_act
miss(struct heartbeat *h)
{
	h->is_out = false;
	h->timeouts++;
	h->missed++;
	if (h->missed < h->spec->max_missed_heartbeats || h->has_failed)
		return HEARTBEAT_MISSED;
	h->has_failed = true;
	return HEARTBEAT_FAILED;
}

enum heartbeat_act
heartbeat_turn(struct heartbeat *h, bool may_ping, uint64_t now_ms)
{
	if (h->spec == NULL || (h->has_failed && h->spec->dependent))
		return HEARTBEAT_NOTHING;
	if (!may_ping) {
		h->is_out = false;
		h->missed = 0;
		h->next_ms = now_ms + h->spec->ping_interval_ms;
		return HEARTBEAT_NOTHING;
	}
	if (h->is_out && now_ms - h->sent_ms >= h->spec->timeout_ms)
		return miss(h);
	if (h->is_out || now_ms < h->next_ms)
		return HEARTBEAT_NOTHING;
	h->is_out = true;
	h->number++;
	h->sent++;
	h->sent_ms = now_ms;
	h->next_ms = now_ms + h->spec->ping_interval_ms;
	return HEARTBEAT_PING;
}

bool
heartbeat_pong(struct heartbeat *h, uint64_t number, uint64_t now_ms)
{
	if (h->spec == NULL || number == 0 || number > h->number)
		return false;
	/* a late answer still says that it lives */
	h->received++;
	h->missed = 0;
	h->has_failed = false;
	if (number == h->number && h->is_out) {
		h->is_out = false;
		h->latency_ms = now_ms - h->sent_ms;
	}
	return true;
}

uint64_t
heartbeat_next_ms(const struct heartbeat *h)
{
	if (h->spec == NULL || (h->has_failed && h->spec->dependent))
		return 0;
	return h->is_out ? h->sent_ms + h->spec->timeout_ms : h->next_ms;
}
