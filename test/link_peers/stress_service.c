// SPDX-License-Identifier: MIT
/*
 * stress_service - says which process ran a call, and -1 for a call that was
 * meant for another instance (it remembers the first boot id it was told).
 *
 *	stress_service URL [CERT KEY CA]
 */

#include <stdio.h>
#include <unistd.h>

#include "protocol/service/service.h"

static void
who(struct service_call *call, void *ctx)
{
	static int64_t mine;
	int64_t meant = 0;

	(void)ctx;
	if (!service_arg_i64(call, 1, &meant))
		meant = -1;
	if (mine == 0)
		mine = meant;
	service_put_i64(call, meant == mine ? getpid() : -1);
	service_done(call);
}

static void
echo(struct service_call *call, void *ctx)
{
	(void)ctx;
	service_put_arg(call, 0);
	service_done(call);
}

static void
garble(struct service_call *call, void *ctx)
{
	(void)ctx;
	service_put_map(call, 3);
	service_done(call);
}

int
main(int argc, char **argv)
{
	struct service *service = service_create("stress");

	service_add(
	    service, &(struct service_function){.name = "who", .run = who});
	service_add(
	    service, &(struct service_function){.name = "echo", .run = echo});
	service_add(service,
	    &(struct service_function){.name = "garble", .run = garble});
	bool is_ready = argc == 2 ||
	    (argc == 5 && service_tls(service, argv[2], argv[3], argv[4]));
	if (!is_ready || !service_listen(service, argv[1])) {
		fprintf(stderr, "%s\n", service_error(service));
		return 64;
	}
	printf("%s\n", service_url(service));
	fflush(stdout);
	int status = service_run(service);
	service_destroy(&service);
	return status;
}
