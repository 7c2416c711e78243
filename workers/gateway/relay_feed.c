// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * What ends during a turn is told in one call at its end, behind all calls of
 * that turn: a join that was still on its way is undone by it. While the link
 * is down nothing is told: the next attach names who is there.
 */

#include "workers/gateway/relay_feed.h"

#include <sys/random.h>

#include "protocol/base/memory.h"
#include "protocol/link/link_client.h"
#include "protocol/pack.h"
#include "workers/gateway/gateway.h"
#include "workers/gateway/relay_push.h"

enum {
	WINDOW_BYTES = 8 << 20, /* of messages the relay may have under way */
	FIRST_SIZE = 64,
	ARGS_BYTES = 12 << 20, /* a million clients, named */
	NAMED_MOST = 400000, /* values of a roll: what the link takes of one */
	GONE_MOST = 20000    /* in one call */
};

/* A client, or one of its channels (else 0), that ended. */
struct ending {
	uint64_t client;
	uint32_t channel;
	enum relay_cut cut;
};

struct relay_feed {
	struct gateway *gateway;
	struct link_client *link; /* NULL: not live */
	struct loop_hook turn_end;
	uint64_t number;       /* names this life of this gateway */
	uint64_t attach_id;    /* of the stream; 0: none */
	bool wants_attach;     /* the link had no room for it */
	uint64_t wants_roll;   /* the relay's number of it; 0: it has it */
	uint64_t owed;         /* bytes of credit to give back */
	struct client **table; /* by serial, chained */
	uint32_t table_size;
	uint32_t count;
	struct ending *endings; /* to be told */
	uint32_t ending_count;
	uint32_t ending_room;
	char attach; /* these two stand for our calls on the link */
	char gone;
	char roll;
};

static struct client **
bucket(const struct relay_feed *f, uint64_t serial)
{
	return &f->table[serial & (f->table_size - 1)];
}

static void
grow(struct relay_feed *f)
{
	struct client **old = f->table;
	uint32_t old_size = f->table_size;

	f->table_size *= 2;
	f->table = memory_new(f->table_size * sizeof(struct client *));
	for (uint32_t i = 0; i < old_size; i++) {
		while (old[i] != NULL) {
			struct client *c = old[i];
			struct client **at = bucket(f, c->serial);

			old[i] = c->next_in_feed;
			c->next_in_feed = *at;
			*at = c;
		}
	}
	memory_free(old);
}

static struct client *
find(const struct relay_feed *f, uint64_t serial)
{
	struct client *c = *bucket(f, serial);

	while (c != NULL && c->serial != serial)
		c = c->next_in_feed;
	return c;
}

void
relay_feed_asked(struct relay_feed *f, struct client *c)
{
	if (c->is_in_feed)
		return;
	if (f->count == f->table_size)
		grow(f);
	struct client **at = bucket(f, c->serial);
	c->next_in_feed = *at;
	*at = c;
	c->is_in_feed = true;
	f->count++;
}

/* --- endings --- */

static void
note_ending(
    struct relay_feed *f, uint64_t client, uint32_t channel, enum relay_cut cut)
{
	if (f->link == NULL)
		return;
	if (f->ending_count == f->ending_room) {
		f->ending_room = f->ending_room == 0 ? 64 : f->ending_room * 2;
		f->endings = memory_grow(
		    f->endings, f->ending_room * sizeof(*f->endings));
	}
	f->endings[f->ending_count++] =
	    (struct ending){.client = client, .channel = channel, .cut = cut};
}

void
relay_feed_client_left(struct relay_feed *f, struct client *c)
{
	if (!c->is_in_feed)
		return;
	struct client **at = bucket(f, c->serial);
	while (*at != c)
		at = &(*at)->next_in_feed;
	*at = c->next_in_feed;
	c->is_in_feed = false;
	f->count--;
	note_ending(f, c->serial, 0, c->cut);
}

