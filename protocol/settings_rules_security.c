// SPDX-License-Identifier: MIT
/* settings_rules_security - what must be true of security beyond types. */

#include "protocol/actions.h"
#include "protocol/settings_writer.h"
#include "protocol/unpack.h"

/* settings_rules_security: a misspelt action would be denied for ever. */
void
settings_rules_security(struct settings_writer *w)
{
	const enum setting id = SETTING_security_admin_actions;
	struct yaml_place place = {0, 0};
	struct unpacker u;
	struct text word;
	uint32_t count;

	if (w->nodes[id] != NULL)
		place = w->nodes[id]->place;
	unpack_init(&u, settings_text_of(w, id));
	if (w->is_wrong[id] || unpack_array(&u, &count) != OK)
		return;
	while (count-- > 0 && unpack_text(&u, &word) == OK) {
		const char *near = action_closest(word);

		if (action_is_known(word))
			continue;
		settings_problem(w->problems, place,
		    "security.admin_actions: there is no action \"%s\"%s%s%s",
		    settings_quote(&w->arena, word),
		    near != NULL ? "; did you mean \"" : "",
		    near != NULL ? near : "", near != NULL ? "\"?" : "");
	}
}
