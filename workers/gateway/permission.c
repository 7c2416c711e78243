// SPDX-License-Identifier: MIT
#include "workers/gateway/permission.h"

#include "protocol/unpack.h"

static struct text
shown(const struct permission *p, struct arena *arena)
{
	switch (p->mode) {
	case FUNCTION_PERMISSION_AUTHENTICATED:
		return TEXT("any_authenticated");
	case FUNCTION_PERMISSION_ARG:
		return arena_printf(arena, "{arg,%.*s}", TEXT_ARG(p->arg));
	case FUNCTION_PERMISSION_ROLE:
		return arena_printf(arena, "{role,%u}", p->role_count);
	case FUNCTION_PERMISSION_FALSE:
	case FUNCTION_PERMISSION_INVALID:
		break;
	}
	return TEXT("false");
}

/* take_roles keeps the texts of the list; nothing else can match a role. */
static void
take_roles(struct permission *p, struct text list, struct arena *arena)
{
	struct unpacker u;
	uint32_t count;

	unpack_init(&u, list);
	if (unpack_array(&u, &count) != OK)
		return;
	p->roles = ARENA_ARRAY(arena, struct text, count + 1);
	for (uint32_t i = 0; i < count; i++) {
		struct text role;

		if (unpack_text(&u, &role) == OK) {
			if (role.len > 0)
				p->roles[p->role_count++] =
				    arena_text(arena, role);
		} else if (unpack_skip(&u) != OK) {
			return;
		}
	}
}

void
permission_compile(
    const struct function *f, struct arena *arena, struct permission *p)
{
	*p = (struct permission){.mode = f->permission};
	if (p->mode == FUNCTION_PERMISSION_ARG) {
		p->arg = arena_text(arena, f->permission_arg);
		p->looks_inside = f->orders_kind == FUNCTION_ORDERS_MAP;
	}
	if (p->mode == FUNCTION_PERMISSION_ROLE)
		take_roles(p, f->permission_roles, arena);
	p->shown = shown(p, arena);
}

/* How often a map has a name, and what stands under it. */
enum found {
	FOUND_NEVER,
	FOUND_ONCE,
	FOUND_OFTEN
};

static enum found
find(struct text map, struct text name, struct text *value)
{
	enum found found = FOUND_NEVER;
	struct unpacker u;
	struct text key;
	uint32_t count;

	unpack_init(&u, map);
	if (unpack_map(&u, &count) != OK)
		return FOUND_NEVER;
	for (uint32_t i = 0; i < count; i++) {
		struct text item;

		if (unpack_text(&u, &key) != OK || unpack_raw(&u, &item) != OK)
			return FOUND_OFTEN; /* what is no map of ours denies */
		if (!text_eq(key, name))
			continue;
		if (found == FOUND_ONCE)
			return FOUND_OFTEN;
		*value = item;
		found = FOUND_ONCE;
	}
	return found;
}

static bool
is_user(struct text span, struct text user_id)
{
	struct unpacker u;
	struct text t;

	unpack_init(&u, span);
	return unpack_text(&u, &t) == OK && text_eq(t, user_id);
}

/*
 * inside looks one level down; the first map that has the name decides. Its
 * own name must stand there once, or another of that name would be executed.
 */
static bool
inside(const struct permission *p, const struct permission_facts *facts)
{
	struct unpacker u;
	uint32_t count;

	unpack_init(&u, facts->args);
	if (unpack_map(&u, &count) != OK)
		return false;
	for (uint32_t i = 0; i < count; i++) {
		struct text key, item, value, again;

		if (unpack_text(&u, &key) != OK || unpack_raw(&u, &item) != OK)
			return false;
		enum found found = find(item, p->arg, &value);
		if (found != FOUND_NEVER)
			return found == FOUND_ONCE &&
			    is_user(value, facts->user_id) &&
			    find(facts->args, key, &again) == FOUND_ONCE;
	}
	return false;
}

static bool
allows_arg(const struct permission *p, const struct permission_facts *facts)
{
	struct text value;

	if (facts->user_id.len == 0)
		return false;
	switch (find(facts->args, p->arg, &value)) {
	case FOUND_ONCE:
		return is_user(value, facts->user_id);
	case FOUND_NEVER:
		return p->looks_inside && inside(p, facts);
	case FOUND_OFTEN:
		break;
	}
	return false;
}

static bool
allows_role(const struct permission *p, const struct permission_facts *facts)
{
	for (uint32_t i = 0; i < p->role_count; i++)
		for (uint32_t k = 0; k < facts->role_count; k++)
			if (text_eq(p->roles[i], facts->roles[k]))
				return true;
	return false;
}

bool
permission_allows(
    const struct permission *p, const struct permission_facts *facts)
{
	switch (p->mode) {
	case FUNCTION_PERMISSION_FALSE:
		return true;
	case FUNCTION_PERMISSION_AUTHENTICATED:
		return facts->user_id.len > 0;
	case FUNCTION_PERMISSION_ARG:
		return allows_arg(p, facts);
	case FUNCTION_PERMISSION_ROLE:
		return allows_role(p, facts);
	case FUNCTION_PERMISSION_INVALID:
		break;
	}
	return false;
}
