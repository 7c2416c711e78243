// SPDX-License-Identifier: MIT
#ifndef WORKERS_GATEWAY_REQUEST_H
#define WORKERS_GATEWAY_REQUEST_H

/*
 * request - what a client wants: the payload of an application event, read
 * once, its arguments turned into msgpack on the way.
 *
 * Identity is not read here: user_id counts only if the session vouches for
 * it (the caller decides), and user_roles of a payload never do.
 *
 * Trust:  every byte comes from strangers; each field has one type and is
 *         refused with any other, in words that quote nothing.
 * Owner:  no memory; texts borrow the payload or the arena, `args` borrows
 *         the packer's buffer.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/arena.h"
#include "protocol/base/err.h"
#include "protocol/base/text.h"
#include "protocol/json.h"

enum {
	CORRELATION_BYTES = 64,  /* more would not fit an event unchanged */
	REQUEST_ID_BYTES = 1024, /* of request_id, as JSON */
	REQUEST_ERROR_BYTES = 192
};

struct request {
	struct text request_id; /* as text */
	struct text id_json;    /* the same as JSON; "\"unknown\"" if absent */
	struct text request_type;
	struct text service;
	struct text version; /* len 0: none asked for */
	struct text user_id; /* as claimed */
	bool claims_roles;   /* `user_roles` was sent, and dropped */
	struct text device_id;
	struct text traceparent;    /* as sent */
	struct text correlation_id; /* the same; can be told unchanged */
	struct text args; /* msgpack span of a map; empty: none sent */
};

struct request_error {
	bool is_missing_field; /* else the payload is invalid */
	uint32_t len;
	char text[REQUEST_ERROR_BYTES];
};

/*
 * request_read reads the object that comes next. On ERR_MALFORMED `error` has
 * the message of spec 1.3 and `to` what was read so far, id_json at least. It
 * says nothing of what follows the payload: see phoenix_end.
 */
enum err request_read(struct json_reader *, struct arena *, struct packer *args,
    struct request *to, struct request_error *) MUST_USE;

/*
 * request_read_id reads an object that names a request, as stop_stream sends
 * it: other keys are skipped. ERR_MISSING: request_id is no string, or absent.
 */
enum err request_read_id(
    struct json_reader *, struct arena *, struct text *id) MUST_USE;

/* request_too_big makes the message for a payload that was not even read. */
void request_too_big(uint64_t limit, uint64_t bytes, struct request_error *);

/* request_malformed makes the message for JSON that is none. */
void request_malformed(const char *detail, struct request_error *);

#endif /* WORKERS_GATEWAY_REQUEST_H */
