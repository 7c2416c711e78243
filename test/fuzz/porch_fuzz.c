// SPDX-License-Identifier: MIT
/* porch_fuzz - what a process sends to a worker's endpoint: nng's greeting,
 * frames, hops. Half of the requests are put off once, as a busy desk does. */

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "protocol/sp.h"
#include "workers/kit/porch.h"

enum {
	MOST_BYTES = 64 * 1024,
	TURNS = 64
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct loop *loop;
static struct porch *porch;
static struct sockaddr_un address = {.sun_family = AF_UNIX};
static uint32_t asked, present;

static bool
take(void *ctx, struct caller *c, struct text header, struct text body)
{
	(void)ctx;
	INVARIANT(header.len >= 4 && header.len <= SP_HOPS_BYTES);
	if (++asked % 2 == 0)
		return false;
	porch_reply(c, header, body);
	return true;
}

static void
gone(void *ctx, struct caller *c)
{
	(void)ctx;
	(void)c;
	present = 0;
}

static void
open_once(void)
{
	static const struct porch_events events = {
	    .request = take, .gone = gone};
	const char *why = NULL;

	snprintf(address.sun_path, sizeof(address.sun_path),
	    "/tmp/porch_fuzz.%d", (int)getpid());
	INVARIANT(loop_create(&loop) == OK);
	porch = porch_open(loop, address.sun_path, &events, &why);
	INVARIANT(porch != NULL);
}

static void
remove_socket(void)
{
	unlink(address.sun_path);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd;

	if (size > MOST_BYTES)
		return 0;
	if (loop == NULL) {
		open_once();
		atexit(remove_socket);
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 ||
	    connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
		return 0;
	INVARIANT(send(fd, data, size, MSG_NOSIGNAL) == (ssize_t)size);
	present = 1;
	for (int i = 0; i < TURNS / 2; i++) {
		loop_turn(loop, 0);
		porch_resume(porch);
	}
	close(fd);
	for (int i = 0; i < TURNS && present != 0; i++)
		loop_turn(loop, 0);
	return 0;
}
