// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * The length is four bytes and big-endian, so that a runner in any language
 * needs nothing but read() and shifts. Two frames are never tied together: a
 * batch is many frames in one write, and a reader may take them one by one.
 */

#include "protocol/runner.h"

#include "protocol/base/big_endian.h"

size_t
runner_begin(struct packer *p)
{
	size_t place = buffer_used(p->out);
	uint8_t *to = pack_room(p, RUNNER_HEAD_BYTES);

	if (to != NULL)
		p->out->end += RUNNER_HEAD_BYTES;
	return place;
}

enum err
runner_end(struct packer *p, size_t place, uint32_t max_bytes)
{
	size_t used = buffer_used(p->out);
	enum err e = pack_finish(p);

	if (e == OK && used - place - RUNNER_HEAD_BYTES > max_bytes)
		e = ERR_TOO_BIG;
	if (e != OK) {
		buffer_truncate(p->out, place);
		p->err = OK;
		return e;
	}
	uint32_t length = (uint32_t)(used - place - RUNNER_HEAD_BYTES);
	uint8_t *to = buffer_at(p->out) + place;
	big_endian_write(to, length, RUNNER_HEAD_BYTES);
	return OK;
}

static void
write_head(struct packer *p, uint32_t fields)
{
	pack_array(p, 3);
	pack_u64(p, FRAME_HELLO);
	pack_u64(p, 0);
	pack_map(p, fields);
	pack_field_u64(p, "v", RUNNER_VERSION);
}

void
runner_write_welcome(struct packer *p, const struct runner_welcome *w)
{
	write_head(p, 5);
	pack_string(p, "pool");
	pack_text(p, w->pool);
	pack_string(p, "runner");
	pack_text(p, w->runner);
	pack_field_u64(p, "threads", w->threads);
	pack_field_u64(p, "max_bytes", w->max_bytes);
}

void
runner_write_hello(struct packer *p, const struct runner_hello *h)
{
	write_head(p, 3);
	pack_field_u64(p, "capacity", h->capacity);
	pack_field_string(p, "answers", h->answers_always ? "always" : "idle");
}

/* read_beyond: a frame whose value is beyond what a link carries. */
static enum err
read_beyond(struct text body, struct link_frame *f)
{
	struct unpacker u;
	uint32_t count;

	*f = (struct link_frame){0};
	unpack_init(&u, body);
	if (unpack_array(&u, &count) != OK || count < 3 ||
	    unpack_u64(&u, &f->kind) != OK || unpack_u64(&u, &f->id) != OK)
		return ERR_MALFORMED;
	if (f->kind == FRAME_RESULT)
		return OK;
	return f->kind == FRAME_CHUNK ? unpack_u64(&u, &f->number)
				      : ERR_MALFORMED;
}

enum err
runner_read(const uint8_t *at, size_t count, uint32_t max_bytes,
    struct link_frame *f, size_t *whole_bytes)
{
	struct pack_limits limits = {RUNNER_DEPTH, RUNNER_NODES};
	struct unpacker u;

	*whole_bytes = RUNNER_HEAD_BYTES;
	if (count < RUNNER_HEAD_BYTES)
		return ERR_AGAIN;
	uint32_t length = (uint32_t)big_endian_read(at, RUNNER_HEAD_BYTES);
	if (length > max_bytes)
		return ERR_TOO_BIG;
	*whole_bytes += length;
	if (count < *whole_bytes)
		return ERR_AGAIN;
	struct text body = {(const char *)at + RUNNER_HEAD_BYTES, length};
	enum err e = pack_check(body, limits);
	if (e == ERR_TOO_DEEP || e == ERR_TOO_BIG)
		return read_beyond(body, f) == OK ? OK : ERR_MALFORMED;
	unpack_init(&u, body);
	if (e != OK || link_read_frame(&u, f) != OK)
		return ERR_MALFORMED;
	return OK;
}

static enum err
read_version(struct text span)
{
	uint64_t version;

	if (unpack_field_u64(span, "v", &version) != OK)
		return ERR_MALFORMED;
	return version == RUNNER_VERSION ? OK : ERR_VERSION;
}

enum err
runner_read_welcome(struct text span, struct runner_welcome *w)
{
	uint64_t threads, max_bytes;
	enum err e = read_version(span);

	if (e != OK)
		return e;
	if (unpack_field_text(span, "pool", &w->pool) != OK ||
	    unpack_field_text(span, "runner", &w->runner) != OK ||
	    unpack_field_u64(span, "threads", &threads) != OK ||
	    unpack_field_u64(span, "max_bytes", &max_bytes) != OK)
		return ERR_MALFORMED;
	if (threads < 1 || threads > RUNNER_CAPACITY ||
	    max_bytes < RUNNER_LEAST_BYTES || max_bytes > RUNNER_MAX_BYTES)
		return ERR_RANGE;
	w->threads = (uint32_t)threads;
	w->max_bytes = (uint32_t)max_bytes;
	return OK;
}

enum err
runner_read_hello(struct text span, struct runner_hello *h)
{
	uint64_t capacity = 1;
	struct text answers = TEXT("idle");
	enum err e = read_version(span);

	if (e != OK)
		return e;
	e = unpack_field_u64(span, "capacity", &capacity);
	if (e != OK && e != ERR_NOT_FOUND)
		return ERR_MALFORMED;
	e = unpack_field_text(span, "answers", &answers);
	if (e != OK && e != ERR_NOT_FOUND)
		return ERR_MALFORMED;
	h->answers_always = text_is(answers, "always");
	if (!h->answers_always && !text_is(answers, "idle"))
		return ERR_RANGE;
	if (capacity < 1 || capacity > RUNNER_CAPACITY)
		return ERR_RANGE;
	h->capacity = (uint32_t)capacity;
	return OK;
}
