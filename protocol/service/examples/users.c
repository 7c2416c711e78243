// SPDX-License-Identifier: MIT
#include "users.h"

#include <string.h>

static const struct user {
	const char *id, *name, *email;
} users[] = {
    {"u42", "Alice", "alice@example.com"},
    {"u43", "Bob", "bob@example.com"},
    {"u44", "Carol", "carol@example.com"},
};

enum {
	USERS = sizeof(users) / sizeof(users[0]),
	ITEMS_MOST = 100 * 1000 * 1000,
	WAIT_MOST_MS = 60 * 1000,
};

static void
put_user(struct service_call *call, const struct user *user)
{
	service_put_map(call, 3);
	service_put_field(call, "id", user->id);
	service_put_field(call, "name", user->name);
	service_put_field(call, "email", user->email);
}

static void
get_user(struct service_call *call, void *ctx)
{
	struct service_text id;

	(void)ctx;
	if (!service_arg_text(call, 0, &id)) {
		service_fail(call, "invalid_argument", "user_id is a string");
		return;
	}
	for (int i = 0; i < USERS; i++)
		if (strlen(users[i].id) == id.len &&
		    memcmp(users[i].id, id.at, id.len) == 0) {
			put_user(call, &users[i]);
			service_done(call);
			return;
		}
	service_fail(call, "not_found", "no such user");
}

static void
list_users(struct service_call *call, void *ctx)
{
	(void)ctx;
	service_put_array(call, USERS);
	for (int i = 0; i < USERS; i++)
		put_user(call, &users[i]);
	service_done(call);
}

static void
echo(struct service_call *call, void *ctx)
{
	(void)ctx;
	service_put_arg(call, 0);
	service_done(call);
}

struct counting {
	int64_t next, items;
};

/* go_on sends numbers while there is credit; on_room calls it again. */
static void
go_on(struct service_call *call, void *ctx)
{
	struct counting *state = service_state(call, sizeof(*state));

	(void)ctx;
	for (; service_credit(call) > 0; state->next++) {
		if (state->next == state->items) {
			service_done(call);
			return;
		}
		service_put_i64(call, state->next);
		service_chunk(call);
	}
}

static void
count(struct service_call *call, void *ctx)
{
	struct counting *state;
	int64_t items;

	if (!service_arg_i64(call, 0, &items) || items < 0 ||
	    items > ITEMS_MOST) {
		service_fail(call, "invalid_argument",
		    "items is an integer from 0 to 100000000");
		return;
	}
	state = service_state(call, sizeof(*state));
	state->items = items;
	go_on(call, ctx);
}

static void
report_now(struct service_call *call, void *ctx)
{
	(void)ctx;
	service_put_map(call, 2);
	service_put_field(call, "report", "users");
	service_put_string(call, "count");
	service_put_i64(call, USERS);
	service_done(call);
}

/* report keeps its call: the answer comes when the time has passed. */
static void
report(struct service_call *call, void *ctx)
{
	int64_t wait_ms;

	(void)ctx;
	if (!service_arg_i64(call, 0, &wait_ms) || wait_ms < 0 ||
	    wait_ms > WAIT_MOST_MS) {
		service_fail(call, "invalid_argument",
		    "wait_ms is an integer from 0 to 60000");
		return;
	}
	service_later(call, (uint32_t)wait_ms, report_now);
}

static const struct service_argument by_id[] = {
    {.name = "user_id", .type = "string"},
    {NULL},
};
static const struct service_argument text[] = {
    {.name = "text", .type = "string", .max = 3000},
    {NULL},
};
static const struct service_argument how_many[] = {
    {.name = "items", .type = "num"},
    {NULL},
};
static const struct service_argument how_long[] = {
    {.name = "wait_ms", .type = "num"},
    {NULL},
};

const struct service_function users_functions[] = {
    {.name = "get_user",
	.run = get_user,
	.arguments = by_id,
	.is_idempotent = true},
    {.name = "list_users", .run = list_users, .is_idempotent = true},
    {.name = "echo", .run = echo, .arguments = text, .is_idempotent = true},
    {.name = "count",
	.run = count,
	.arguments = how_many,
	.response = "stream",
	.on_room = go_on,
	.on_cancel = service_give_up,
	.timeout_ms = 60000},
    {.name = "report",
	.run = report,
	.arguments = how_long,
	.response = "async",
	.on_cancel = service_give_up,
	.timeout_ms = 60000},
    {NULL},
};
