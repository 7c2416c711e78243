// SPDX-License-Identifier: MIT
/*
 * echo - the yardstick: the least a WebSocket server can do. One epoll loop,
 * one read and one write per wake-up, each frame back as it came. It trusts
 * its client blindly and is of use for nothing but comparison.
 *
 * Prints its port and serves until standard input ends.
 */

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol/base/buffer.h"
#include "protocol/base/memory.h"

enum {
	READ_BYTES = 256 * 1024,
};

struct peer {
	int fd; /* first: standard input and the listener have no more */
	bool is_open;
	struct buffer in;
	struct buffer out;
};

/* upgrade answers the HTTP head. */
static bool
upgrade(struct peer *p)
{
	static const char magic[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	const char *head = (const char *)buffer_at(&p->in);
	size_t used = buffer_used(&p->in);
	const char *end = memmem(head, used, "\r\n\r\n", 4);
	const char *key = memmem(head, used, "Sec-WebSocket-Key: ", 19);
	char joined[24 + sizeof magic], accept[32];
	uint8_t digest[SHA_DIGEST_LENGTH];

	if (end == NULL || key == NULL || end - key < 19 + 24)
		return end == NULL;
	memcpy(joined, key + 19, 24);
	memcpy(joined + 24, magic, sizeof magic);
	SHA1((uint8_t *)joined, sizeof joined - 1, digest);
	EVP_EncodeBlock((uint8_t *)accept, digest, sizeof digest);
	p->is_open = true;
	buffer_consume(&p->in, (size_t)(end + 4 - head));
	return buffer_printf(&p->out,
		   "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
		   "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
		   accept) == OK;
}

/* unmask copies a payload without its mask. */
static void
unmask(uint8_t *to, const uint8_t *from, size_t bytes, const uint8_t key[4])
{
	uint64_t mask, word;
	size_t i = 0;

	memcpy(&mask, key, 4);
	memcpy((uint8_t *)&mask + 4, key, 4);
	for (; i + 8 <= bytes; i += 8) {
		memcpy(&word, from + i, 8);
		word ^= mask;
		memcpy(to + i, &word, 8);
	}
	for (; i < bytes; i++)
		to[i] = from[i] ^ key[i & 3];
}

/* echo_frame sends one frame back; 0: it is not whole, or too long for us. */
static size_t
echo_frame(struct peer *p)
{
	const uint8_t *at = buffer_at(&p->in);
	size_t used = buffer_used(&p->in), bytes, head = 2;
	uint8_t *to;

	if (used < 8)
		return 0;
	bytes = at[1] & 0x7f;
	if (bytes == 126) {
		bytes = (size_t)at[2] << 8 | at[3];
		head = 4;
	}
	if (used < head + 4 + bytes ||
	    buffer_reserve(&p->out, head + bytes, &to) != OK)
		return 0;
	memcpy(to, at, head);
	to[1] &= 0x7f;
	unmask(to + head, at + head + 4, bytes, at + head);
	buffer_commit(&p->out, head + bytes);
	return head + 4 + bytes;
}

/* serve: false when the client is gone. */
static bool
serve(struct peer *p)
{
	uint8_t *to;
	size_t bytes;

	if (buffer_reserve(&p->in, READ_BYTES, &to) != OK)
		return false;
	ssize_t n = recv(p->fd, to, READ_BYTES, 0);

	if (n <= 0)
		return false;
	buffer_commit(&p->in, (size_t)n);
	if (!p->is_open && !upgrade(p))
		return false;
	while (p->is_open && (bytes = echo_frame(p)) > 0)
		buffer_consume(&p->in, bytes);
	while (buffer_used(&p->out) > 0) {
		n = send(p->fd, buffer_at(&p->out), buffer_used(&p->out),
		    MSG_NOSIGNAL);
		if (n <= 0)
			return false;
		buffer_consume(&p->out, (size_t)n);
	}
	return true;
}

static void
add(int epoll, struct peer *p)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = p};

	epoll_ctl(epoll, EPOLL_CTL_ADD, p->fd, &event);
}

static void
accept_one(int epoll, int listener)
{
	int on = 1, fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	struct peer *p = MEMORY_NEW(struct peer);

	p->fd = fd;
	buffer_init(&p->in, 64 << 20);
	buffer_init(&p->out, 64 << 20);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	add(epoll, p);
}

static void
leave(struct peer *p)
{
	close(p->fd);
	buffer_finish(&p->in);
	buffer_finish(&p->out);
	memory_free(p);
}

static void
run(int listener)
{
	struct peer input = {.fd = STDIN_FILENO}, door = {.fd = listener};
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event events[256];

	add(epoll, &input);
	add(epoll, &door);
	for (;;) {
		int count = epoll_wait(epoll, events, 256, -1);

		for (int i = 0; i < count; i++) {
			struct peer *p = events[i].data.ptr;

			if (p == &input)
				return;
			if (p == &door)
				accept_one(epoll, listener);
			else if (!serve(p))
				leave(p);
		}
	}
}

int
main(void)
{
	struct sockaddr_in at = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof at;
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (listener < 0 || bind(listener, (struct sockaddr *)&at, size) != 0 ||
	    listen(listener, 1024) != 0 ||
	    getsockname(listener, (struct sockaddr *)&at, &size) != 0) {
		perror("echo");
		return 71;
	}
	printf("%u\n", ntohs(at.sin_port));
	fflush(stdout);
	run(listener);
	return 0;
}
