// SPDX-License-Identifier: MIT
#include "protocol/actions.h"

#include "protocol/tables/actions.h"
#include "protocol/unpack.h"

#define N(action, what) #action,
static const char *const names[] = {ADMIN_ACTION_NAMES(N)};
#undef N

const char *
action_needed(struct text op)
{
	static const struct {
		const char *action;
		const char *op;
	} rows[] = {
#define A(action, op) {#action, op},
	    ADMIN_ACTIONS(A)
#undef A
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (text_is(op, rows[i].op))
			return rows[i].action;
	return NULL;
}

bool
action_is_look(struct text op)
{
#define L(op) op,
	static const char *const looks[] = {AUDITED_LOOKS(L)};
#undef L

	for (size_t i = 0; i < COUNT_OF(looks); i++)
		if (text_is(op, looks[i]))
			return true;
	return false;
}

bool
action_is_change(struct text op, struct text args)
{
	static const struct {
		const char *op;
		const char *flag;
	} rows[] = {
#define F(op, flag) {op, flag},
	    CHANGING_FLAGS(F)
#undef F
	};
	struct text value;

	/* whatever its value: one that cannot be read is no reason to let it
	 * pass as a look */
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (text_is(op, rows[i].op) && args.len > 0 &&
		    unpack_map_find(args, text_of(rows[i].flag), &value) == OK)
			return true;
	return false;
}

bool
action_is_allowed(struct text list, const char *action)
{
	struct unpacker u;
	struct text word;
	uint32_t count;

	unpack_init(&u, list);
	if (unpack_array(&u, &count) != OK)
		return false;
	while (count-- > 0 && unpack_text(&u, &word) == OK)
		if (text_is(word, action))
			return true;
	return false;
}

bool
action_is_known(struct text action)
{
	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (text_is(action, names[i]))
			return true;
	return false;
}

const char *
action_closest(struct text action)
{
	int best = text_closest(action, names, COUNT_OF(names));

	return best < 0 ? NULL : names[best];
}
