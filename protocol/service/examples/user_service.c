// SPDX-License-Identifier: MIT
/* user_service - the demo: the functions of users.c as a service. */

#include <stdio.h>

#include "users.h"

int
main(int argc, char **argv)
{
	struct service *service = service_create("user_service");

	if (argc != 2 || !service_add_all(service, users_functions) ||
	    !service_listen(service, argv[1])) {
		fprintf(stderr, "usage: user_service URL   %s\n",
		    service_error(service));
		service_destroy(&service);
		return 64;
	}
	int status = service_run(service);
	service_destroy(&service);
	return status;
}
