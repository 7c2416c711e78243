// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * Which hooks there are is a rule of its own behind the 17: a function that
 * names one nobody registered is well formed, and refused by this gateway.
 */

#include "protocol/function_rules.h"

#include <string.h>

#include "protocol/arguments.h"
#include "protocol/inspect.h"

void
problems_add(struct problems *p, struct text t)
{
	if (p->count < PROBLEMS_MAX)
		p->at[p->count++] = t;
}

static void
refuse(bool is_wrong, struct problems *p, const char *text)
{
	if (is_wrong)
		problems_add(p, text_of(text));
}

/* check_arguments compiles the schema only to hear what is wrong with it. */
static void
check_arguments(const struct function *f, const struct argument_limits *limits,
    struct arena *arena, struct problems *p)
{
	struct text reason = {0};
	struct arguments *compiled;

	if (arguments_compile(f, limits, arena, &compiled, &reason) != OK)
		problems_add(p,
		    inspect_printf(
			arena, "argument validation failed: %r", &reason));
}

static bool
is_name(struct text t, uint32_t max)
{
	return t.len <= max && text_is_utf8(t) && text_find(t, '\0') < 0;
}

/* check_names: what the 17 rules leave open and a store key cannot. */
static void
check_names(const struct function *f, struct problems *p)
{
	refuse(!is_name(f->request_type, FUNCTION_NAME_BYTES), p,
	    "request_type must be UTF-8 text of at most 160 bytes");
	refuse(!is_name(f->service, FUNCTION_NAME_BYTES), p,
	    "service must be UTF-8 text of at most 160 bytes");
	refuse(!is_name(f->version, FUNCTION_VERSION_BYTES), p,
	    "version must be UTF-8 text of at most 64 bytes");
}

/* check_own: what may be said of functions that run in our own tree. */
static void
check_own(const struct function *f, struct problems *p)
{
	refuse(!f->is_pool_valid || !is_name(f->pool, FUNCTION_POOL_BYTES), p,
	    "pool must be a non-empty string of at most 64 bytes");
	refuse(f->choose == FUNCTION_CHOOSE_CUSTOM &&
		f->nodes_kind != FUNCTION_NODES_LIST,
	    p, "choose_node_mode custom needs a list of nodes");
	refuse(f->pool.len > 0 && f->nodes_kind != FUNCTION_NODES_LOCAL, p,
	    "pool needs nodes: local");
	for (uint32_t i = 0; i < f->node_count; i++)
		refuse(f->node_count > 1 && function_is_own_node(f->nodes[i]),
		    p, "local and relay must be the only node of a function");
}

static bool
check_all_rules(const struct function *f, const struct argument_limits *limits,
    struct arena *arena, struct problems *p)
{
	uint32_t before = p->count;

	refuse(f->request_type.len == 0, p,
	    "request_type must be a non-empty string");
	refuse(f->service.len == 0, p, "service must not be nil");
	refuse(f->nodes_kind == FUNCTION_NODES_INVALID, p,
	    "nodes must be a valid list, MFA tuple, or :local");
	refuse(f->choose == FUNCTION_CHOOSE_INVALID, p,
	    "choose_node_mode must be :random, :hash, {:hash, key}, "
	    ":round_robin, or {:sticky, key}");
	refuse(f->timeout_ms == 0, p,
	    "timeout must be a positive integer between 100 and 300000, or "
	    ":infinity");
	refuse(!f->target.is_valid, p,
	    "mfa must be a valid {module, function, args} tuple");
	check_arguments(f, limits, arena, p);
	refuse(f->response == FUNCTION_RESPONSE_INVALID, p,
	    "response_type must be :sync, :async, :stream, or :none");
	refuse(f->permission == FUNCTION_PERMISSION_INVALID, p,
	    "check_permission must be false, :any_authenticated, {:arg, "
	    "arg_name}, or {:role, roles}");
	refuse(f->permission_callback == FUNCTION_BROKEN, p,
	    "permission_callback must be nil or a valid {module, function, "
	    "args} tuple");
	refuse(!f->is_request_info_valid, p, "request_info must be a boolean");
	refuse(!f->is_version_valid, p,
	    "version must be a valid version string (e.g., '1.0.0')");
	refuse(f->retry == FUNCTION_BROKEN, p,
	    "retry must be nil, a positive number, {:same_node, number}, or "
	    "{:all_nodes, number}");
	refuse(f->before_execute.option == FUNCTION_BROKEN, p,
	    "before_execute must be nil or a valid {module, function} or "
	    "{module, function, args} tuple");
	refuse(f->after_execute.option == FUNCTION_BROKEN, p,
	    "after_execute must be nil or a valid {module, function} or "
	    "{module, function, args} tuple");
	refuse(f->hook_timeout_ms == 0, p,
	    "hook_timeout must be a positive integer");
	refuse(f->result_encoder.option == FUNCTION_BROKEN, p,
	    "result_encoder must be nil or a valid {module, function, args} "
	    "tuple");
	check_names(f, p);
	check_own(f, p);
	return p->count == before;
}

