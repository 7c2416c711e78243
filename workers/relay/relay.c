// SPDX-License-Identifier: MIT
#include "workers/relay/relay.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "protocol/base/clock.h"
#include "protocol/base/memory.h"
#include "protocol/endpoint.h"
#include "protocol/events.h"
#include "protocol/settings.h"
#include "protocol/stats.h"
#include "workers/kit/worker.h"
#include "workers/relay/fans.h"

enum {
	TICK_MS = 1000,
	DRAIN_TICK_MS = 20,
	SCRATCH_BYTES = 15 << 20 /* the link takes no more in one message */
};

void
relay_now(struct relay *r)
{
	groups_at(r->groups,
	    (struct groups_now){
		.mono_ms = loop_now_ms(worker_loop(r->worker)),
		.wall_ms = clock_wall_ms(),
	    });
}

/* --- answers that wait for the disk --- */

static void
park(struct relay *r, const struct lane *lane, uint64_t call)
{
	struct text value = buffer_text(&r->value);
	struct parked *p = memory_new(sizeof(*p) + value.len);

	*p = (struct parked){
	    .gateway = lane->gateway,
	    .call = call,
	    .epoch = lane->epoch,
	    .bytes = value.len,
	};
	memcpy(p + 1, value.at, value.len);
	*r->waiting.end = p;
	r->waiting.end = &p->next;
}

static void
empty(struct parked_list *list)
{
	*list = (struct parked_list){.first = NULL};
	list->end = &list->first;
}

/* release answers a whole list; gateways that came anew ask no more. */
static void
release(struct relay *r, struct parked_list *list)
{
	struct parked *p = list->first, *next;

	for (; p != NULL; p = next) {
		struct lane *lane = lanes_of_gateway(&r->lanes, p->gateway);
		struct text value = {(const char *)(p + 1), p->bytes};

		next = p->next;
		if (lane != NULL && lane->epoch == p->epoch)
			lane_result(lane, p->call, value);
		memory_free(p);
	}
	empty(list);
}

/* on_durable: what was committed is answered; and when the disk refuses or
 * sleeps, everything is. */
static void
on_durable(void *ctx)
{
	struct relay *r = ctx;

	release(r, &r->committing);
	if (!keeping_waits(&r->keeping))
		release(r, &r->waiting);
}

void
relay_answer(struct relay *r, struct lane *lane, uint64_t call)
{
	if (keeping_waits(&r->keeping))
		park(r, lane, call);
	else
		lane_result(lane, call, buffer_text(&r->value));
}

static void
commit_turn(void *ctx)
{
	struct relay *r = ctx;

	if (!keeping_commit(&r->keeping))
		return;
	r->committing = r->waiting;
	if (r->committing.first == NULL)
		empty(&r->committing);
	empty(&r->waiting);
}

/* --- groups tell what changed --- */

static void
on_group(void *ctx, struct group *g, bool is_gone)
{
	struct relay *r = ctx;

	keeping_note_group(&r->keeping, g, is_gone);
	if (is_gone)
		fans_forget(g);
}

static void
on_member(void *ctx, struct member *m, bool is_gone)
{
	struct relay *r = ctx;

	keeping_note_member(&r->keeping, m, is_gone);
}

/* --- the link --- */

static void
on_call(
    void *owner, struct link_session *session, const struct link_frame *frame)
{
	requests_take(owner, session, frame);
}

static void
on_credit(
    void *owner, struct link_session *session, uint64_t id, uint64_t bytes)
{
	struct relay *r = owner;
	struct lane *lane = lanes_of_session(&r->lanes, session);

	if (lane == NULL || lane->call != id)
		return;
	lane_credit(lane, bytes);
	lane_send(lane);
}

static void
on_room(void *owner, struct link_session *session)
{
	struct relay *r = owner;
	struct lane *lane = lanes_of_session(&r->lanes, session);

	if (lane != NULL)
		lane_send(lane);
}

static void
on_gone(void *owner, struct link_session *session, enum link_fault fault)
{
	struct relay *r = owner;
	struct lane *lane = lanes_of_session(&r->lanes, session);

	(void)fault;
	if (lane == NULL)
		return;
	lane_detach(lane);
	lane->leave_ms = loop_now_ms(worker_loop(r->worker)) + r->reattach_ms;
}

