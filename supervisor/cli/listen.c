// SPDX-License-Identifier: MIT
#include "supervisor/cli/listen.h"

#include <poll.h>

#include "protocol/base/clock.h"
#include "protocol/sp.h"

enum {
	REDIAL_MS = 20,
	MESSAGE_MOST = 4 << 20
};

void
listen_init(struct listen *l, const char *path)
{
	*l = (struct listen){.path = path, .dial = {.fd = -1}};
	buffer_init(&l->dial.in, 2 * MESSAGE_MOST);
}

static void
hang_up(struct listen *l)
{
	dial_hang_up(&l->dial);
	l->given = 0;
	l->is_greeted = false;
	l->redial_ms = clock_mono_ms() + REDIAL_MS;
}

void
listen_finish(struct listen *l)
{
	dial_close(&l->dial);
}

enum err
listen_dial(struct listen *l)
{
	uint8_t greeting[SP_HANDSHAKE_BYTES];
	enum err e = dial_open_path(&l->dial, l->path);

	sp_write_handshake(greeting, SP_SUB0);
	l->dial.until_ms = clock_mono_ms() + REDIAL_MS;
	if (e == OK)
		e = dial_send(&l->dial, greeting, sizeof(greeting));
	if (e != OK)
		hang_up(l);
	return e;
}

/* take finds a whole message in what was read. ERR_AGAIN: not yet. */
static enum err
take(struct listen *l, struct text *message)
{
	struct buffer *in = &l->dial.in;

	buffer_consume(in, l->given);
	l->given = 0;
	if (!l->is_greeted && buffer_used(in) >= SP_HANDSHAKE_BYTES) {
		if (!sp_is_handshake(buffer_at(in), SP_PUB0))
			return ERR_MALFORMED;
		buffer_consume(in, SP_HANDSHAKE_BYTES);
		l->is_greeted = true;
	}
	if (!l->is_greeted)
		return ERR_AGAIN;
	enum err e = sp_read_frame(
	    buffer_at(in), buffer_used(in), SP_IPC, MESSAGE_MOST, message);
	if (e == OK)
		l->given = SP_IPC + (size_t)message->len;
	return e;
}

/* receive waits for bytes, or for the time to dial again: ERR_AGAIN. */
static enum err
receive(struct listen *l, uint64_t until_ms)
{
	uint64_t now_ms = clock_mono_ms();
	bool is_there =
	    l->dial.fd >= 0 || (now_ms >= l->redial_ms && listen_dial(l) == OK);

	if (is_there) {
		l->dial.until_ms = until_ms;
		return dial_receive(&l->dial);
	}
	if (now_ms >= until_ms)
		return ERR_TIMEOUT;
	uint64_t left_ms = until_ms - now_ms;
	poll(NULL, 0, (int)(left_ms < REDIAL_MS ? left_ms : REDIAL_MS));
	return ERR_AGAIN;
}

enum err
listen_next(struct listen *l, uint32_t wait_ms, struct text *message)
{
	uint64_t until_ms = clock_mono_ms() + wait_ms;

	for (;;) {
		enum err e = take(l, message);

		if (e == OK)
			return OK;
		if (e == ERR_AGAIN)
			e = receive(l, until_ms);
		if (e == ERR_TIMEOUT)
			return e;
		if (e != OK && e != ERR_AGAIN)
			hang_up(l);
	}
}
