// SPDX-License-Identifier: MIT
/*
 * caller - a gateway's end of the link as a program, with a ledger.
 *
 *	link_caller URL FUNCTION TEXT CONCURRENCY CALLS SECONDS
 *
 * Keeps CONCURRENCY calls in the air, CALLS in all (0: no limit), at most
 * SECONDS long, then waits 3 s for the rest and prints one line of JSON. Each
 * call has the arguments [TEXT, boot of the node it was meant for]. For
 * tls+tcp:// LINK_CERT, LINK_KEY and LINK_CA name PEM files.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/base/clock.h"
#include "protocol/base/tls.h"
#include "protocol/link/link_client.h"
#include "protocol/pack.h"

enum {
	MOST = 4096,
	GRACE_MS = 3000
};

struct slot {
	uint64_t boot; /* of the generation it was sent in */
	bool is_in_air;
};

static struct {
	struct loop *loop;
	struct link_client *client;
	struct slot slots[MOST];
	struct buffer args;
	struct text function, text;
	uint32_t concurrency;
	uint64_t limit, calls, answered, errors, unknown, not_dispatched, twice;
	uint64_t foreign, boot, pid, pid_boot, refused;
	char first[128], code[64];
	enum link_fault fault;
	bool is_over;
} it;

static struct slot *
settle(void *call)
{
	struct slot *slot = call;

	if (!slot->is_in_air)
		it.twice++;
	slot->is_in_air = false;
	return slot;
}

static void
note_value(struct text value)
{
	for (uint32_t i = 0; i < value.len && i * 2 + 2 < sizeof(it.first); i++)
		snprintf(it.first + 2 * i, 3, "%02x", (uint8_t)value.at[i]);
}

/* check_pid: whatever answers under one boot must be one process. */
static void
check_pid(const struct slot *slot, struct text value)
{
	struct unpacker u;
	int64_t pid;

	unpack_init(&u, value);
	if (unpack_i64(&u, &pid) != OK)
		return;
	if (it.pid_boot != slot->boot)
		it.pid = (uint64_t)pid;
	it.pid_boot = slot->boot;
	if (pid < 0 || it.pid != (uint64_t)pid)
		it.foreign++;
}

static void
on_result(void *owner, void *call, struct text value)
{
	(void)owner;
	struct slot *slot = settle(call);
	if (it.answered++ == 0)
		note_value(value);
	check_pid(slot, value);
}

static void
on_error(void *owner, void *call, struct text code, struct text text)
{
	(void)owner;
	(void)text;
	settle(call);
	it.errors++;
	(void)!text_copy(code, it.code, sizeof(it.code));
}

static void
on_end(void *owner, void *call)
{
	(void)owner;
	settle(call);
}

static void
on_chunk(void *owner, void *call, struct text value)
{
	(void)owner;
	(void)call;
	(void)value;
}

static void
on_lost(void *owner, void *call, enum link_lost how)
{
	(void)owner;
	settle(call);
	if (how == LINK_DISPATCHED_UNKNOWN)
		it.unknown++;
	else
		it.not_dispatched++;
}

static void
on_state(void *owner, enum link_state state, enum link_fault fault)
{
	struct link_client_facts facts;

	(void)owner;
	if (fault != LINK_FAULT_none)
		it.fault = fault;
	link_client_facts(it.client, &facts);
	if (state == LINK_LIVE)
		it.boot = facts.boot;
}

static const struct link_client_calls calls = {
    on_result,
    on_error,
    on_chunk,
    on_end,
    on_lost,
    on_state,
};

static void
call_one(struct slot *slot)
{
	struct packer p;
	uint64_t id;

	buffer_truncate(&it.args, 0);
	pack_init(&p, &it.args);
	pack_array(&p, 2);
	pack_text(&p, it.text);
	pack_u64(&p, it.boot);
	if (pack_finish(&p) != OK)
		return;
	struct link_request request = {.module = TEXT("stress"),
	    .function = it.function,
	    .args = buffer_text(&it.args),
	    .deadline_ms = 5000};
	slot->boot = it.boot;
	slot->is_in_air = true;
	if (link_call(it.client, &request, slot, &id) != OK) {
		slot->is_in_air = false;
		it.refused++;
		return;
	}
	it.calls++;
}

