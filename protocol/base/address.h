// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_BASE_ADDRESS_H
#define PROTOCOL_BASE_ADDRESS_H

/*
 * address - an IPv4 or IPv6 address as people write it, for a socket. Names
 * are not looked up: a name server may take its time.
 *
 * Trust:  any text is taken; what is no address is refused.
 * Owner:  no memory.
 */

#include <stdint.h>
#include <sys/socket.h>

/* address_of_ip gives the length, 0 when `host` is no address. */
socklen_t address_of_ip(
    const char *host, uint16_t port, struct sockaddr_storage *);

#endif /* PROTOCOL_BASE_ADDRESS_H */
