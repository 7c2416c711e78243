// SPDX-License-Identifier: MIT
#include "workers/worker_pool/native_runner/outbox.h"

#include <errno.h>
#include <sys/socket.h>

#include "protocol/base/clock.h"

enum {
	/* the pool gives no more calls than we have places, each of which has
	 * one answer of at most RUNNER_MAX_BYTES; memory ends before */
	QUEUED_MOST = 1 << 30,
	KEEP_BYTES = 256 * 1024,
	ERROR_TEXT_MOST = 1024,
};

void
outbox_init(struct outbox *o, int fd)
{
	*o = (struct outbox){.fd = fd, .max_bytes = RUNNER_MAX_BYTES};
	pthread_mutex_init(&o->lock, NULL);
	buffer_init(&o->queued, QUEUED_MOST);
	buffer_init(&o->leaving, QUEUED_MOST);
}

static size_t
begin(struct outbox *o, struct packer *p)
{
	pthread_mutex_lock(&o->lock);
	pack_init(p, &o->queued);
	return runner_begin(p);
}

static enum err
end(struct outbox *o, struct packer *p, size_t place)
{
	enum err e = runner_end(p, place, o->max_bytes);

	if (o->since_us == 0 && buffer_used(&o->queued) > 0)
		o->since_us = clock_mono_us();
	if (o->is_broken)
		buffer_truncate(&o->queued, 0);
	pthread_mutex_unlock(&o->lock);
	return e;
}

enum err
outbox_hello(struct outbox *o, const struct runner_hello *hello)
{
	struct packer p;
	size_t place = begin(o, &p);

	runner_write_hello(&p, hello);
	return end(o, &p, place);
}

enum err
outbox_result(struct outbox *o, uint64_t id, struct text value)
{
	struct packer p;
	size_t place = begin(o, &p);

	link_write_result(&p, id, value);
	return end(o, &p, place);
}

enum err
outbox_error(struct outbox *o, uint64_t id, struct text code, struct text text)
{
	struct packer p;
	size_t place = begin(o, &p);

	/* the least max_bytes is far above both */
	code.len = code.len < ERROR_TEXT_MOST ? code.len : ERROR_TEXT_MOST;
	text.len = text.len < ERROR_TEXT_MOST ? text.len : ERROR_TEXT_MOST;
	link_write_error(&p, id, code, text);
	return end(o, &p, place);
}

enum err
outbox_chunk(struct outbox *o, uint64_t id, uint64_t index, struct text value)
{
	struct packer p;
	size_t place = begin(o, &p);

	link_write_chunk(&p, id, index, value);
	return end(o, &p, place);
}

enum err
outbox_plain(struct outbox *o, enum link_kind kind, uint64_t id)
{
	struct packer p;
	size_t place = begin(o, &p);

	link_write_plain(&p, kind, id);
	return end(o, &p, place);
}

bool
outbox_is_full(struct outbox *o)
{
	pthread_mutex_lock(&o->lock);
	bool is_full = buffer_used(&o->queued) >= OUTBOX_CHUNKS_ENOUGH;
	pthread_mutex_unlock(&o->lock);
	return is_full;
}

uint64_t
outbox_waits_us(struct outbox *o, uint64_t now_us)
{
	pthread_mutex_lock(&o->lock);
	uint64_t since_us = o->since_us;
	pthread_mutex_unlock(&o->lock);
	return since_us != 0 && now_us > since_us ? now_us - since_us : 0;
}

/* write_leaving sends what is leaving, however long the pool takes. */
static bool
write_leaving(struct outbox *o)
{
	while (buffer_used(&o->leaving) > 0) {
		ssize_t n = send(o->fd, buffer_at(&o->leaving),
		    buffer_used(&o->leaving), MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0)
			buffer_consume(&o->leaving, (size_t)n);
	}
	if (o->leaving.size > KEEP_BYTES)
		buffer_release(&o->leaving);
	return true;
}

bool
outbox_flush(struct outbox *o)
{
	pthread_mutex_lock(&o->lock);
	while (!o->is_writing && !o->is_broken && buffer_used(&o->queued) > 0) {
		struct buffer full = o->queued;

		o->queued = o->leaving;
		o->leaving = full;
		o->since_us = 0;
		o->is_writing = true;
		pthread_mutex_unlock(&o->lock);
		bool is_sent = write_leaving(o);
		pthread_mutex_lock(&o->lock);
		o->is_writing = false;
		o->is_broken = !is_sent;
	}
	bool is_broken = o->is_broken;
	pthread_mutex_unlock(&o->lock);
	return !is_broken;
}