static const struct link_server_calls link_calls = {
    .call = on_call,
    .credit = on_credit,
    .room = on_room,
    .gone = on_gone,
};

/* --- time --- */

void
relay_gateway_over(struct relay *r, struct lane *lane, const char *reason)
{
	uint64_t gateway = lane->gateway;

	if (reason == NULL)
		event_note(EVENT_relay_gateway_left, "gateway=%u life=%llu",
		    lane->instance, (unsigned long long)lane->life);
	else
		event_note(EVENT_relay_gateway_gone,
		    "gateway=%u life=%llu reason=%s", lane->instance,
		    (unsigned long long)lane->life, reason);
	relay_now(r);
	groups_note_gateway(r->groups, gateway,
	    reason == NULL ? SUBSCRIPTION_EVENT_proxy_stopped
			   : SUBSCRIPTION_EVENT_proxy_crashed,
	    "a gateway of its members is gone");
	/* a link that is still there ends here: whoever holds it attaches
	 * anew, or is dead */
	lanes_drop(&r->lanes, lane);
	groups_gateway_left(r->groups, gateway, NULL, NULL);
}

/* watch_lanes ends those that were awaited for long enough. */
static void
watch_lanes(struct relay *r, uint64_t now_ms)
{
	struct lane *lane = r->lanes.first, *next;
	struct stats_slot *slot = worker_slot(r->worker);
	uint64_t queued = 0, attached = 0;

	for (; lane != NULL; lane = next) {
		next = lane->next;
		queued += buffer_used(&lane->queue);
		attached += lane->session != NULL;
		if (lane->session == NULL && now_ms >= lane->leave_ms)
			relay_gateway_over(r, lane, "not_back_in_time");
	}
	stats_set(slot, COUNTER_relay_gateways, attached);
	stats_set(slot, COUNTER_relay_queued_bytes, queued);
	stats_set(slot, COUNTER_relay_groups, r->groups->by_id.count);
	stats_set(slot, COUNTER_relay_members, r->groups->memberships);
}

static void
on_tick(void *ctx)
{
	struct relay *r = ctx;
	struct loop *loop = worker_loop(r->worker);
	bool is_draining = worker_is_draining(r->worker);

	loop_timer_start(loop, &r->tick,
	    loop_now_ms(loop) + (is_draining ? DRAIN_TICK_MS : TICK_MS));
	relay_now(r);
	groups_tick(r->groups);
	watch_lanes(r, loop_now_ms(loop));
	keeping_tick(&r->keeping);
	if (is_draining && r->waiting.first == NULL &&
	    r->committing.first == NULL && link_server_is_quiet(r->server))
		worker_drained(r->worker);
}

/* --- life --- */

static struct groups_limits
take_settings(struct relay *r, const struct settings *s)
{
	r->max_id_bytes = (uint32_t)settings_u64(s, SETTING_relay_max_id_bytes);
	r->max_message_bytes =
	    (uint32_t)settings_u64(s, SETTING_relay_max_message_bytes);
	r->reattach_ms = settings_u64(s, SETTING_relay_reattach_ms);
	r->lane_bytes = settings_u64(s, SETTING_relay_gateway_buffer_bytes);
	return (struct groups_limits){
	    .groups = (uint32_t)settings_u64(s, SETTING_relay_max_groups),
	    .members = (uint32_t)settings_u64(s, SETTING_relay_max_members),
	    .memberships =
		(uint32_t)settings_u64(s, SETTING_relay_max_groups_per_client),
	    .grace_ms = settings_u64(s, SETTING_relay_orphan_grace_ms),
	    .empty_ms = settings_u64(s, SETTING_relay_empty_group_ms),
	};
}

static uint64_t
chance(void)
{
	uint64_t bits = 0;

	while (getrandom(&bits, sizeof(bits), 0) != (ssize_t)sizeof(bits) ||
	    bits >> 1 == 0)
		;
	return bits >> 1; /* a boot has 63 bits */
}

static void
listen_for_gateways(struct relay *r)
{
	const struct link_server_options options = {
	    .hub = &r->hub,
	    .calls = &link_calls,
	    .owner = r,
	    .name = TEXT("relay"),
	    .boot = chance(),
	};
	char url[ENDPOINT_URL];
	enum err e =
	    endpoint_link_url(worker_runtime_dir(r->worker), "relay", url);

	link_server_create(&r->server, &options);
	if (e == OK)
		e = link_server_listen(r->server, text_of(url), NULL, 0);
	if (e != OK)
		worker_fail(r->worker,
		    e == ERR_EXISTS ? EXIT_TRY_AGAIN : EXIT_SYSTEM,
		    "cannot listen on %s: %s", url, err_name(e));
}

