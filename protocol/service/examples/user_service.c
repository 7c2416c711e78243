// SPDX-License-Identifier: MIT
/* user_service - the demo: three functions over a small table of users. */

#include <stdio.h>
#include <string.h>

#include "protocol/service/service.h"

static const struct user {
	const char *id, *name, *email;
} users[] = {
    {"u42", "Alice", "alice@example.com"},
    {"u43", "Bob", "bob@example.com"},
    {"u44", "Carol", "carol@example.com"},
};

enum {
	USERS = sizeof(users) / sizeof(users[0])
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

int
main(int argc, char **argv)
{
	static const struct service_argument by_id[] = {
	    {.name = "user_id", .type = "string"},
	    {NULL},
	};
	static const struct service_argument text[] = {
	    {.name = "text", .type = "string", .max = 3000},
	    {NULL},
	};
	struct service *service = service_create("user_service");

	service_add(service,
	    &(struct service_function){.name = "get_user",
		.run = get_user,
		.arguments = by_id,
		.is_idempotent = true});
	service_add(service,
	    &(struct service_function){.name = "list_users",
		.run = list_users,
		.is_idempotent = true});
	service_add(service,
	    &(struct service_function){.name = "echo",
		.run = echo,
		.arguments = text,
		.is_idempotent = true});
	if (argc != 2 || !service_listen(service, argv[1])) {
		fprintf(stderr, "usage: user_service URL   %s\n",
		    service_error(service));
		return 64;
	}
	int status = service_run(service);
	service_destroy(&service);
	return status;
}