bool
function_check(
    const struct function *f, struct arena *arena, struct problems *p)
{
	return check_all_rules(f, &ARGUMENT_LIMITS, arena, p);
}

static bool
is_denied_module(struct text module)
{
	static const char *const denied[] = {
	    "os", "file", "code", "erlang", "net", "rpc", "global", "inet"};

	if (module.len > 0 && *module.at == ':')
		module = (struct text){module.at + 1, module.len - 1};
	for (size_t i = 0; i < COUNT_OF(denied); i++)
		if (text_is(module, denied[i]))
			return true;
	return false;
}

/* names_pair: the entry is exactly module, a dot, function. */
static bool
names_pair(struct text entry, const struct function_target *t)
{
	struct text tail = t->function;

	return text_starts_with(entry, t->module) &&
	    entry.len == t->module.len + 1 + tail.len &&
	    entry.at[t->module.len] == '.' &&
	    memcmp(entry.at + t->module.len + 1, tail.at, tail.len) == 0;
}

/* matches tries the pattern on module.function without building that text:
 * a function has no dot, so the pattern's last dot parts it. */
static bool
matches(struct text entry, const struct function_target *t)
{
	uint32_t dot = entry.len;

	if (text_matches(t->module, entry))
		return true;
	while (dot > 0 && entry.at[dot - 1] != '.')
		dot--;
	if (dot == 0)
		return false;
	return text_matches(t->module, (struct text){entry.at, dot - 1}) &&
	    text_matches(
		t->function, (struct text){entry.at + dot, entry.len - dot});
}

bool
target_is_allowed(
    const struct function_rules *rules, const struct function_target *t)
{
	bool is_denied = is_denied_module(t->module);

	if (!t->is_valid)
		return false;
	for (uint32_t i = 0; i < rules->allow_count; i++)
		if (names_pair(rules->allow[i], t) ||
		    (!is_denied && matches(rules->allow[i], t)))
			return true;
	return rules->allow_count == 0 && !is_denied;
}

bool
function_may_run(const struct function *f, const struct function_rules *rules)
{
	const struct function_target *const all[] = {
	    &f->target, &f->callback, &f->resolver, &f->chooser};

	for (size_t i = 0; i < COUNT_OF(all); i++)
		if (all[i]->is_valid && !target_is_allowed(rules, all[i]))
			return false;
	return true;
}

/* put_module: MyApp.Api as it is, lower case with a colon in front. */
static void
put_module(struct inspect *line, struct text module)
{
	bool is_alias = module.len > 0 && *module.at >= 'A' &&
	    *module.at <= 'Z' && module.len <= INSPECT_CUT_BYTES &&
	    text_is_utf8(module);

	if (is_alias) {
		for (uint32_t i = 0; is_alias && i < module.len; i++)
			is_alias = (unsigned char)module.at[i] > ' ';
	}
	if (is_alias)
		inspect_raw(line, module);
	else
		inspect_format(line, ":%q", &module);
}

