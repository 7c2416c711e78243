// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_TABLES_MESSAGES_H
#define PROTOCOL_TABLES_MESSAGES_H
// clang-format off

/*
 * messages - what one role may ask of another, one row each.
 *
 * M(role, name, from, help)
 *   role  who answers; a row without `<role>_on_<name>` does not link
 *   name  the `op` of the envelope {op, args, v}
 *   from  who asks
 * Operators' commands are in commands.h and travel in the same envelope.
 */
#define CONFIG_DB_MESSAGES(M) \
	M(config_db, add,       puller, "one function as a service sent it: checked, then kept or recorded as failed") \
	M(config_db, batch_add, puller, "all functions of a service at one version; what it dropped is removed") \
	M(config_db, services,  control, "the services there are functions of, and how many of each") \
	M(config_db, failed,    puller, "a pull that failed: service, node, reason")

#define GATEWAY_MESSAGES(M) \
	M(gateway, provides, control, "which services each service node provides, and whether it can be reached")

#define WORKER_POOL_MESSAGES(M) \
	M(worker_pool, runners, control, "what the runner async_pool/1, each of async_pool, or every one is doing and how it got there")

// clang-format on
#endif /* PROTOCOL_TABLES_MESSAGES_H */
