// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_TABLES_ACTIONS_H
#define PROTOCOL_TABLES_ACTIONS_H
// clang-format off

/*
 * actions - what of an operator's work needs a permission, and which looks
 * are written down.
 *
 * N(action, what)   may stand in security.admin_actions; anything else there
 *                   is a mistake in the settings. None is allowed by default
 * A(action, op)     must stand there, or the verb is denied
 * L(op)             a look that leaves an audit line, as every change does:
 *                   it reveals what clients send
 * F(op, flag)       a look that is a change when this flag is given
 *   op              of tables/commands.h: "noun" or "noun.verb"
 * A verb without a row in A needs none. control asks before it answers or
 * forwards.
 */
#define ADMIN_ACTION_NAMES(N) \
	N(push_config,              "services may push their functions") \
	N(update_rate_limit_config, "limits may be changed at run time") \
	N(change_detail_error,      "clients may be told inner reasons for a while") \
	N(enable_tracing,           "traces and the request tracer may be started") \
	N(disable_tracing,          "traces and the request tracer may be stopped")

#define ADMIN_ACTIONS(A) \
	A(update_rate_limit_config, "limits.reset") \
	A(change_detail_error, "detail-error") \
	A(enable_tracing,  "trace.start") \
	A(enable_tracing,  "tracer.enable") \
	A(enable_tracing,  "tracer.configure") \
	A(disable_tracing, "trace.stop") \
	A(disable_tracing, "tracer.disable") \
	A(disable_tracing, "tracer.clear")

#define AUDITED_LOOKS(L) \
	L("trace") \
	L("trace.show") \
	L("trace.tail") \
	L("tracer.flush") \
	L("telemetry.lease") \
	L("log.lease") \
	L("diag.trace") \
	L("diag.analyze") \
	L("diag.snapshot")

#define CHANGING_FLAGS(F) \
	F("relay.audit", "fix")

// clang-format on
#endif /* PROTOCOL_TABLES_ACTIONS_H */