static bool
is_plain(struct text t)
{
	for (uint32_t i = 0; i < t.len; i++)
		if (!((t.at[i] >= 'a' && t.at[i] <= 'z') || t.at[i] == '_' ||
			(i > 0 && t.at[i] >= '0' && t.at[i] <= '9')))
			return false;
	return t.len > 0 && t.len <= INSPECT_CUT_BYTES;
}

struct text
target_inspect(struct arena *arena, const struct function_target *t)
{
	char memory[INSPECT_BYTES];
	struct inspect line;
	struct text none = TEXT("\x90"); /* [] */

	inspect_init(&line, memory, sizeof(memory));
	inspect_raw(&line, TEXT("{"));
	if (is_plain(t->module))
		inspect_format(&line, ":%r", &t->module);
	else
		put_module(&line, t->module);
	inspect_format(
	    &line, is_plain(t->function) ? ", :%r, " : ", :%q, ", &t->function);
	inspect_value(&line, t->args.len > 0 ? t->args : none);
	inspect_raw(&line, TEXT("}"));
	return arena_text(arena, (struct text){memory, (uint32_t)line.len});
}

/* check_target judges one that is there; that it is well formed is a rule. */
static void
check_target(const struct function_rules *rules,
    const struct function_target *t, struct arena *arena, struct problems *p)
{
	struct text shown;

	if (!t->is_valid || target_is_allowed(rules, t))
		return;
	shown = target_inspect(arena, t);
	problems_add(p, inspect_printf(arena, "MFA not allowed: %r", &shown));
}

/* check_hook: what it names must be registered, by name or by its target. */
static void
check_hook(const struct hook_list *hooks, const char *field,
    const struct function_hook *h, struct arena *arena, struct problems *p)
{
	struct text key = text_of(field), shown, meant;
	const char *near;

	if (h->option != FUNCTION_GIVEN || hook_list_find(hooks, h) != NULL)
		return;
	near = hook_list_near(hooks, h->name);
	if (h->name.len == 0) {
		shown = target_inspect(arena, &h->target);
		problems_add(p,
		    inspect_printf(arena,
			"%r: %r is not registered as a hook: see hooks in the "
			"gateway's settings",
			&key, &shown));
	} else if (near != NULL) {
		meant = text_of(near);
		problems_add(p,
		    inspect_printf(arena,
			"%r: no hook %q is registered; did you mean %q?", &key,
			&h->name, &meant));
	} else {
		problems_add(p,
		    inspect_printf(arena,
			"%r: no hook %q is registered: see hooks in the "
			"gateway's settings",
			&key, &h->name));
	}
}

static void
check_hooks(const struct function *f, const struct hook_list *hooks,
    struct arena *arena, struct problems *p)
{
	check_hook(hooks, "before_execute", &f->before_execute, arena, p);
	check_hook(hooks, "after_execute", &f->after_execute, arena, p);
	check_hook(hooks, "result_encoder", &f->result_encoder, arena, p);
	refuse(f->result_encoder.option == FUNCTION_GIVEN &&
		f->response == FUNCTION_STREAM,
	    p, "result_encoder does not apply to a stream");
}

bool
function_check_all(const struct function *f, const struct function_rules *rules,
    struct arena *arena, struct problems *p)
{
	const struct argument_limits *limits =
	    rules->limits != NULL ? rules->limits : &ARGUMENT_LIMITS;
	uint32_t before = p->count;

	check_target(rules, &f->target, arena, p);
	check_target(rules, &f->callback, arena, p);
	check_target(rules, &f->resolver, arena, p);
	check_target(rules, &f->chooser, arena, p);
	if (check_all_rules(f, limits, arena, p))
		check_hooks(f, &rules->hooks, arena, p);
	return p->count == before;
}
