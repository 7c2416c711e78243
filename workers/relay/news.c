// SPDX-License-Identifier: MIT
#include "protocol/events.h"
#include "protocol/stats.h"
#include "workers/kit/worker.h"
#include "workers/relay/relay.h"

static const struct {
	enum event event;
	enum counter counter;
} rows[] = {
    [NEWS_group_create] = {EVENT_relay_group_create,
	COUNTER_relay_groups_created},
    [NEWS_group_delete] = {EVENT_relay_group_delete,
	COUNTER_relay_groups_deleted},
    [NEWS_member_join] = {EVENT_relay_member_join, COUNTER_relay_joins},
    [NEWS_member_leave] = {EVENT_relay_member_leave, COUNTER_relay_leaves},
    [NEWS_member_accept] = {EVENT_relay_member_accept, COUNTER_relay_accepts},
    [NEWS_member_mute] = {EVENT_relay_member_mute, COUNTER_relay_mutes},
    [NEWS_member_unmute] = {EVENT_relay_member_unmute, COUNTER_relay_unmutes},
    [NEWS_member_down] = {EVENT_relay_member_down, COUNTER_relay_downs},
    [NEWS_member_promote] = {EVENT_relay_member_promote,
	COUNTER_relay_promotions},
};

static unsigned
took_us(const struct relay *r)
{
	struct loop *loop = worker_loop(r->worker);

	loop_refresh_now(loop);
	return (unsigned)(loop_now_us(loop) - r->began_us);
}

void
news_of(void *ctx, enum groups_news news, const struct group *g,
    const struct member *m)
{
	struct relay *r = ctx;

	stats_add(worker_slot(r->worker), rows[news].counter, 1);
	if (m == NULL)
		event_note(rows[news].event, "group_id=%.*s group_type=%s",
		    TEXT_ARG(g->id), group_type_name(g->type));
	else
		event_note(rows[news].event,
		    "group_id=%.*s group_type=%s user_id=%.*s status=%s",
		    TEXT_ARG(g->id), group_type_name(g->type),
		    TEXT_ARG(m->user), member_status_name(m->status));
}

void
news_sent(struct relay *r, const struct group *g, struct text user,
    uint32_t recipients)
{
	struct stats_slot *slot = worker_slot(r->worker);
	unsigned us = took_us(r);

	stats_add(slot, COUNTER_relay_sent, 1);
	stats_time(slot, HISTOGRAM_relay_send_us, us);
	stats_add(slot, COUNTER_relay_recipients, recipients);
	event_note(EVENT_relay_message_sent,
	    "group_id=%.*s group_type=%s user_id=%.*s status=relayed "
	    "recipients=%u duration_us=%u",
	    TEXT_ARG(g->id), group_type_name(g->type), TEXT_ARG(user),
	    recipients, us);
}

void
news_rejected(
    struct relay *r, struct text group, struct text user, const char *status)
{
	const struct group *g = groups_find(r->groups, group);

	stats_add(worker_slot(r->worker), COUNTER_relay_rejected, 1);
	event_note(EVENT_relay_message_rejected,
	    "group_id=%.*s group_type=%s user_id=%.*s status=%s recipients=0 "
	    "duration_us=%u",
	    TEXT_ARG(group), g == NULL ? "none" : group_type_name(g->type),
	    TEXT_ARG(user), status, took_us(r));
}
