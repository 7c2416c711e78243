// SPDX-License-Identifier: MIT
#ifndef TEST_UNIT_LINK_RIG_H
#define TEST_UNIT_LINK_RIG_H

/*
 * link_rig - both ends of the link in one loop, over a real ipc socket.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "protocol/base/clock.h"
#include "protocol/base/fd.h"
#include "protocol/json.h"
#include "protocol/link/link_client_private.h"
#include "protocol/link/link_server_private.h"

enum {
	MANY = 10000,
	CHUNKS = 12
};

static struct loop *loop;
static struct conn_hub hub;
static struct link_server *server;
static struct link_client *client;
static char dir[32], url[64];

/* what the gateway saw */
static int results, errors, chunks, ends, lost[2], downs;
static uint32_t next_chunk[MANY];
static bool is_settled[MANY];
static enum link_fault last_fault;
static char last_code[32];
static uint64_t last_value;

/* what the service keeps */
static struct {
	struct link_session *session;
	uint64_t id;
} kept[MANY];
static int kept_count, cancelled, gone;
static bool keeps;

static inline void
settle_once(void *call)
{
	size_t i = (size_t)(uintptr_t)call;

	assert_true(i < MANY);
	assert_false(is_settled[i]);
	is_settled[i] = true;
}

static inline void
on_result(void *owner, void *call, struct text value)
{
	struct unpacker u;

	(void)owner;
	settle_once(call);
	unpack_init(&u, value);
	assert_int_equal(unpack_u64(&u, &last_value), OK);
	results++;
}

static inline void
on_error(void *owner, void *call, struct text code, struct text text)
{
	(void)owner;
	(void)text;
	settle_once(call);
	assert_int_equal(text_copy(code, last_code, sizeof(last_code)), OK);
	errors++;
}

static inline void
on_chunk(void *owner, void *call, struct text value)
{
	size_t i = (size_t)(uintptr_t)call;
	struct unpacker u;
	uint64_t n;

	(void)owner;
	unpack_init(&u, value);
	assert_int_equal(unpack_u64(&u, &n), OK);
	assert_int_equal(n, next_chunk[i]++); /* none lost, none overtaken */
	chunks++;
}

static inline void
on_end(void *owner, void *call)
{
	(void)owner;
	settle_once(call);
	assert_int_equal(next_chunk[(uintptr_t)call], CHUNKS);
	ends++;
}

static inline void
on_lost(void *owner, void *call, enum link_lost how)
{
	(void)owner;
	settle_once(call);
	lost[how]++;
}

static inline void
on_state(void *owner, enum link_state state, enum link_fault fault)
{
	(void)owner;
	if (state == LINK_DOWN) {
		downs++;
		last_fault = fault;
	}
}

static const struct link_client_calls client_calls = {
    on_result,
    on_error,
    on_chunk,
    on_end,
    on_lost,
    on_state,
};

static inline struct text
number(struct buffer *b, uint64_t n)
{
	struct packer p;

	buffer_truncate(b, 0);
	pack_init(&p, b);
	pack_u64(&p, n);
	assert_int_equal(pack_finish(&p), OK);
	return buffer_text(b);
}

static inline void
on_call(void *owner, struct link_session *s, const struct link_frame *f)
{
	struct buffer b;

	(void)owner;
	if (keeps) {
		kept[kept_count].session = s;
		kept[kept_count++].id = f->id;
		return;
	}
	buffer_init(&b, 64);
	link_session_result(s, f->id, number(&b, f->function.len));
	buffer_finish(&b);
}

static inline void
on_cancel(void *owner, struct link_session *s, uint64_t id)
{
	(void)owner;
	(void)s;
	(void)id;
	cancelled++;
}

static inline void
on_gone(void *owner, struct link_session *s, enum link_fault fault)
{
	(void)owner;
	(void)s;
	last_fault = fault;
	gone++;
}

static const struct link_server_calls server_calls = {
    .call = on_call,
    .cancel = on_cancel,
    .gone = on_gone,
};

static inline void
start_server(uint64_t boot)
{
	struct link_server_options options = {.hub = &hub,
	    .calls = &server_calls,
	    .name = TEXT("test"),
	    .boot = boot};

	link_server_create(&server, &options);
	assert_int_equal(link_server_listen(server, text_of(url), NULL, 0), OK);
}

static inline void
start_client(void)
{
	struct link_client_options options = {.hub = &hub,
	    .calls = &client_calls,
	    .url = text_of(url),
	    .life = 3,
	    .in_flight = MANY + 1};

	assert_int_equal(link_client_create(&client, &options), OK);
}

#define UNTIL(cond) \
	do { \
		uint64_t end_ = clock_mono_ms() + 8000; \
		while (!(cond) && clock_mono_ms() < end_) \
			loop_turn(loop, 5); \
		assert_true(cond); \
	} while (0)

static inline void
call(size_t i, uint32_t credit)
{
	struct link_request request = {.module = TEXT("m"),
	    .function = TEXT("four"),
	    .args = {"\x90", 1},
	    .deadline_ms = 5000,
	    .credit_bytes = credit};
	uint64_t id;

	assert_int_equal(
	    link_call(client, &request, (void *)(uintptr_t)i, &id), OK);
}

static inline int
set_up(void **state)
{
	(void)state;
	results = errors = chunks = ends = downs = kept_count = cancelled = 0;
	gone = 0;
	lost[0] = lost[1] = 0;
	keeps = false;
	memset(next_chunk, 0, sizeof(next_chunk));
	memset(is_settled, 0, sizeof(is_settled));
	snprintf(dir, sizeof(dir), "/tmp/link.XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(url, sizeof(url), "ipc://%s/s", dir);
	assert_int_equal(loop_create(&loop), OK);
	conn_hub_init(&hub, loop);
	return 0;
}

static inline int
tear_down(void **state)
{
	(void)state;
	link_client_destroy(&client);
	link_server_destroy(&server);
	conn_hub_finish(&hub);
	loop_destroy(&loop);
	unlink(url + 6);
	rmdir(dir);
	return 0;
}

#endif /* TEST_UNIT_LINK_RIG_H */
