// SPDX-License-Identifier: MIT
/* operations - what clients ask of a group, and how it is answered. */

#include <stdio.h>
#include <time.h>

#include "protocol/pack.h"
#include "protocol/stats.h"
#include "workers/relay/asks.h"
#include "workers/relay/fans.h"

enum {
	STAMP_BYTES = 32,
	LISTED_MOST = 1000 /* groups or members in one answer */
};

void
ask_refuse(struct ask *a, const char *code, const char *text)
{
	stats_add(worker_slot(a->relay->worker), COUNTER_relay_refused, 1);
	lane_error(a->lane, a->call, code, text);
}

static void
refuse_word(struct ask *a, enum groups_word word)
{
	ask_refuse(a, groups_word_code(word), groups_word_text(word));
}

/* --- answers --- */

static void
stamp(char to[STAMP_BYTES], uint64_t wall_ms)
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm tm = {.tm_year = 70, .tm_mday = 1};
	size_t used;

	(void)gmtime_r(&seconds, &tm);
	used = strftime(to, STAMP_BYTES, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(to + used, STAMP_BYTES - used, ".%03uZ",
	    (unsigned)(wall_ms % 1000));
}

static struct packer
begin(struct ask *a, uint32_t fields)
{
	struct packer p;

	buffer_truncate(&a->relay->value, 0);
	pack_init(&p, &a->relay->value);
	pack_map(&p, fields);
	return p;
}

static void
finish(struct ask *a, const struct packer *p)
{
	if (pack_finish(p) == OK)
		relay_answer(a->relay, a->lane, a->call);
	else
		ask_refuse(a, "bad_result", "the answer is too long");
}

/* answer says {group_id, status}, and whom it was about. */
static void
answer(struct ask *a, const char *status)
{
	bool has_target = a->target.len > 0;
	struct packer p = begin(a, has_target ? 3 : 2);

	pack_string(&p, "group_id");
	pack_text(&p, a->group);
	if (has_target) {
		pack_string(&p, "user_id");
		pack_text(&p, a->target);
	}
	pack_field_string(&p, "status", status);
	finish(a, &p);
}

static void
conclude(struct ask *a, enum groups_word word, const char *status)
{
	if (word == GROUPS_done)
		answer(a, status);
	else
		refuse_word(a, word);
}

/* --- what is asked --- */

void
ask_create(struct ask *a)
{
	enum group_type type;

	if (!group_type_by_name(a->type, &type)) {
		ask_refuse(a, "invalid_argument",
		    "group_type is public, private or strict_private");
		return;
	}
	conclude(a, groups_create(a->relay->groups, a->group, type, &a->who),
	    "created");
}

void
ask_join(struct ask *a)
{
	enum member_status became = MEMBER_PENDING;
	enum groups_word word =
	    groups_join(a->relay->groups, a->group, &a->who, &became);

	conclude(a, word, member_status_name(became));
}

void
ask_leave(struct ask *a)
{
	conclude(
	    a, groups_leave(a->relay->groups, a->group, a->who.user), "left");
}

void
ask_accept(struct ask *a)
{
	enum member_status became = MEMBER_ACTIVE;
	enum groups_word word = groups_accept(
	    a->relay->groups, a->group, a->who.user, a->target, &became);

	conclude(a, word, member_status_name(became));
}

void
ask_mute(struct ask *a)
{
	conclude(a,
	    groups_mute(a->relay->groups, a->group, a->who.user, a->target),
	    "muted");
}

void
ask_unmute(struct ask *a)
{
	conclude(a,
	    groups_unmute(a->relay->groups, a->group, a->who.user, a->target),
	    "active");
}

void
ask_delete(struct ask *a)
{
	conclude(a, groups_delete(a->relay->groups, a->group, a->who.user),
	    "deleted");
}

static void
pack_member(struct packer *p, const struct member *m)
{
	char joined_at[STAMP_BYTES];

	stamp(joined_at, m->joined_ms);
	pack_text(p, m->user);
	pack_map(p, 3);
	pack_string(p, "roles");
	pack_array(p, 1);
	pack_string(p, m->is_admin ? "admin" : "member");
	pack_field_string(p, "status", member_status_name(m->status));
	pack_field_string(p, "joined_at", joined_at);
}

/* refuse_long: an answer that may be long is not made for a gateway that does
 * not take what it has asked for already. */
static bool
refuse_long(struct ask *a)
{
	if (!lane_is_full(a->lane, a->relay->lane_bytes))
		return false;
	stats_add(worker_slot(a->relay->worker), COUNTER_relay_overloaded, 1);
	ask_refuse(a, "unavailable", "Service temporarily unavailable");
	return true;
}

void
ask_info(struct ask *a)
{
	struct group *g;
	enum groups_word word =
	    groups_may_see(a->relay->groups, a->group, a->who.user, &g);
	uint32_t left;

	if (word != GROUPS_done) {
		refuse_word(a, word);
		return;
	}
	if (refuse_long(a))
		return;
	struct packer p = begin(a, 5);
	pack_string(&p, "group_id");
	pack_text(&p, g->id);
	pack_field_string(&p, "group_type", group_type_name(g->type));
	pack_field_u64(&p, "member_count", g->member_count);
	pack_field_u64(&p, "active_count", g->active_count);
	pack_string(&p, "members");
	left = g->member_count < LISTED_MOST ? g->member_count : LISTED_MOST;
	pack_map(&p, left);
	for (const struct member *m = g->first; left > 0; m = m->next) {
		if (m->is_absent)
			continue;
		pack_member(&p, m);
		left--;
	}
	finish(a, &p);
}

/* One listing under way. */
struct listing {
	const struct ask *ask;
	struct packer *packer;
	uint32_t listed;
};

