// SPDX-License-Identifier: MIT
/*
 * nng_rep - somebody else's service: nng's REP socket, cooked or raw, and no
 * line of ours but the msgpack codec.
 *
 *	nng_rep cooked|raw URL
 *
 * Cooked it is unary: one answer per message. Raw it is a stream: it counts
 * its messages. Either answers every call with its first argument.
 */

#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>
#include <stdio.h>
#include <string.h>

#include "protocol/pack.h"

enum {
	BOOT = 77
};

struct state {
	uint64_t sent, heard;
	bool is_raw;
};

static void
answer_frame(struct packer *p, struct unpacker *u, const struct state *s,
    uint32_t *frames)
{
	uint64_t kind = 0, id = 0;
	struct text args, first = TEXT("\xc0");
	struct unpacker a;
	uint32_t n;

	(void)!unpack_array(u, &n);
	(void)!unpack_u64(u, &kind);
	(void)!unpack_u64(u, &id);
	for (uint32_t i = 2; i < n; i++) {
		(void)!unpack_raw(u, &args);
		if (kind != 2 || i != 4)
			continue;
		unpack_init(&a, args);
		(void)!unpack_array(&a, &n);
		(void)!unpack_raw(&a, &first);
		n = 6;
	}
	if (kind == 1) {
		pack_array(p, 3);
		pack_u64(p, 1);
		pack_u64(p, 0);
		pack_map(p, 3);
		pack_string(p, "v");
		pack_u64(p, 1);
		pack_string(p, "boot");
		pack_u64(p, BOOT);
		pack_string(p, "mode");
		pack_string(p, s->is_raw ? "stream" : "unary");
		(*frames)++;
	} else if (kind == 2) {
		pack_array(p, 3);
		pack_u64(p, 3);
		pack_u64(p, id);
		pack_raw(p, first);
		(*frames)++;
	}
}

/* answer writes the whole message; false: a bare ack, which needs none. */
static bool
answer(struct buffer *out, struct text body, struct state *s)
{
	struct buffer frames_out;
	struct packer p, f;
	struct unpacker u;
	uint64_t ack, boot, version;
	uint32_t n, count, frames = 0;

	unpack_init(&u, body);
	if (unpack_array(&u, &n) != OK || unpack_u64(&u, &version) != OK ||
	    unpack_u64(&u, &s->heard) != OK || unpack_u64(&u, &ack) != OK ||
	    unpack_u64(&u, &boot) != OK || unpack_array(&u, &count) != OK)
		return false;
	if (count == 0 && s->is_raw)
		return false;
	buffer_init(&frames_out, 1 << 24);
	pack_init(&f, &frames_out);
	for (uint32_t i = 0; i < count; i++)
		answer_frame(&f, &u, s, &frames);
	buffer_truncate(out, 0);
	pack_init(&p, out);
	pack_array(&p, 5);
	pack_u64(&p, 1);
	pack_u64(&p, ++s->sent);
	pack_u64(&p, s->heard);
	pack_u64(&p, BOOT);
	pack_array(&p, frames);
	pack_raw(&p, buffer_text(&frames_out));
	buffer_finish(&frames_out);
	return pack_finish(&p) == OK;
}

int
main(int argc, char **argv)
{
	struct state s = {0};
	struct buffer out;
	nng_socket socket;
	nng_msg *message;

	if (argc != 3)
		return 64;
	s.is_raw = strcmp(argv[1], "raw") == 0;
	if ((s.is_raw ? nng_rep0_open_raw(&socket) : nng_rep0_open(&socket)) !=
		0 ||
	    nng_listen(socket, argv[2], NULL, 0) != 0)
		return 71;
	printf("%s\n", argv[2]);
	fflush(stdout);
	buffer_init(&out, 1 << 24);
	while (nng_recvmsg(socket, &message, 0) == 0) {
		struct text body = {
		    nng_msg_body(message), (uint32_t)nng_msg_len(message)};

		if (!answer(&out, body, &s)) {
			nng_msg_free(message);
			continue;
		}
		nng_msg_clear(message);
		nng_msg_append(message, buffer_at(&out), buffer_used(&out));
		if (nng_sendmsg(socket, message, 0) != 0)
			nng_msg_free(message);
	}
	return 0;
}
