// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * Frames of a kind we do not know, and fields behind the ones we know, are
 * stepped over: a newer peer may say more. What we do know must be right.
 */

#include "protocol/link/frame.h"

enum err
link_read_head(struct text body, struct link_head *h)
{
	struct pack_limits limits = {PACK_DEPTH, LINK_NODES};
	uint64_t version;
	uint32_t count;
	struct unpacker *u = &h->frames;
	enum err e = pack_check(body, limits);

	if (e != OK)
		return e;
	unpack_init(u, body);
	if (unpack_array(u, &count) != OK || count < 5 ||
	    unpack_u64(u, &version) != OK)
		return ERR_MALFORMED;
	if (version != LINK_VERSION)
		return ERR_VERSION;
	if (unpack_u64(u, &h->stamp.seq) != OK ||
	    unpack_u64(u, &h->stamp.ack) != OK ||
	    unpack_u64(u, &h->stamp.boot) != OK)
		return ERR_MALFORMED;
	return unpack_array(u, &h->frame_count);
}

/* read_hints takes a map; nil is none. */
static enum err
read_hints(struct unpacker *u, struct link_frame *f)
{
	struct text span;
	struct unpacker at;

	if (unpack_raw(u, &span) != OK)
		return ERR_MALFORMED;
	unpack_init(&at, span);
	if (unpack_peek(&at) == PACK_NIL)
		return OK;
	if (unpack_peek(&at) != PACK_MAP)
		return ERR_MALFORMED;
	f->hints = span;
	return OK;
}

static enum err
read_call(struct unpacker *u, struct link_frame *f, uint32_t left)
{
	struct unpacker args;
	uint32_t arg_count;

	if (left < 4 || unpack_text(u, &f->module) != OK ||
	    unpack_text(u, &f->function) != OK ||
	    unpack_raw(u, &f->args) != OK || unpack_u64(u, &f->number) != OK)
		return ERR_MALFORMED;
	unpack_init(&args, f->args);
	if (unpack_array(&args, &arg_count) != OK)
		return ERR_MALFORMED;
	if (left > 4 && unpack_raw(u, &f->facts) != OK)
		return ERR_MALFORMED;
	if (left > 5 && unpack_u64(u, &f->credit) != OK)
		return ERR_MALFORMED;
	if (left > 6 && read_hints(u, f) != OK)
		return ERR_MALFORMED;
	for (uint32_t i = 7; i < left; i++)
		if (unpack_skip(u) != OK)
			return ERR_MALFORMED;
	return OK;
}

/* known_fields reads what the kind has; `used` says how many fields it took. */
static enum err
known_fields(struct unpacker *u, struct link_frame *f, uint32_t *used)
{
	*used = 1;
	switch (f->kind) {
	case FRAME_HELLO:
	case FRAME_RESULT:
		return unpack_raw(u, &f->value);
	case FRAME_CREDIT:
		return unpack_u64(u, &f->number);
	case FRAME_ERROR:
		*used = 2;
		if (unpack_text(u, &f->code) != OK)
			return ERR_MALFORMED;
		return unpack_text(u, &f->text);
	case FRAME_CHUNK:
		*used = 2;
		if (unpack_u64(u, &f->number) != OK)
			return ERR_MALFORMED;
		return unpack_raw(u, &f->value);
	default:
		*used = 0;
		return OK;
	}
}

enum err
link_read_frame(struct unpacker *u, struct link_frame *f)
{
	uint32_t count, used;

	*f = (struct link_frame){0};
	if (unpack_array(u, &count) != OK || count < 2 ||
	    unpack_u64(u, &f->kind) != OK || unpack_u64(u, &f->id) != OK)
		return ERR_MALFORMED;
	if (f->kind == FRAME_CALL)
		return read_call(u, f, count - 2);
	struct unpacker start = *u;
	if (known_fields(&start, f, &used) != OK || used > count - 2)
		return ERR_MALFORMED;
	*u = start;
	if (f->kind == FRAME_RESULT && count > 3 &&
	    unpack_peek(u) == PACK_MAP) {
		used++;
		if (unpack_raw(u, &f->hops) != OK)
			return ERR_MALFORMED;
	}
	for (uint32_t i = used; i < count - 2; i++)
		if (unpack_skip(u) != OK)
			return ERR_MALFORMED;
	return OK;
}

