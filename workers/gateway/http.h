// SPDX-License-Identifier: MIT
#ifndef WORKERS_GATEWAY_HTTP_H
#define WORKERS_GATEWAY_HTTP_H

/*
 * http - the one HTTP request a client ever sends us: the upgrade.
 *
 * Reads a head, says what is wrong with it, writes the answer. Knows no
 * sockets, no clock, no settings: the mount and the allowed origins come as
 * arguments. There is no body, no keep-alive and no second request, so the
 * tricks that live between two requests have nothing to hold on to.
 *
 * Trust:  every byte comes from strangers. At most HTTP_HEAD_BYTES are looked
 *         at and at most HTTP_HEADERS header lines; what two readers could
 *         understand in two ways is refused (400), never guessed.
 * Owner:  no memory; the texts of a request borrow from the caller's bytes.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/base/buffer.h"
#include "protocol/base/err.h"
#include "protocol/base/text.h"

enum {
	HTTP_HEAD_BYTES = 16384, /* with the empty line that ends it */
	HTTP_HEADERS = 64,
	HTTP_KEY_CHARS = 24,   /* base64 of 16 bytes */
	HTTP_ACCEPT_BYTES = 28 /* base64 of a SHA-1 */
};

/* Whom we let in; the texts outlive every call that uses them. */
struct http_rules {
	struct text mount;          /* "/socket" */
	const struct text *origins; /* "https://a.example" */
	uint32_t origin_count;
	bool any_origin;  /* no Origin check at all */
	bool same_origin; /* an Origin that names our own Host is welcome */
};

enum http_vsn {
	HTTP_VSN_1, /* object frames */
	HTTP_VSN_2  /* array frames and binary frames */
};

struct http_upgrade {
	struct text target; /* as sent */
	struct text path;   /* before '?' */
	struct text query;  /* behind it, or empty */
	struct text host;
	struct text origin; /* empty: none sent */
	struct text key;    /* Sec-WebSocket-Key */
	struct text bearer; /* of the subprotocol, unpadded base64, or empty */
	struct text authorization; /* the header's bearer token, or empty */
	struct text headers;       /* all lines, for http_header_next */
	enum http_vsn vsn;
	bool offers_phoenix; /* subprotocol "phoenix" was offered */
};

/*
 * http_read looks for a whole head in `bytes`. OK: `used` bytes belong to it
 * and `status` is 101 when the upgrade may go on, else the answer to give.
 * ERR_AGAIN: no end in sight yet; read on.
 */
enum err http_read(const struct http_rules *, struct text bytes,
    struct http_upgrade *, size_t *used, int *status) MUST_USE;

/*
 * http_query finds the parameter `name` in a query string and writes it
 * percent-decoded, NUL-terminated. ERR_MISSING, ERR_TOO_BIG, ERR_MALFORMED.
 */
enum err http_query(
    struct text query, const char *name, char *to, size_t size) MUST_USE;

/* http_unescape is the same for a value at hand. */
enum err http_unescape(struct text, char *to, size_t size) MUST_USE;

/*
 * http_query_next cuts one pair off a query string, http_header_next one line
 * off an upgrade's headers; false at the end. Query texts are as sent.
 */
bool http_query_next(struct text *query, struct text *name, struct text *value);
bool http_header_next(
    struct text *headers, struct text *name, struct text *value);

/* http_is_same_name: header names are the same in any case. */
bool http_is_same_name(struct text, struct text);

/* http_accept makes the value of Sec-WebSocket-Accept; no NUL behind it. */
void http_accept(struct text key, char to[HTTP_ACCEPT_BYTES]);

/* http_welcome and http_refuse write the answer. */
enum err http_welcome(const struct http_upgrade *, struct buffer *) MUST_USE;
enum err http_refuse(int status, struct buffer *) MUST_USE;

#endif /* WORKERS_GATEWAY_HTTP_H */
