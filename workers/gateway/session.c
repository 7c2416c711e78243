// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * A socket has a handful of channels, most often one: a list that is walked
 * beats any table. What a verdict says about a dropped channel points into it,
 * so its bytes stay, in a place of their own, until the next call.
 */

#include "workers/gateway/session.h"

#include <string.h>

#include "protocol/base/memory.h"

enum {
	FIRST_ROOM = 2,
	/* slot 0 holds the channel dropped last, until the next call */
	DROPPED = 0,
	FIRST = 1
};

void
session_init(struct session *s)
{
	*s = (struct session){.channels = NULL};
}

void
session_finish(struct session *s)
{
	for (uint32_t i = 0; s->channels != NULL && i < FIRST + s->count; i++)
		memory_free(s->channels[i]);
	memory_free(s->channels);
	session_init(s);
}

static void
make_room(struct session *s)
{
	if (s->room > s->count)
		return;
	uint32_t room = s->room == 0 ? FIRST_ROOM : s->room * 2;
	struct channel **grown =
	    memory_new((FIRST + room) * sizeof(struct channel *));

	if (s->channels != NULL)
		memcpy(grown, s->channels,
		    (FIRST + s->count) * sizeof(struct channel *));
	memory_free(s->channels);
	s->channels = grown;
	s->room = room;
}

static void
forget_dropped(struct session *s)
{
	if (s->channels == NULL)
		return;
	memory_free(s->channels[DROPPED]);
	s->channels[DROPPED] = NULL;
}

/* find gives the place of a topic (as JSON), or 0. */
static uint32_t
find(const struct session *s, struct text topic)
{
	for (uint32_t i = FIRST; i < FIRST + s->count; i++) {
		if (text_eq(s->channels[i]->topic, topic))
			return i;
	}
	return 0;
}

static struct phoenix_address
address_of(const struct channel *c)
{
	return (struct phoenix_address){
	    .form = PHOENIX_V2,
	    .join_ref = c->join_ref,
	    .ref = c->join_ref,
	    .topic = c->topic,
	};
}

/* drop takes a channel out; its bytes stay until the next call. */
static struct phoenix_address
drop(struct session *s, uint32_t place)
{
	struct channel *gone = s->channels[place];

	forget_dropped(s);
	s->channels[DROPPED] = gone;
	s->count--;
	memmove(&s->channels[place], &s->channels[place + 1],
	    (FIRST + s->count - place) * sizeof(struct channel *));
	return address_of(gone);
}

const struct channel_rule *
session_match(const struct channel_rules *rules, struct text topic)
{
	for (uint32_t i = 0; i < rules->count; i++) {
		struct text rule = rules->all[i].topic;

		if (rule.len > 0 && rule.at[rule.len - 1] == '*') {
			rule.len--;
			if (text_starts_with(topic, rule))
				return &rules->all[i];
		} else if (text_eq(rule, topic)) {
			return &rules->all[i];
		}
	}
	return NULL;
}

static const struct channel *
add(struct session *s, const struct channel_rule *rule,
    const struct phoenix_message *m)
{
	size_t texts = (size_t)m->from.topic.len + m->from.join_ref.len;
	struct channel *c = memory_new(sizeof(*c) + texts);
	char *at = (char *)(c + 1);

	make_room(s);
	*c = (struct channel){
	    .rule = rule,
	    .topic = text_keep(m->from.topic, &at),
	    .join_ref = text_keep(m->from.join_ref, &at),
	    .serial = ++s->serial,
	    .is_binary = phoenix_is_binary(m->from.form),
	    .form = m->from.form,
	};
	s->channels[FIRST + s->count++] = c;
	return c;
}

static void
join(struct session *s, const struct channel_rules *rules,
    const struct phoenix_message *m, struct session_verdict *v)
{
	const struct channel_rule *rule = session_match(rules, m->topic);
	uint32_t place = find(s, m->from.topic);

	v->move = SESSION_REFUSED;
	v->reason = "unmatched topic";
	if (rule == NULL || m->topic.at == NULL)
		return;
	v->reason = "too many channels joined";
	if (place == 0 && s->count >= rules->max_channels)
		return;
	if (place != 0)
		v->closed = drop(s, place);
	v->channel = add(s, rule, m);
	v->move = SESSION_JOINED;
}

static void
take_joined(struct session *s, uint32_t place, const struct phoenix_message *m,
    struct session_verdict *v)
{
	const struct channel *c = s->channels[place];

	if (!text_is(m->from.join_ref, "null") &&
	    !text_eq(m->from.join_ref, c->join_ref)) {
		v->move = SESSION_STALE;
	} else if (text_is(m->event, "phx_leave")) {
		v->move = SESSION_LEFT;
		v->closed = drop(s, place);
	} else if (text_eq(m->event, c->rule->event)) {
		v->move = SESSION_REQUEST;
		v->channel = c;
	} else if (text_is(m->event, "stop_stream")) {
		v->move = SESSION_STOP_STREAM;
		v->channel = c;
	} else if (text_is(m->event, "refresh_token")) {
		v->move = SESSION_REFRESH;
		v->channel = c;
	} else {
		/* as in Phoenix: no clause for the event ends the channel */
		v->move = SESSION_CRASHED;
		v->closed = drop(s, place);
	}
}

void
session_take(struct session *s, const struct channel_rules *rules,
    const struct phoenix_message *m, struct session_verdict *v)
{
	*v = (struct session_verdict){.move = SESSION_UNMATCHED};
	forget_dropped(s);
	if (text_is(m->topic, "phoenix") && text_is(m->event, "heartbeat")) {
		v->move = SESSION_HEARTBEAT;
		return;
	}
	if (text_is(m->event, "phx_join")) {
		join(s, rules, m, v);
		return;
	}
	uint32_t place = find(s, m->from.topic);
	if (place != 0)
		take_joined(s, place, m, v);
	else if (text_is(m->event, "phx_leave"))
		v->move = SESSION_LEFT_NOTHING;
}

const struct channel *
session_find(const struct session *s, uint32_t serial)
{
	for (uint32_t i = FIRST; i < FIRST + s->count; i++) {
		if (s->channels[i]->serial == serial)
			return s->channels[i];
	}
	return NULL;
}

const struct channel *
session_at(const struct session *s, uint32_t index)
{
	return s->channels[FIRST + index];
}

uint32_t
session_dropped(const struct session *s)
{
	const struct channel *gone =
	    s->channels == NULL ? NULL : s->channels[DROPPED];

	return gone == NULL ? 0 : gone->serial;
}

/* topic_text takes the quotes off; a topic with escapes matches by its JSON,
 * which no rule looks like, and is dropped: clients do not escape topics. */
static struct text
topic_text(struct text json)
{
	return (struct text){.at = json.at + 1, .len = json.len - 2};
}

bool
session_rematch(struct session *s, const struct channel_rules *rules,
    struct phoenix_address *closed)
{
	for (uint32_t i = FIRST; i < FIRST + s->count; i++) {
		struct channel *c = s->channels[i];

		c->rule = session_match(rules, topic_text(c->topic));
		if (c->rule == NULL) {
			*closed = drop(s, i);
			return false;
		}
	}
	return true;
}