enum err
link_read_hello(struct text span, struct link_hello *h)
{
	struct text mode;

	*h = (struct link_hello){.max_bytes = LINK_MAX_BYTES};
	if (unpack_field_u64(span, "v", &h->version) != OK)
		return ERR_MALFORMED;
	if (unpack_field_u64(span, "boot", &h->boot) != OK)
		h->boot = 0;
	if (unpack_field_u64(span, "max_bytes", &h->max_bytes) != OK)
		h->max_bytes = LINK_MAX_BYTES;
	if (unpack_field_text(span, "name", &h->name) != OK)
		h->name = (struct text){0};
	if (unpack_field_text(span, "mode", &mode) != OK)
		mode = TEXT("unary");
	h->is_unary = !text_is(mode, "stream");
	return h->version == LINK_VERSION ? OK : ERR_VERSION;
}

void
link_write_hello(struct packer *p, const struct link_hello *h, bool is_reply)
{
	pack_array(p, 3);
	pack_u64(p, FRAME_HELLO);
	pack_u64(p, 0);
	pack_map(p, is_reply ? 5 : 3);
	pack_string(p, "v");
	pack_u64(p, LINK_VERSION);
	pack_string(p, "max_bytes");
	pack_u64(p, h->max_bytes);
	pack_string(p, "name");
	pack_text(p, h->name);
	if (!is_reply)
		return;
	pack_string(p, "boot");
	pack_u64(p, h->boot);
	pack_string(p, "mode");
	pack_string(p, h->is_unary ? "unary" : "stream");
}

void
link_write_call(struct packer *p, uint64_t id, const struct link_request *r)
{
	bool has_hints = r->hints.len > 0;
	bool has_credit = has_hints || r->credit_bytes > 0;
	bool has_facts = has_credit || r->facts.len > 0;

	pack_array(p, 6u + has_facts + has_credit + has_hints);
	pack_u64(p, FRAME_CALL);
	pack_u64(p, id);
	pack_text(p, r->module);
	pack_text(p, r->function);
	pack_raw(p, r->args);
	pack_u64(p, r->deadline_ms);
	if (r->facts.len > 0)
		pack_raw(p, r->facts);
	else if (has_facts)
		pack_nil(p);
	if (has_credit)
		pack_u64(p, r->credit_bytes);
	if (has_hints)
		pack_raw(p, r->hints);
}

void
link_write_result(struct packer *p, uint64_t id, struct text value)
{
	pack_array(p, 3);
	pack_u64(p, FRAME_RESULT);
	pack_u64(p, id);
	pack_raw(p, value);
}

void
link_write_result_hops(
    struct packer *p, uint64_t id, struct text value, struct text hops)
{
	pack_array(p, 4);
	pack_u64(p, FRAME_RESULT);
	pack_u64(p, id);
	pack_raw(p, value);
	pack_raw(p, hops);
}

void
link_write_error(
    struct packer *p, uint64_t id, struct text code, struct text text)
{
	pack_array(p, 4);
	pack_u64(p, FRAME_ERROR);
	pack_u64(p, id);
	pack_text(p, code);
	pack_text(p, text);
}

void
link_write_chunk(
    struct packer *p, uint64_t id, uint64_t index, struct text value)
{
	pack_array(p, 4);
	pack_u64(p, FRAME_CHUNK);
	pack_u64(p, id);
	pack_u64(p, index);
	pack_raw(p, value);
}

void
link_write_plain(struct packer *p, enum link_kind kind, uint64_t id)
{
	pack_array(p, 2);
	pack_u64(p, kind);
	pack_u64(p, id);
}

void
link_write_credit(struct packer *p, uint64_t id, uint64_t bytes)
{
	pack_array(p, 3);
	pack_u64(p, FRAME_CREDIT);
	pack_u64(p, id);
	pack_u64(p, bytes);
}

enum err
link_begin(struct buffer *out, enum link_transport transport, uint32_t id,
    struct link_stamp stamp, uint32_t frame_count, size_t *place)
{
	struct packer p;
	uint8_t *to;
	size_t head = (size_t)link_sp(transport);
	enum err e = buffer_reserve(out, LINK_HEAD_BYTES, &to);

	if (e != OK)
		return e;
	*place = buffer_used(out);
	sp_write_id(to + head, id);
	buffer_commit(out, head + SP_ID_BYTES);
	pack_init(&p, out);
	pack_array(&p, 5);
	pack_u64(&p, LINK_VERSION);
	pack_u64(&p, stamp.seq);
	pack_u64(&p, stamp.ack);
	pack_u64(&p, stamp.boot);
	pack_array(&p, frame_count);
	return pack_finish(&p);
}

void
link_end(struct buffer *out, enum link_transport transport, size_t place)
{
	enum sp_transport sp = link_sp(transport);

	sp_write_head(
	    buffer_at(out) + place, sp, buffer_used(out) - place - (size_t)sp);
}
