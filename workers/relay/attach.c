// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * A gateway names itself by a number it has drawn at its start, and the
 * clients that may have memberships with their channels (roll.h). Those it
 * does not name are gone: they left while nobody could tell us.
 */

#include "protocol/events.h"
#include "protocol/relay_cut.h"
#include "protocol/stats.h"
#include "protocol/unpack.h"
#include "workers/kit/worker.h"
#include "workers/relay/relay.h"
#include "workers/relay/roll.h"

static bool
stays(void *ctx, struct endpoint at)
{
	return at.channel == 0 ? roll_has_client(ctx, at.client)
			       : roll_has(ctx, at.client, at.channel);
}

/* replace ends the lives of this gateway that came before. */
static void
replace(struct relay *r, uint32_t instance, uint64_t gateway)
{
	struct lane *lane = r->lanes.first, *next;

	for (; lane != NULL; lane = next) {
		next = lane->next;
		if (lane->instance == instance && lane->gateway != gateway)
			relay_gateway_over(r, lane, "replaced");
	}
}

/* attach args: [instance, life, roll, number drawn at its start]. */
void
attach_take(struct relay *r, struct link_session *session,
    const struct link_frame *frame)
{
	struct roll roll = {.count = 0};
	uint64_t life = 0, gateway = 0;
	uint32_t count, instance = 0;
	struct unpacker u;

	unpack_init(&u, frame->args);
	if (unpack_array(&u, &count) != OK || count < 4 ||
	    unpack_u32(&u, &instance) != OK || unpack_u64(&u, &life) != OK ||
	    roll_read(&roll, &u) != OK || unpack_u64(&u, &gateway) != OK ||
	    frame->credit == 0) {
		roll_finish(&roll);
		link_session_error(session, frame->id, TEXT("internal"),
		    TEXT("attach wants [instance, life, roll, number] "
			 "and credit"));
		return;
	}
	if (lanes_of_session(&r->lanes, session) != NULL) {
		roll_finish(&roll);
		link_session_error(session, frame->id, TEXT("internal"),
		    TEXT("this link is attached already"));
		return;
	}
	relay_now(r);
	replace(r, instance, gateway);
	struct lane *lane = lanes_of_gateway(&r->lanes, gateway);
	if (lane == NULL)
		lane = lanes_add(&r->lanes, gateway);
	else
		lane_detach(lane);
	lane->instance = instance;
	lane->life = life;
	lane_attach(lane, session, frame->id, frame->credit);
	groups_gateway_left(r->groups, gateway, stays, &roll);
	event_note(EVENT_relay_gateway, "gateway=%u life=%llu clients=%u",
	    instance, (unsigned long long)life, roll.count);
	roll_finish(&roll);
	lane_send(lane);
}

void
attach_answer(
    struct relay *r, struct lane *lane, const struct link_frame *frame)
{
	buffer_truncate(&r->value, 0);
	enum err e = buffer_append(&r->value, "\xc0", 1);
	INVARIANT(e == OK);
	lane_result(lane, frame->id, buffer_text(&r->value));
}

/* read_gone reads [client, channel] or [client, channel, why]. */
static bool
read_gone(struct unpacker *u, struct endpoint *at, uint32_t *why)
{
	uint32_t count;

	*why = RELAY_CUT_NOT;
	if (unpack_array(u, &count) != OK || count < 2 || count > 3 ||
	    unpack_u64(u, &at->client) != OK ||
	    unpack_u32(u, &at->channel) != OK)
		return false;
	return count == 2 || unpack_u32(u, why) == OK;
}

/* note_cut: what was on its way to a client that was cut has not arrived. */
static void
note_cut(struct relay *r, struct endpoint at, uint32_t why)
{
	static const char *const errors[] = {
	    [RELAY_CUT_SLOW] = "a member read too slowly and was cut",
	    [RELAY_CUT_SILENT] = "a member was silent for too long and was cut",
	    [RELAY_CUT_LOST] =
		"a member's connection broke with messages unsent",
	};

	if (why == RELAY_CUT_NOT || why >= COUNT_OF(errors))
		return;
	stats_add(worker_slot(r->worker), COUNTER_relay_cuts, 1);
	groups_note_client(r->groups, at,
	    SUBSCRIPTION_EVENT_event_delivery_failed, errors[why]);
}

/* gone args: [[[client, channel, why], …]]; channel 0: the whole client; why
 * (protocol/relay_cut.h) may be absent: it left by itself. */
void
attach_gone(struct relay *r, struct lane *lane, const struct link_frame *frame)
{
	struct unpacker u;
	uint32_t count, pairs, why;

	relay_now(r);
	unpack_init(&u, frame->args);
	if (unpack_array(&u, &count) != OK || count < 1 ||
	    unpack_array(&u, &pairs) != OK)
		pairs = 0;
	for (uint32_t i = 0; i < pairs; i++) {
		struct endpoint at = {.gateway = lane->gateway};

		if (!read_gone(&u, &at, &why))
			break;
		note_cut(r, at, why);
		groups_client_gone(r->groups, at);
	}
	attach_answer(r, lane, frame);
}
