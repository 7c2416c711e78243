// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_TABLES_ACTIONS_H
#define PROTOCOL_TABLES_ACTIONS_H
// clang-format off

/*
 * actions - which operators' verbs need a permission, one row each.
 *
 * A(action, op)
 *   action  must stand in security.admin_actions, or the verb is denied
 *   op      of tables/commands.h: "noun" or "noun.verb"
 * A verb without a row needs none. control asks before it answers or forwards.
 */
#define ADMIN_ACTIONS(A) \
	A(enable_tracing,  "trace.start") \
	A(enable_tracing,  "tracer.enable") \
	A(enable_tracing,  "tracer.configure") \
	A(disable_tracing, "trace.stop") \
	A(disable_tracing, "tracer.disable") \
	A(disable_tracing, "tracer.clear")

// clang-format on
#endif /* PROTOCOL_TABLES_ACTIONS_H */
