// SPDX-License-Identifier: MIT
#include "protocol/pack.h"
#include "supervisor/cli/show.h"

enum cli_exit
show_order(struct view *v, struct text result)
{
	struct text text = show_text(result, "text");

	if (text.len == 0)
		text = TEXT("done");
	view_text(v, text);
	view_print(v, "\n");
	return CLI_OK;
}

/* show_reload prints what came of it: applied, needs restart ROLE, unchanged.
 */
enum cli_exit
show_reload(struct view *v, struct text result)
{
	struct unpacker u;
	uint32_t count = show_array(result, "workers", &u);
	struct text worker;
	uint32_t changed = 0;

	for (uint32_t i = 0; i < count && unpack_raw(&u, &worker) == OK; i++) {
		struct text name = show_child_name(v->arena, worker);
		struct text keys = show_text(worker, "keys");
		struct text what = show_text(worker, "result");

		if (text_is(what, "unchanged"))
			continue;
		changed++;
		if (text_is(what, "needs_restart"))
			view_paint(
			    v, YELLOW, "needs restart %.*s", TEXT_ARG(name));
		else
			view_paint(v, GREEN, "applied %.*s", TEXT_ARG(name));
		if (keys.len > 0)
			view_print(v, ": ");
		view_text(v, keys);
		view_print(v, "\n");
	}
	if (changed == 0)
		view_print(v, "unchanged\n");
	return CLI_OK;
}
