// SPDX-License-Identifier: MIT
/* show_revoked - users and tokens that are revoked, since and until when. */
#include "protocol/pack.h"
#include "supervisor/cli/show.h"

static void
add(struct table *t, struct view *v, struct text one)
{
	struct text user = show_text(one, "user");
	uint64_t until_ms = show_u64(one, "until_ms");
	bool is_token = user.len == 0;

	table_text(t, DIM, is_token ? TEXT("token") : TEXT("user"));
	table_text(t, BOLD, is_token ? show_text(one, "jti") : user);
	table_text(t, PLAIN, view_when(v->arena, show_u64(one, "at_ms")));
	table_text(t, PLAIN,
	    until_ms > 0 ? view_when(v->arena, until_ms)
			 : TEXT("it is forgotten"));
}

enum cli_exit
show_revoked(struct view *v, struct text result)
{
	struct unpacker u;
	struct text one;
	uint32_t count;
	struct table t;

	unpack_init(&u, result);
	if (unpack_array(&u, &count) != OK || count == 0) {
		view_print(v, "Nobody and nothing is revoked.\n");
		return CLI_OK;
	}
	table_begin(&t, v, "WHAT|NAME|SINCE|UNTIL", "llll");
	for (uint32_t i = 0; i < count && unpack_raw(&u, &one) == OK; i++)
		add(&t, v, one);
	table_end(&t);
	return CLI_OK;
}
