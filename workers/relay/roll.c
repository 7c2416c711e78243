// SPDX-License-Identifier: MIT
#include "workers/relay/roll.h"

#include <stdlib.h>

#include "protocol/base/memory.h"

static int
compare(const void *a, const void *b)
{
	const struct roll_client *left = a, *right = b;

	return left->client < right->client ? -1 : left->client > right->client;
}

static void
add_channel(struct roll *r, uint32_t channel)
{
	if (r->channel_count == r->channel_room) {
		r->channel_room =
		    r->channel_room == 0 ? 64 : r->channel_room * 2;
		r->channels = memory_grow(
		    r->channels, r->channel_room * sizeof(*r->channels));
	}
	r->channels[r->channel_count++] = channel;
}

static enum err
read_client(struct roll *r, struct unpacker *u, struct roll_client *c)
{
	uint32_t two, channel;
	enum err e;

	*c = (struct roll_client){.first = r->channel_count};
	if (unpack_peek(u) != PACK_ARRAY) {
		c->has_any = true;
		return unpack_u64(u, &c->client);
	}
	e = unpack_array(u, &two);
	if (e == OK && two != 2)
		e = ERR_MALFORMED;
	if (e == OK)
		e = unpack_u64(u, &c->client);
	if (e == OK)
		e = unpack_array(u, &c->count);
	for (uint32_t i = 0; e == OK && i < c->count; i++) {
		e = unpack_u32(u, &channel);
		if (e == OK)
			add_channel(r, channel);
	}
	return e;
}

enum err
roll_read(struct roll *r, struct unpacker *u)
{
	uint32_t count;
	enum err e = unpack_array(u, &count);

	*r = (struct roll){.count = 0};
	if (e != OK)
		return e;
	r->clients = memory_new(((size_t)count + 1) * sizeof(*r->clients));
	while (e == OK && r->count < count) {
		e = read_client(r, u, &r->clients[r->count]);
		r->count += e == OK;
	}
	if (e == OK)
		qsort(r->clients, r->count, sizeof(*r->clients), compare);
	else
		roll_finish(r);
	return e;
}

void
roll_finish(struct roll *r)
{
	memory_free(r->clients);
	memory_free(r->channels);
	*r = (struct roll){.count = 0};
}

static const struct roll_client *
find(const struct roll *r, uint64_t client)
{
	const struct roll_client wanted = {.client = client};

	return r->count == 0 ? NULL
			     : bsearch(&wanted, r->clients, r->count,
				   sizeof(*r->clients), compare);
}

bool
roll_has_client(const struct roll *r, uint64_t client)
{
	return find(r, client) != NULL;
}

bool
roll_has(const struct roll *r, uint64_t client, uint32_t channel)
{
	const struct roll_client *c = find(r, client);

	if (c == NULL || c->has_any)
		return c != NULL;
	for (uint32_t i = 0; i < c->count; i++)
		if (r->channels[c->first + i] == channel)
			return true;
	return false;
}