/* list_group: false when the list is full. */
static bool
list_group(struct listing *l, const struct group *g, const struct member *m)
{
	if (l->listed == LISTED_MOST)
		return false;
	l->listed++;
	pack_map(l->packer, 5);
	pack_string(l->packer, "group_id");
	pack_text(l->packer, g->id);
	pack_field_string(l->packer, "group_type", group_type_name(g->type));
	pack_field_u64(l->packer, "member_count", g->member_count);
	pack_field_u64(l->packer, "active_count", g->active_count);
	pack_string(l->packer, "status");
	if (m != NULL)
		pack_string(l->packer, member_status_name(m->status));
	else
		pack_nil(l->packer);
	return true;
}

static bool
list_own(void *ctx, struct member *m)
{
	return list_group(ctx, m->group, m);
}

/* list_public leaves out those that are in the list as one's own. */
static bool
list_public(void *ctx, struct group *g)
{
	struct listing *l = ctx;
	const struct member *m =
	    groups_member(l->ask->relay->groups, g, l->ask->who.user);

	return (m != NULL && !m->is_absent) || list_group(l, g, NULL);
}

/* ask_list names the caller's groups, then public ones. */
void
ask_list(struct ask *a)
{
	if (refuse_long(a))
		return;
	struct packer p = begin(a, 2);
	struct listing l = {.ask = a, .packer = &p};

	pack_string(&p, "groups");
	size_t place = pack_open(&p);
	groups_each_own(a->relay->groups, a->who.user, list_own, &l);
	groups_each_public(a->relay->groups, list_public, &l);
	pack_close_array(&p, place, l.listed);
	pack_field_u64(&p, "group_count", l.listed);
	finish(a, &p);
}

/* --- sending --- */

/* has_room: a gateway that does not take its messages stops who sends them,
 * before anything has left. */
static bool
has_room(const struct relay *r, const struct fan *f)
{
	for (uint32_t i = 0; i < f->part_count; i++) {
		const struct lane *lane =
		    lanes_of_gateway(&r->lanes, f->parts[i].gateway);

		if (lane != NULL && lane_is_full(lane, r->lane_bytes))
			return false;
	}
	return true;
}

/* pack_push writes what every receiver gets, behind the receivers. */
static void
pack_push(struct packer *p, const struct ask *a, const struct group *g)
{
	char now[STAMP_BYTES];

	stamp(now, a->relay->groups->now.wall_ms);
	pack_string(p, "push");
	pack_map(p, 4);
	pack_string(p, "group_id");
	pack_text(p, g->id);
	pack_string(p, "from_user_id");
	pack_text(p, a->who.user);
	pack_string(p, "message");
	pack_raw(p, a->message);
	pack_field_string(p, "timestamp", now);
	pack_string(p, "request_id");
	if (a->request_id.len > 0)
		pack_raw(p, a->request_id);
	else
		pack_nil(p);
}

/* deliver: false if the way to some receivers is gone. */
static bool
deliver(struct ask *a, const struct group *g, const struct fan *f)
{
	struct relay *r = a->relay;
	bool is_whole = true;

	for (uint32_t i = 0; i < f->part_count; i++) {
		struct lane *lane =
		    lanes_of_gateway(&r->lanes, f->parts[i].gateway);
		struct packer p;

		if (lane == NULL) {
			is_whole = false;
			continue;
		}
		buffer_truncate(&r->message, 0);
		pack_init(&p, &r->message);
		pack_map(&p, 3);
		pack_string(&p, "to");
		pack_array(&p, f->parts[i].count);
		pack_raw(&p, buffer_text(&f->parts[i].pairs));
		pack_push(&p, a, g);
		/* 250 000 pairs and the largest message are what a link
		   carries in one piece: see the settings' ends */
		enum err e = pack_finish(&p);
		INVARIANT(e == OK);
		lane_message(lane, buffer_text(&r->message));
	}
	return is_whole;
}

static void
note_delivery(const struct relay *r, struct group *g, const char *error)
{
	subscription_note(&g->health,
	    error == NULL ? SUBSCRIPTION_EVENT_event_delivery_success
			  : SUBSCRIPTION_EVENT_event_delivery_failed,
	    r->groups->now.wall_ms, error);
}

static void
reject(struct ask *a, const char *code, const char *text, const char *status)
{
	news_rejected(a->relay, a->group, a->who.user, status);
	lane_error(a->lane, a->call, code, text);
}

/* ask_send: the sender's answer first, then the message, to him as well. */
void
ask_send(struct ask *a)
{
	struct relay *r = a->relay;
	struct group *g;
	enum groups_word word =
	    groups_may_send(r->groups, a->group, a->who.user, &g);

	if (word != GROUPS_done) {
		reject(a, groups_word_code(word), groups_word_text(word),
		    groups_word_name(word));
		return;
	}
	if (a->message.len > r->max_message_bytes) {
		reject(a, "invalid_argument",
		    "message_too_big: see relay.max_message_bytes",
		    "message_too_big");
		return;
	}
	const struct fan *f = fans_of(g);
	if (!has_room(r, f)) {
		stats_add(worker_slot(r->worker), COUNTER_relay_overloaded, 1);
		note_delivery(r, g, "a gateway does not take its messages");
		reject(a, "unavailable", "Service temporarily unavailable",
		    "overloaded");
		return;
	}
	uint32_t recipients = g->active_count + g->muted_count;
	struct packer p = begin(a, 2);
	pack_field_string(&p, "status", "relayed");
	pack_field_u64(&p, "recipients_count", recipients);
	lane_result(a->lane, a->call, buffer_text(&r->value));
	note_delivery(
	    r, g, deliver(a, g, f) ? NULL : "no way to some of its members");
	news_sent(r, g, a->who.user, recipients);
}
