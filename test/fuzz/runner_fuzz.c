// SPDX-License-Identifier: MIT
/* runner_fuzz - whatever a runner writes, and whatever the pool is told. */

#include "protocol/runner_peer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	MAX_BYTES = 4096
};

static int work;

/* react does what a pool would: gives calls, pays, gives up, pings. */
static void
react(struct runner_peer *p, const struct runner_said *said)
{
	INVARIANT(p->open <= p->capacity && p->given_up <= p->open);
	if (said->word == RUNNER_SAYS_result ||
	    said->word == RUNNER_SAYS_error || said->word == RUNNER_SAYS_end ||
	    said->word == RUNNER_SAYS_chunk)
		INVARIANT(said->work == &work);
	if (runner_peer_room(p) > 0)
		(void)runner_peer_give(p, &work, p->counter % 2 ? 64 : 0);
	if (said->word == RUNNER_SAYS_chunk)
		(void)runner_peer_credit(p, said->id, 16);
	if (p->counter % 7 == 0)
		(void)runner_peer_give_up(p, said->id);
	if (p->counter % 3 == 0)
		(void)runner_peer_ping(p);
}

static void
read_as_runner(const struct link_frame *f)
{
	struct runner_welcome welcome;

	if (f->kind == FRAME_HELLO &&
	    runner_read_welcome(f->value, &welcome) == OK)
		INVARIANT(
		    welcome.threads >= 1 && welcome.threads <= RUNNER_CAPACITY);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct runner_peer peer;
	struct runner_said said = {.fault = RUNNER_FAULT_none};
	struct link_frame f;
	size_t whole;
	uint32_t left = 0;

	runner_peer_init(&peer, 16, MAX_BYTES);
	while (size > 0 && said.fault == RUNNER_FAULT_none &&
	    runner_read(data, size, MAX_BYTES, &f, &whole) == OK) {
		INVARIANT(whole <= size);
		read_as_runner(&f);
		runner_peer_hear(&peer, &f, &said);
		react(&peer, &said);
		data += whole;
		size -= whole;
	}
	while (runner_peer_take_any(&peer) != NULL)
		INVARIANT(++left <= 16);
	runner_peer_finish(&peer);
	return 0;
}
