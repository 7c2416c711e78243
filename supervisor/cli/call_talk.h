// SPDX-License-Identifier: MIT
#ifndef SUPERVISOR_CLI_CALL_TALK_H
#define SUPERVISOR_CLI_CALL_TALK_H

/*
 * call_talk - Phoenix Channels V2 from the client's side: one channel joined,
 * messages out, messages in.
 *
 * Trust:  the gateway may be anything that listens there: frames are bounded
 *         and read by the codecs strangers meet.
 * Owner:  init/finish; a frame's texts live until the next talk_receive.
 * Errors: ERR_CLOSED, ERR_TIMEOUT, ERR_MALFORMED; talk->wire.dial.why for
 * people.
 */

#include <stdint.h>

#include "protocol/base/buffer.h"
#include "protocol/base/err.h"
#include "supervisor/cli/call_wire.h"

struct talk {
	struct call_wire wire;
	struct text topic;
	uint32_t last_ref;
	struct buffer received; /* the last frame, packed */
};

struct talk_frame {
	struct text ref, topic, event; /* ref is empty when null */
	struct text payload;           /* msgpack */
};

void talk_init(struct talk *, struct text topic);
void talk_finish(struct talk *);

/* talk_send pushes on the channel (phx_join too) and gives the reference. */
enum err talk_send(struct talk *, struct text event, struct text payload,
    uint32_t *ref) MUST_USE;

/* talk_heartbeat says that we are still here: once a minute is too late. */
enum err talk_heartbeat(struct talk *) MUST_USE;

enum err talk_receive(struct talk *, struct talk_frame *) MUST_USE;

/* talk_is_ref: is this frame the answer to what was sent as `ref`? */
bool talk_is_ref(const struct talk_frame *, uint32_t ref);

#endif /* SUPERVISOR_CLI_CALL_TALK_H */
