// SPDX-License-Identifier: MIT
#ifndef BANYAN_PLUGIN_H
#define BANYAN_PLUGIN_H

/*
 * plugin - functions that Banyan runs itself, in a pool of its own processes.
 *
 * A plug-in is a shared object with one symbol, `banyan_plugin`. Its handlers
 * are those of service.h; the same source can be a service as well:
 *
 *	static const struct service_function functions[] = {
 *	    {.name = "greet", .run = greet, .arguments = text},
 *	    {NULL},
 *	};
 *	const struct service_plugin banyan_plugin = {
 *	    .abi = SERVICE_PLUGIN_ABI,
 *	    .name = "greetings",
 *	    .functions = functions,
 *	};
 *
 *	cc -shared -fPIC $(pkg-config --cflags banyan-plugin) -o greetings.so …
 *	native_runner --check ./greetings.so
 *
 * What differs from a service:
 *  - handlers run on as many threads as the pool's profile says, so data that
 *    handlers share needs locks or atomics. One call has one thread at a time;
 *    any thread may go on with a call its handler has kept.
 *  - a handler may block: its thread is one of the pool's capacity, and the
 *    process still answers for its health.
 *  - what a function declares of itself (arguments, response, version) is not
 *    registered: the operator names it in the FunConfig, with `nodes: local`.
 *
 * Trust:  loaded only from the pool's plugin_dir; the file and its folder must
 *         belong to root or to Banyan's user and be writable by nobody else.
 *         A crash in it kills its runner and no other.
 * Owner:  the plug-in; nothing is copied, and it is never unloaded.
 */

#include "service.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Both sides must mean the same structs: refused otherwise. */
#define SERVICE_PLUGIN_ABI \
	(1u << 16 | (unsigned)sizeof(struct service_function))

struct service_plugin {
	uint32_t abi;     /* SERVICE_PLUGIN_ABI */
	const char *name; /* mfa.module of its functions */
	const struct service_function *functions; /* the last has no name */
	/* NULL: nothing to do. Once per process, before any call; false ends
	 * the process as "settings wrong" (say why on stderr). */
	bool (*start)(void);
	/* NULL: nothing to do. Behind the last call of a process that ends in
	 * order; one that is killed has no time for it. */
	void (*stop)(void);
};

/* The plug-in defines it. */
extern const struct service_plugin banyan_plugin;

#ifdef __cplusplus
}
#endif

#endif /* BANYAN_PLUGIN_H */
