// SPDX-License-Identifier: MIT
#include "workers/relay/lanes.h"

#include <string.h>

#include "protocol/base/memory.h"
#include "protocol/link/link_server.h"

enum {
	QUEUE_MOST = 1 << 30, /* hard stop; the budget is lane_is_full's */
	RELEASE_BYTES = 64 * 1024
};

enum item_kind {
	ITEM_RESULT,
	ITEM_ERROR, /* code, NUL, text */
	ITEM_MESSAGE
};

struct item {
	uint64_t call; /* RESULT, ERROR */
	uint32_t kind;
	uint32_t bytes; /* that follow */
};

struct lane *
lanes_of_gateway(const struct lanes *all, uint64_t gateway)
{
	struct lane *lane = all->first;

	while (lane != NULL && lane->gateway != gateway)
		lane = lane->next;
	return lane;
}

struct lane *
lanes_of_session(const struct lanes *all, const struct link_session *session)
{
	struct lane *lane = all->first;

	while (lane != NULL && lane->session != session)
		lane = lane->next;
	return lane;
}

struct lane *
lanes_add(struct lanes *all, uint64_t gateway)
{
	struct lane *lane = MEMORY_NEW(struct lane);

	lane->gateway = gateway;
	lane->next = all->first;
	buffer_init(&lane->queue, QUEUE_MOST);
	all->first = lane;
	return lane;
}

void
lanes_drop(struct lanes *all, struct lane *lane)
{
	struct lane **at = &all->first;

	while (*at != lane)
		at = &(*at)->next;
	*at = lane->next;
	buffer_finish(&lane->queue);
	memory_free(lane);
}

void
lanes_finish(struct lanes *all)
{
	while (all->first != NULL)
		lanes_drop(all, all->first);
}

void
lane_attach(struct lane *lane, struct link_session *session, uint64_t call,
    uint64_t credit)
{
	lane->epoch++;
	lane->session = session;
	lane->call = call;
	lane->index = 0;
	lane->credit_bytes = 0;
	lane_credit(lane, credit);
}

/* keep_only drops the messages, or all but those; how many items. */
static uint32_t
keep_only(struct lane *lane, bool keeps_messages)
{
	struct buffer kept;
	struct text left = buffer_text(&lane->queue);
	struct item item;
	uint32_t dropped = 0;

	buffer_init(&kept, QUEUE_MOST);
	while (left.len >= sizeof(item)) {
		memcpy(&item, left.at, sizeof(item));
		uint32_t whole = (uint32_t)sizeof(item) + item.bytes;

		if ((item.kind == ITEM_MESSAGE) == keeps_messages) {
			enum err e = buffer_append(&kept, left.at, whole);
			INVARIANT(e == OK); /* they fitted before */
		} else {
			dropped++;
		}
		left.at += whole;
		left.len -= whole;
	}
	buffer_finish(&lane->queue);
	lane->queue = kept;
	return dropped;
}

void
lane_detach(struct lane *lane)
{
	lane->epoch++;
	lane->session = NULL;
	(void)keep_only(lane, true);
}

void
lane_credit(struct lane *lane, uint64_t bytes)
{
	if (bytes > QUEUE_MOST)
		bytes = QUEUE_MOST;
	lane->credit_bytes += (int64_t)bytes;
	if (lane->credit_bytes > QUEUE_MOST)
		lane->credit_bytes = QUEUE_MOST;
}

/* hand gives one item to the link; false: not now. */
static bool
hand(struct lane *lane, const struct item *item, struct text value)
{
	if (lane->session == NULL)
		return false;
	/* what a link holds is not ours to count: the lane's budget is */
	if (item->kind != ITEM_MESSAGE && link_session_is_full(lane->session)) {
		link_session_want_room(lane->session);
		return false;
	}
	if (item->kind == ITEM_RESULT) {
		link_session_result(lane->session, item->call, value);
		return true;
	}
	if (item->kind == ITEM_ERROR) {
		struct text code = {
		    .at = value.at, .len = (uint32_t)strlen(value.at)};
		struct text text = {.at = value.at + code.len + 1,
		    .len = value.len - code.len - 1};

		link_session_error(lane->session, item->call, code, text);
		return true;
	}
	if (lane->credit_bytes <= 0 ||
	    link_session_chunk(lane->session, lane->call, lane->index, value) !=
		OK)
		return false;
	lane->index++;
	lane->credit_bytes -= value.len;
	return true;
}

void
lane_send(struct lane *lane)
{
	struct item item;

	while (buffer_used(&lane->queue) >= sizeof(item)) {
		struct text all = buffer_text(&lane->queue);

		memcpy(&item, all.at, sizeof(item));
		struct text value = {
		    .at = all.at + sizeof(item), .len = item.bytes};
		if (!hand(lane, &item, value))
			return;
		buffer_consume(&lane->queue, sizeof(item) + item.bytes);
	}
	if (lane->queue.size > RELEASE_BYTES)
		buffer_release(&lane->queue);
}

uint32_t
lane_end(struct lane *lane)
{
	uint32_t dropped = keep_only(lane, false);

	lane->credit_bytes = 0;
	lane_send(lane); /* answers need no credit */
	if (lane->session != NULL)
		link_session_end(lane->session, lane->call);
	lane->call = 0; /* credit that is on its way finds nobody */
	return dropped;
}

static void
give(struct lane *lane, const struct item *item, struct text value)
{
	if (buffer_used(&lane->queue) == 0 && hand(lane, item, value))
		return;
	enum err e = buffer_append(&lane->queue, item, sizeof(*item));
	if (e == OK)
		e = buffer_append_text(&lane->queue, value);
	INVARIANT(e == OK); /* budgets end far below */
}

void
lane_result(struct lane *lane, uint64_t call, struct text value)
{
	const struct item item = {
	    .call = call, .kind = ITEM_RESULT, .bytes = value.len};

	give(lane, &item, value);
}

void
lane_error(struct lane *lane, uint64_t call, const char *code, const char *text)
{
	char both[512];
	size_t code_bytes = strlen(code) + 1, text_bytes = strlen(text);

	if (code_bytes + text_bytes > sizeof(both))
		text_bytes = sizeof(both) - code_bytes;
	memcpy(both, code, code_bytes);
	memcpy(both + code_bytes, text, text_bytes);
	const struct item item = {
	    .call = call,
	    .kind = ITEM_ERROR,
	    .bytes = (uint32_t)(code_bytes + text_bytes),
	};
	give(lane, &item, (struct text){.at = both, .len = item.bytes});
}

void
lane_message(struct lane *lane, struct text value)
{
	const struct item item = {.kind = ITEM_MESSAGE, .bytes = value.len};

	give(lane, &item, value);
}

bool
lane_is_full(const struct lane *lane, uint64_t most_bytes)
{
	return buffer_used(&lane->queue) >= most_bytes;
}
