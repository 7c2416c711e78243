// SPDX-License-Identifier: MIT
/* link_fuzz - a message from the other end: SP framing, envelope, frames. */

#include "protocol/link/peer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
read_frames(struct link_head *head)
{
	struct link_frame frame;
	struct link_hello hello;
	struct link_peer peer;

	link_peer_init(&peer, true, 0, 0);
	(void)!link_peer_hear(&peer, head, 1);
	for (uint32_t i = 0; i < head->frame_count; i++) {
		if (link_read_frame(&head->frames, &frame) != OK)
			return;
		if (frame.kind == FRAME_HELLO &&
		    link_read_hello(frame.value, &hello) == OK)
			(void)!link_peer_greet(&peer, &hello);
	}
	/* what was counted must have been there */
	INVARIANT(unpack_left(&head->frames) < LINK_MAX_BYTES);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct link_head head;
	struct sp_message m;

	while (
	    size > 0 && sp_read(data, size, SP_IPC, LINK_MAX_BYTES, &m) == OK) {
		INVARIANT(m.whole_bytes <= size);
		if (link_read_head(m.body, &head) == OK)
			read_frames(&head);
		data += m.whole_bytes;
		size -= m.whole_bytes;
	}
	return 0;
}
