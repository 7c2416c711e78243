// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_LINK_URL_H
#define PROTOCOL_LINK_URL_H

/*
 * url - where a node is: ipc://PATH, tcp://HOST:PORT, tls+tcp://HOST:PORT.
 *
 * HOST is an address or `localhost`; asking a name server would block the
 * loop, so names are refused. IPv6 stands in brackets.
 *
 * Trust:  URLs come from settings, services and operators; all is bounded.
 * Owner:  no memory.
 */

#include <stdbool.h>
#include <sys/socket.h>

#include "protocol/base/err.h"
#include "protocol/base/text.h"

enum link_transport {
	LINK_IPC,
	LINK_TCP,
	LINK_TLS
};

struct link_url {
	enum link_transport transport;
	struct sockaddr_storage address;
	socklen_t address_bytes;
	char host[108]; /* the path of an ipc URL */
};

enum err link_url_parse(struct text, struct link_url *) MUST_USE;

/* link_url_is_local: ipc, or a loopback address. */
bool link_url_is_local(const struct link_url *);

#endif /* PROTOCOL_LINK_URL_H */
