// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_SERVICE_SERVICE_CALL_H
#define PROTOCOL_SERVICE_SERVICE_CALL_H

/*
 * service_call - one call as its handler sees it, wherever the handler runs:
 * in a service process behind the link, or as a plug-in in a native runner.
 *
 * A host makes the call, runs handlers with it and carries its answers; it is
 * known only by its table of ops. This side reads arguments, packs values and
 * sees to it that what leaves is whole.
 *
 * A call is used by one thread at a time; only the two atomic flags may be
 * looked at by others.
 *
 * Trust:  arguments come from strangers by way of a gateway, and were checked
 *         by pack_check when their message was read; values come from the
 *         service's author, and are checked before they leave.
 * Owner:  the host, which gives memory (usually inside a struct of its own),
 *         init once, begin before each use and end behind it. Facts and
 *         arguments borrow the message.
 */

#include <stdatomic.h>

#include "protocol/base/buffer.h"
#include "protocol/pack.h"
#include "protocol/service/service.h"

enum {
	SERVICE_ARGUMENTS = 16, /* spans kept at hand; the rest is not seen */
};

/* Nothing here may call a handler. */
struct service_ops {
	/* the one answer; `end` is the one of a stream without a last part */
	void (*result)(struct service_call *, struct text value);
	void (*error)(struct service_call *, struct text code, struct text);
	void (*end)(struct service_call *);
	/* ERR_FULL: no credit, and on_room will come; ERR_TOO_BIG */
	enum err (*chunk)(struct service_call *, struct text value);
	uint32_t (*credit)(struct service_call *);
	/* the handler has let go of the call, behind its answer */
	void (*release)(struct service_call *);
	void (*later)(struct service_call *, uint32_t ms,
	    void (*run)(struct service_call *, void *ctx));
	uint64_t (*now_ms)(const struct service_call *);
};

struct service_call {
	const struct service_ops *ops;
	const struct service_function *function;
	uint64_t id;
	uint64_t deadline_ms; /* monotonic; 0: none */
	struct text facts;
	struct text args[SERVICE_ARGUMENTS];
	uint32_t arg_count;
	struct buffer answer;
	struct packer packer;
	void *state;
	size_t state_bytes;
	atomic_bool is_cancelled; /* by the caller, or the link is gone */
	atomic_bool is_settled;   /* answered by us, before its handler did */
	bool is_stream;           /* its CALL gave credit */
	bool is_ended;            /* service_done or service_fail */
};

/* service_call_init prepares memory for its first call. */
void service_call_init(struct service_call *, const struct service_ops *);
void service_call_finish(struct service_call *);

/* service_call_begin: the host fills id, function, facts and is_stream. */
void service_call_begin(struct service_call *, struct text args);

/* service_call_forget: the message that args and facts borrow is going. */
void service_call_forget(struct service_call *);

/* service_call_end empties it for the next. */
void service_call_end(struct service_call *);

/*
 * service_call_refuse answers a stream that its host cannot serve as it is
 * called; true: it did, and the handler must not run.
 */
bool service_call_refuse(struct service_call *);

#endif /* PROTOCOL_SERVICE_SERVICE_CALL_H */
