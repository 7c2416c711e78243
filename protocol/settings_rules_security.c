// SPDX-License-Identifier: MIT
/* settings_rules_security - what must be true of security beyond types. */

#include "protocol/actions.h"
#include "protocol/function_rules.h"
#include "protocol/settings_writer.h"
#include "protocol/unpack.h"

static struct yaml_place
place_of(const struct settings_writer *w, enum setting id)
{
	return w->nodes[id] != NULL ? w->nodes[id]->place
				    : (struct yaml_place){0, 0};
}

static void
check_target(struct settings_writer *w, const struct function_rules *rules,
    enum setting id, struct text what, struct text module, struct text function)
{
	const struct function_target target = {
	    .module = module, .function = function, .is_valid = true};
	struct text shown;

	if (module.len == 0 || target_is_allowed(rules, &target))
		return;
	shown = target_inspect(&w->arena, &target);
	settings_problem(w->problems, place_of(w, id),
	    "%.*s: MFA not allowed: %.*s", TEXT_ARG(what), TEXT_ARG(shown));
}

/* check_services: what is asked of services is no function of clients: only
 * the modules that are always denied are. */
static void
check_services(struct settings_writer *w)
{
	const struct function_rules always = {.allow_count = 0};
	struct unpacker u;
	struct text item, module, function;
	uint32_t count;

	unpack_init(&u, settings_text_of(w, SETTING_services));
	if (unpack_array(&u, &count) != OK)
		return;
	for (uint32_t i = 0; i < count && unpack_raw(&u, &item) == OK; i++) {
		struct text what = arena_printf(&w->arena, "services[%u]", i);

		if (unpack_field_text(item, "module", &module) == OK &&
		    unpack_field_text(item, "function", &function) == OK)
			check_target(w, &always, SETTING_services, what, module,
			    function);
		if (unpack_field_text(item, "version_module", &module) == OK &&
		    unpack_field_text(item, "version_function", &function) ==
			OK)
			check_target(w, &always, SETTING_services, what, module,
			    function);
	}
}

/* check_handlers: an operator's own, and no function of clients either. */
static void
check_handlers(struct settings_writer *w)
{
	const struct function_rules always = {.allow_count = 0};
	const enum setting id = SETTING_telemetry_handlers;
	struct unpacker u;
	struct text item, module, function;
	uint32_t count;

	unpack_init(&u, settings_text_of(w, id));
	if (unpack_array(&u, &count) != OK)
		return;
	for (uint32_t i = 0; i < count && unpack_raw(&u, &item) == OK; i++)
		if (unpack_field_text(item, "module", &module) == OK &&
		    unpack_field_text(item, "function", &function) == OK)
			check_target(w, &always, id,
			    arena_printf(
				&w->arena, "telemetry.handlers[%u]", i),
			    module, function);
}

/* check_targets: what our own pools and services are asked to run. */
static void
check_targets(struct settings_writer *w)
{
	const struct function_rules always = {.allow_count = 0};
	struct function_rules rules = settings_function_rules(w);

	for (uint32_t i = 0; i < rules.hooks.count; i++)
		check_target(w, &rules, SETTING_hooks,
		    arena_printf(&w->arena, "hooks[%u]", i),
		    rules.hooks.all[i].module, rules.hooks.all[i].function);
	check_target(w, &always, SETTING_auth_module, TEXT("auth.module"),
	    settings_text_of(w, SETTING_auth_module),
	    settings_text_of(w, SETTING_auth_function));
	check_services(w);
	check_handlers(w);
}

/* check_actions: a misspelt action would be denied for ever. */
static void
check_actions(struct settings_writer *w)
{
	const enum setting id = SETTING_security_admin_actions;
	struct unpacker u;
	struct text word;
	uint32_t count;

	unpack_init(&u, settings_text_of(w, id));
	if (w->is_wrong[id] || unpack_array(&u, &count) != OK)
		return;
	while (count-- > 0 && unpack_text(&u, &word) == OK) {
		const char *near = action_closest(word);

		if (action_is_known(word))
			continue;
		settings_problem(w->problems, place_of(w, id),
		    "security.admin_actions: there is no action \"%s\"%s%s%s",
		    settings_quote(&w->arena, word),
		    near != NULL ? "; did you mean \"" : "",
		    near != NULL ? near : "", near != NULL ? "\"?" : "");
	}
}

void
settings_rules_security(struct settings_writer *w)
{
	check_actions(w);
	if (!w->is_wrong[SETTING_security_allowed_targets])
		check_targets(w);
}