/* await makes a lane for each gateway that a restored member was on. */
static bool
await(void *ctx, struct group *g)
{
	struct relay *r = ctx;
	uint64_t until_ms =
	    loop_now_ms(worker_loop(r->worker)) + r->reattach_ms;

	for (const struct member *m = g->first; m != NULL; m = m->next) {
		if (m->is_absent ||
		    lanes_of_gateway(&r->lanes, m->at.gateway) != NULL)
			continue;
		lanes_add(&r->lanes, m->at.gateway)->leave_ms = until_ms;
	}
	return true;
}

void
relay_start(struct worker *w)
{
	struct relay *r = worker_state(w);
	struct loop *loop = worker_loop(w);
	const struct groups_watch watch = {
	    .group = on_group, .member = on_member, .news = news_of, .ctx = r};
	struct groups_limits limits;

	r->worker = w;
	empty(&r->waiting);
	empty(&r->committing);
	buffer_init(&r->value, SCRATCH_BYTES);
	buffer_init(&r->message, SCRATCH_BYTES);
	limits = take_settings(r, worker_settings(w));
	groups_create_table(&r->groups, &limits, &watch,
	    (struct hash_seed){chance(), chance()});
	relay_now(r);
	keeping_open(&r->keeping, w, r->groups, on_durable, r);
	groups_restored(r->groups);
	groups_each(r->groups, await, r);
	conn_hub_init(&r->hub, loop);
	listen_for_gateways(r);
	r->turn_end = (struct loop_hook){.run = commit_turn, .ctx = r};
	loop_on_turn_end(loop, &r->turn_end);
	r->tick = (struct loop_timer){.due = on_tick, .ctx = r};
	loop_timer_start(loop, &r->tick, loop_now_ms(loop) + TICK_MS);
	audit_start(r);
}

void
relay_drain(struct worker *w, uint32_t allowed_ms)
{
	struct relay *r = worker_state(w);
	struct loop *loop = worker_loop(w);

	(void)allowed_ms;
	audit_stop(r);
	link_server_drain(r->server);
	/* a gateway's stream of messages ends here; it takes up the next */
	for (struct lane *lane = r->lanes.first; lane != NULL;
	     lane = lane->next)
		stats_add(
		    worker_slot(w), COUNTER_relay_dropped, lane_end(lane));
	loop_timer_start(loop, &r->tick, loop_now_ms(loop) + DRAIN_TICK_MS);
}

void
relay_stop(struct worker *w)
{
	struct relay *r = worker_state(w);

	loop_timer_stop(worker_loop(w), &r->tick);
	audit_finish(r);
	link_server_destroy(&r->server);
	keeping_close(&r->keeping);
	release(r, &r->committing);
	release(r, &r->waiting);
	for (uint32_t i = 0; i < r->groups->by_id.size; i++)
		for (struct index_link *at = r->groups->by_id.buckets[i];
		     at != NULL; at = at->next)
			fans_forget((struct group *)(void *)at);
	groups_destroy_table(&r->groups);
	lanes_finish(&r->lanes);
	conn_hub_finish(&r->hub);
	buffer_finish(&r->value);
	buffer_finish(&r->message);
}

enum reload_result
relay_on_settings(struct worker *w, struct worker_reload *reload)
{
	struct relay *r = worker_state(w);

	r->groups->limits = take_settings(r, reload->next);
	audit_set(r, reload->next);
	return RELOAD_UNCHANGED; /* the kit adds what the table knows */
}

void
relay_on_sibling_died(struct worker *w, const struct worker_sibling *sibling)
{
	struct relay *r = worker_state(w);
	struct lane *lane = r->lanes.first, *next;

	if (sibling->role != ROLE_gateway)
		return;
	for (; lane != NULL; lane = next) {
		next = lane->next;
		if (lane->instance == sibling->instance && lane->life != 0 &&
		    lane->life <= sibling->life)
			relay_gateway_over(r, lane,
			    sibling->why[0] != '\0' ? sibling->why : NULL);
	}
}