static uint32_t
in_air(void)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < it.concurrency; i++)
		count += it.slots[i].is_in_air;
	return count;
}

/* refill runs at the end of each turn, before the batch leaves. */
static void
refill(void *ctx)
{
	(void)ctx;
	for (uint32_t i = 0; i < it.concurrency; i++)
		if (!it.slots[i].is_in_air && !it.is_over &&
		    link_client_state(it.client) == LINK_LIVE &&
		    (it.limit == 0 || it.calls < it.limit))
			call_one(&it.slots[i]);
}

static void
run(uint64_t end_ms)
{
	while (clock_mono_ms() < end_ms &&
	    (it.limit == 0 || it.calls < it.limit || in_air() > 0))
		loop_turn(it.loop, 20);
	it.is_over = true;
	end_ms = clock_mono_ms() + GRACE_MS;
	while (in_air() > 0 && clock_mono_ms() < end_ms)
		loop_turn(it.loop, 20);
}

static void
print(void)
{
	struct link_client_facts facts;

	link_client_facts(it.client, &facts);
	printf("{\"calls\": %" PRIu64 ", \"answered\": %" PRIu64
	       ", \"errors\": %" PRIu64 ", \"dispatched_unknown\": %" PRIu64
	       ", \"not_dispatched\": %" PRIu64 ", \"unanswered\": %u"
	       ", \"answered_twice\": %" PRIu64 ", \"foreign\": %" PRIu64,
	    it.calls, it.answered, it.errors, it.unknown, it.not_dispatched,
	    in_air(), it.twice + facts.late, it.foreign);
	printf(", \"generations\": %" PRIu64 ", \"is_unary\": %s"
	       ", \"first\": \"%s\", \"code\": \"%s\", \"fault\": \"%s\"}\n",
	    facts.generations, facts.is_unary ? "true" : "false", it.first,
	    it.code, link_fault_name(it.fault));
}

static struct tls_context *
open_tls(void)
{
	struct tls_files files = {.cert = getenv("LINK_CERT"),
	    .key = getenv("LINK_KEY"),
	    .ca = getenv("LINK_CA")};
	struct tls_context *tls = NULL;
	char why[200];

	if (tls_context_create(&tls, false, &files, why, sizeof(why)) != OK)
		fprintf(stderr, "%s\n", why);
	return tls;
}

int
main(int argc, char **argv)
{
	static struct conn_hub hub;
	static struct loop_hook hook = {.run = refill};

	if (argc != 7 || loop_create(&it.loop) != OK) {
		fprintf(stderr,
		    "usage: link_caller URL FUNCTION TEXT "
		    "CONCURRENCY CALLS SECONDS\n");
		return 64;
	}
	conn_hub_init(&hub, it.loop);
	conn_hub_before_flush(&hub, &hook);
	buffer_init(&it.args, 1 << 20);
	it.function = text_of(argv[2]);
	it.text = text_of(argv[3]);
	it.concurrency = (uint32_t)strtoul(argv[4], NULL, 10);
	it.limit = strtoull(argv[5], NULL, 10);
	if (it.concurrency > MOST)
		it.concurrency = MOST;
	struct link_client_options options = {.hub = &hub,
	    .calls = &calls,
	    .url = text_of(argv[1]),
	    .life = 1,
	    .seed = clock_mono_us()};
	if (getenv("LINK_CA") != NULL)
		options.tls = open_tls();
	if (link_client_create(&it.client, &options) != OK)
		return 64;
	run(clock_mono_ms() + strtoull(argv[6], NULL, 10) * 1000);
	print();
	link_client_destroy(&it.client);
	tls_context_destroy(&options.tls);
	buffer_finish(&it.args);
	conn_hub_finish(&hub);
	loop_destroy(&it.loop);
	return 0;
}