void
relay_feed_channel_left(
    struct relay_feed *f, const struct client *c, uint32_t serial)
{
	if (c->is_in_feed && serial != 0)
		note_ending(f, c->serial, serial, RELAY_CUT_NOT);
}

/* send_call puts one of our own calls on the link. */
static enum err
send_call(struct relay_feed *f, const char *function, struct text args,
    uint32_t credit, void *call, uint64_t *id)
{
	const struct link_request request = {
	    .module = TEXT("relay"),
	    .function = text_of(function),
	    .args = args,
	    .credit_bytes = credit,
	};

	return link_call(f->link, &request, call, id);
}

/* tell_endings: what the link does not take now is told next turn. */
static void
tell_endings(struct relay_feed *f)
{
	uint32_t count =
	    f->ending_count < GONE_MOST ? f->ending_count : GONE_MOST;
	struct buffer args;
	struct packer p;
	uint64_t id;

	buffer_init(&args, ARGS_BYTES);
	pack_init(&p, &args);
	pack_array(&p, 1);
	pack_array(&p, count);
	for (uint32_t i = 0; i < count; i++) {
		pack_array(&p, 3);
		pack_u64(&p, f->endings[i].client);
		pack_u64(&p, f->endings[i].channel);
		pack_u64(&p, f->endings[i].cut);
	}
	enum err e = pack_finish(&p);
	if (e == OK)
		e = send_call(f, "gone", buffer_text(&args), 0, &f->gone, &id);
	buffer_finish(&args);
	if (e != OK)
		return;
	f->ending_count -= count;
	memmove(f->endings, f->endings + count,
	    f->ending_count * sizeof(*f->endings));
}

/* --- the roll --- */

/* can_name_channels: with too many of them the clients must do. */
static bool
can_name_channels(const struct relay_feed *f)
{
	uint64_t values = 0;

	for (uint32_t i = 0; i < f->table_size; i++)
		for (const struct client *c = f->table[i]; c != NULL;
		     c = c->next_in_feed)
			values += 3 + c->session.count;
	return values <= NAMED_MOST;
}

/* put_roll names who is here: what workers/relay/roll.h reads. */
static void
put_roll(const struct relay_feed *f, struct packer *p)
{
	bool is_full = can_name_channels(f);

	pack_array(p, f->count);
	for (uint32_t i = 0; i < f->table_size; i++)
		for (const struct client *c = f->table[i]; c != NULL;
		     c = c->next_in_feed) {
			if (is_full)
				pack_array(p, 2);
			pack_u64(p, c->serial);
			if (!is_full)
				continue;
			pack_array(p, c->session.count);
			for (uint32_t n = 0; n < c->session.count; n++)
				pack_u64(p, session_at(&c->session, n)->serial);
		}
}

/* answer_roll: after all that was to be told, so that nobody is missed on it
 * whose end the relay has not heard of. */
static void
answer_roll(struct relay_feed *f)
{
	struct buffer args;
	struct packer p;
	uint64_t id;

	buffer_init(&args, ARGS_BYTES);
	pack_init(&p, &args);
	pack_array(&p, 2);
	pack_u64(&p, f->wants_roll);
	put_roll(f, &p);
	enum err e = pack_finish(&p);
	if (e == OK)
		e = send_call(f, "roll", buffer_text(&args), 0, &f->roll, &id);
	buffer_finish(&args);
	if (e == OK)
		f->wants_roll = 0; /* else at the end of the next turn */
}

/* --- the stream --- */

static void
attach(struct relay_feed *f)
{
	struct gateway *g = f->gateway;
	struct buffer args;
	struct packer p;

	buffer_init(&args, ARGS_BYTES);
	pack_init(&p, &args);
	pack_array(&p, 4);
	pack_u64(&p, worker_instance(g->worker));
	pack_u64(&p, worker_life(g->worker));
	put_roll(f, &p);
	pack_u64(&p, f->number);
	enum err e = pack_finish(&p);
	if (e == OK)
		e = send_call(f, "attach", buffer_text(&args), WINDOW_BYTES,
		    &f->attach, &f->attach_id);
	buffer_finish(&args);
	f->wants_attach = e != OK; /* then at the end of the next turn */
	f->owed = 0;
}

