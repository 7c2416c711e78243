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
 * O(op)             open: a change that needs none of them; whoever reaches the
 *                   control socket may. It leaves its audit line
 * L(op)             a look that leaves an audit line, as every change does:
 *                   it reveals who clients are or what they send
 * F(op, flag)       a look that is a change when this flag is given
 * V(action)         there is no verb for it yet: nothing asks for it
 *   op              of tables/commands.h: "noun" or "noun.verb"
 * Every ADMIN row of commands.h stands in A or in O, and a test holds it to
 * that; a READER row is open, audited when it stands in L. control asks before
 * it answers or forwards.
 */
#define ADMIN_ACTION_NAMES(N) \
	N(push_config,              "services may push their functions; no verb asks for it yet") \
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

#define ACTIONS_WITHOUT_VERB(V) \
	V(push_config)

#define OPEN_CHANGES(O) \
	O("start") \
	O("stop") \
	O("restart") \
	O("pause") \
	O("resume") \
	O("drain") \
	O("reload") \
	O("shutdown") \
	O("functions.add") \
	O("functions.update") \
	O("functions.disable") \
	O("functions.enable") \
	O("functions.delete") \
	O("functions.clear") \
	O("config_db.persist") \
	O("failed.cleanup") \
	O("failed.clear") \
	O("revoke") \
	O("log.level") \
	O("log.scope") \
	O("log.filter") \
	O("revoke.forget") \
	O("services.pull") \
	O("services.force-pull") \
	O("pools.recycle") \
	O("quarantine.clear") \
	O("groups.create") \
	O("groups.delete") \
	O("groups.kick") \
	O("telemetry.attach") \
	O("telemetry.detach") \
	O("telemetry.control") \
	O("bus.enable") \
	O("bus.disable") \
	O("observe.start") \
	O("observe.stop") \
	O("conns.kill") \
	O("calls.kill") \
	O("slow.clear") \
	O("kick")

#define AUDITED_LOOKS(L) \
	L("conns.list") \
	L("calls.list") \
	L("slow") \
	L("groups.show") \
	L("revoke.list") \
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
