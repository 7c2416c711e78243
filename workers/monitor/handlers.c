// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * A handler that stands still costs HANDLER_BYTES at most: what comes beyond
 * that is counted and not kept. An event is dropped at the end of the queue,
 * not at its head, so what a handler gets has gaps and never a wrong order.
 */

#include "workers/monitor/handlers.h"

#include <stdio.h>
#include <string.h>

#include "protocol/unpack.h"

#define OWN "command=" HANDLER_SERVICE "."

void
handlers_init(struct handlers *h)
{
	memset(h, 0, sizeof(*h));
	for (int i = 0; i < HANDLERS; i++)
		buffer_init(&h->items[i].waiting, HANDLER_BYTES);
}

void
handlers_finish(struct handlers *h)
{
	for (int i = 0; i < HANDLERS; i++)
		buffer_finish(&h->items[i].waiting);
	memset(h, 0, sizeof(*h));
}

/* --- rows --- */

/* copy_field leaves "" for what is not there or too long. */
static void
copy_field(struct text row, const char *key, char *to, size_t size)
{
	struct text word;

	if (unpack_field_text(row, key, &word) != OK ||
	    text_copy(word, to, size) != OK)
		to[0] = '\0';
}

static void
read_row(struct handler *to, struct text row)
{
	struct text wrong;

	copy_field(row, "match", to->match, sizeof(to->match));
	copy_field(row, "module", to->module, sizeof(to->module));
	copy_field(row, "function", to->function, sizeof(to->function));
	copy_field(row, "pool", to->pool, sizeof(to->pool));
	copy_field(row, "name", to->name, sizeof(to->name));
	if (to->name[0] == '\0')
		snprintf(to->name, sizeof(to->name), "%s.%s", to->module,
		    to->function);
	if (telemetry_choose(&to->choice, TELEMETRY_BY_MATCH,
		text_of(to->match), &wrong) == OK)
		return;
	to->is_detached = true;
	snprintf(to->reason, sizeof(to->reason),
	    "no event is named by %.*s: banyan telemetry events",
	    (int)(wrong.len < 64 ? wrong.len : 64), wrong.at);
}

static bool
is_same(const struct handler *a, const struct handler *b)
{
	return strcmp(a->name, b->name) == 0 &&
	    strcmp(a->match, b->match) == 0 &&
	    strcmp(a->module, b->module) == 0 &&
	    strcmp(a->function, b->function) == 0 &&
	    strcmp(a->pool, b->pool) == 0;
}

static void
forget_batch(struct handler *h)
{
	h->dropped += h->out;
	h->out = 0;
}

static void
forget_waiting(struct handler *h)
{
	buffer_truncate(&h->waiting, 0);
	h->dropped += h->count;
	h->count = 0;
}

/* put_row sets place `at`; what is the same as before stays as it is. */
static void
put_row(struct handlers *all, uint32_t at, struct text row)
{
	struct handler *to = &all->items[at];
	struct handler next;

	memset(&next, 0, sizeof(next));
	read_row(&next, row);
	if (at < all->count && is_same(to, &next)) {
		forget_batch(to);
		to->failures = 0;
		to->is_detached = next.is_detached;
		memcpy(to->reason, next.reason, sizeof(to->reason));
		return;
	}
	forget_waiting(to);
	next.waiting = to->waiting;
	*to = next;
}

void
handlers_read(struct handlers *all, struct text list)
{
	struct unpacker u;
	struct text row;
	uint32_t rows = 0, count = 0;

	unpack_init(&u, list);
	if (unpack_array(&u, &rows) != OK)
		rows = 0;
	while (count < rows && count < HANDLERS && unpack_raw(&u, &row) == OK)
		put_row(all, count++, row);
	for (uint32_t i = count; i < all->count; i++)
		forget_waiting(&all->items[i]);
	all->count = count;
}

/* --- events --- */

void
handlers_choice(const struct handlers *all, struct telemetry_choice *to)
{
	memset(to, 0, sizeof(*to));
	for (uint32_t i = 0; i < all->count; i++)
		for (size_t w = 0; w < COUNT_OF(to->words); w++)
			to->words[w] |= all->items[i].is_detached
			    ? 0
			    : all->items[i].choice.words[w];
}

bool
handlers_is_own(struct text record)
{
	return memmem(record.at, record.len, OWN, sizeof(OWN) - 1) != NULL;
}

static void
offer(struct handler *h, struct text packed, uint64_t now_ms)
{
	if (h->count >= HANDLER_WAITING ||
	    buffer_append(&h->waiting, packed.at, packed.len) != OK) {
		h->dropped++;
		return;
	}
	if (h->count++ == 0)
		h->since_ms = now_ms;
}

void
handlers_offer(
    struct handlers *all, enum event id, struct text packed, uint64_t now_ms)
{
	for (uint32_t i = 0; i < all->count; i++)
		if (!all->items[i].is_detached &&
		    telemetry_has(&all->items[i].choice, id))
			offer(&all->items[i], packed, now_ms);
}

/* --- batches --- */

bool
handler_is_due(const struct handler *h, uint64_t now_ms)
{
	if (h->is_detached || h->out > 0 || h->count == 0)
		return false;
	return h->count >= HANDLER_BATCH ||
	    now_ms >= h->since_ms + HANDLER_BATCH_MS;
}

void
handler_pack(const struct handler *h, struct packer *p)
{
	pack_array(p, 1);
	pack_array(p, h->count);
	pack_raw(p, buffer_text(&h->waiting));
}

void
handler_sent(struct handler *h)
{
	h->out = h->count;
	h->count = 0;
	buffer_truncate(&h->waiting, 0);
}

void
handler_answered(struct handler *h)
{
	h->sent += h->out;
	h->out = 0;
	h->failures = 0;
	h->reason[0] = '\0';
}

/* keep_reason: it stands in a line of the log and on a terminal. */
static void
keep_reason(struct handler *h, struct text why)
{
	size_t len =
	    why.len < sizeof(h->reason) - 1 ? why.len : sizeof(h->reason) - 1;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)why.at[i];

		h->reason[i] = c < 0x20 || c >= 0x7f || c == '"' || c == '\\'
		    ? '.'
		    : (char)c;
	}
	h->reason[len] = '\0';
}

void
handler_unserved(struct handler *h, struct text why)
{
	forget_batch(h);
	keep_reason(h, why);
}

bool
handler_failed(struct handler *h, struct text why)
{
	h->failed += h->out;
	h->out = 0;
	keep_reason(h, why);
	if (++h->failures < HANDLER_FAILURES)
		return false;
	h->is_detached = true;
	forget_waiting(h);
	return true;
}