static void
on_turn_end(void *ctx)
{
	struct relay_feed *f = ctx;

	if (f->link == NULL)
		return;
	if (f->wants_attach)
		attach(f);
	if (f->ending_count > 0)
		tell_endings(f);
	if (f->wants_roll != 0 && f->ending_count == 0)
		answer_roll(f);
	if (f->owed > 0 && f->attach_id != 0) {
		link_credit(f->link, f->attach_id, (uint32_t)f->owed);
		f->owed = 0;
	}
}

void
relay_feed_on_link(struct relay_feed *f, struct link_client *link, bool is_live)
{
	f->link = is_live ? link : NULL;
	f->attach_id = 0;
	f->wants_attach = false;
	f->wants_roll = 0;
	f->ending_count = 0;
	if (is_live)
		attach(f);
}

bool
relay_feed_ended(struct relay_feed *f, void *call)
{
	if (call == &f->attach)
		f->attach_id = 0; /* it drains: another link will follow */
	return call == &f->attach || call == &f->gone || call == &f->roll;
}

/* deliver pushes one message to one of its receivers. */
static void
deliver(struct relay_feed *f, struct relay_push *push, uint64_t client,
    uint32_t serial)
{
	struct gateway *g = f->gateway;
	struct client *c = find(f, client);
	const struct channel *channel = c == NULL || c->state != CLIENT_OPEN
	    ? NULL
	    : session_find(&c->session, serial);

	if (channel == NULL) {
		COUNT(g, relay_missed);
		return;
	}
	relay_push_to(push, c, channel);
}

bool
relay_feed_message(struct relay_feed *f, void *call, struct text value)
{
	struct gateway *g = f->gateway;
	struct relay_push push;
	struct unpacker u;
	uint32_t count = 0, two, serial;
	struct text to;
	uint64_t client;

	if (call != &f->attach)
		return false;
	f->owed += value.len;
	if (unpack_field_u64(value, "roll", &f->wants_roll) == OK)
		return true;
	COUNT(g, relay_messages);
	if (unpack_map_find(value, TEXT("to"), &to) != OK ||
	    relay_push_open(&push, g, value) != OK) {
		COUNT(g, bad_results);
		return true;
	}
	unpack_init(&u, to);
	if (unpack_array(&u, &count) != OK)
		count = 0;
	for (uint32_t i = 0; i < count; i++) {
		if (unpack_array(&u, &two) != OK || two != 2 ||
		    unpack_u64(&u, &client) != OK ||
		    unpack_u32(&u, &serial) != OK)
			break;
		deliver(f, &push, client, serial);
	}
	relay_push_close(&push);
	return true;
}

/* --- life --- */

void
relay_feed_create(struct relay_feed **to, struct gateway *g)
{
	struct relay_feed *f = MEMORY_NEW(struct relay_feed);

	f->gateway = g;
	f->table_size = FIRST_SIZE;
	f->table = memory_new(FIRST_SIZE * sizeof(struct client *));
	while (getrandom(&f->number, sizeof(f->number), 0) !=
		(ssize_t)sizeof(f->number) ||
	    f->number == 0)
		;
	f->turn_end = (struct loop_hook){.run = on_turn_end, .ctx = f};
	conn_hub_before_flush(&g->hub, &f->turn_end);
	*to = f;
}

void
relay_feed_destroy(struct relay_feed **at)
{
	struct relay_feed *f = *at;

	if (f == NULL)
		return;
	conn_hub_forget_flush(&f->gateway->hub, &f->turn_end);
	memory_free(f->table);
	memory_free(f->endings);
	memory_free(f);
	*at = NULL;
}
