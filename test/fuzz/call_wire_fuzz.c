// SPDX-License-Identifier: MIT
/* call_wire_fuzz - what a gateway, or whoever sits on its port, sends to
 * `banyan call`: WebSocket frames, read until they end or make no sense. */

#include <sys/socket.h>
#include <unistd.h>

#include "protocol/base/clock.h"
#include "supervisor/cli/call_wire.h"

enum {
	MOST_BYTES = 64 * 1024 /* what a socket takes without a reader */
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
read_all(int fd)
{
	struct call_wire wire = {
	    .dial = {.fd = fd, .until_ms = clock_mono_ms() + 1000}};
	struct buffer message;
	enum err e = OK;

	buffer_init(&wire.dial.in, CALL_MESSAGE_BYTES + (32 << 10));
	buffer_init(&message, CALL_MESSAGE_BYTES);
	while (e == OK) {
		buffer_truncate(&message, 0);
		e = call_wire_receive(&wire, &message);
		INVARIANT(buffer_used(&message) <= MOST_BYTES);
	}
	buffer_finish(&message);
	call_wire_close(&wire);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int ends[2];

	if (size > MOST_BYTES ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		return 0;
	INVARIANT(send(ends[0], data, size, MSG_NOSIGNAL) == (ssize_t)size);
	shutdown(ends[0], SHUT_WR);
	read_all(ends[1]);
	close(ends[0]);
	return 0;
}
