// SPDX-License-Identifier: MIT
#include "workers/gateway/credentials.h"

#include "protocol/unpack.h"

enum {
	LIFE_MOST_DAYS = 3650
};

/* One decoded parameter. */
struct parameter {
	struct text name;
	struct text value;
};

static bool
unescape(struct text t, struct arena *arena, struct text *to)
{
	char *at = arena_alloc(arena, (size_t)t.len + 1);

	if (http_unescape(t, at, (size_t)t.len + 1) != OK)
		return false;
	*to = text_of(at);
	return text_is_utf8(*to);
}

/* put_parameter keeps it; the same name again replaces, as in Phoenix. */
static bool
put_parameter(struct parameter *all, uint32_t *count, struct parameter next)
{
	for (uint32_t i = 0; i < *count; i++) {
		if (text_eq(all[i].name, next.name)) {
			all[i] = next;
			return true;
		}
	}
	if (*count == CREDENTIALS_PARAMS)
		return false;
	all[(*count)++] = next;
	return true;
}

static enum err
pack_params(const struct credentials *c, struct arena *arena, struct packer *p)
{
	struct parameter all[CREDENTIALS_PARAMS];
	struct text name, value, query = TEXT("");
	uint32_t count = 0;

	if (c->upgrade != NULL)
		query = c->upgrade->query;
	while (http_query_next(&query, &name, &value)) {
		struct parameter one;

		if (text_is(name, "vsn"))
			continue;
		if (!unescape(name, arena, &one.name) ||
		    !unescape(value, arena, &one.value) ||
		    !put_parameter(all, &count, one))
			return ERR_MALFORMED;
	}
	pack_string(p, "params");
	pack_map(p, count);
	for (uint32_t i = 0; i < count; i++) {
		pack_text(p, all[i].name);
		pack_text(p, all[i].value);
	}
	return OK;
}

/* find_header: OK, ERR_MISSING, ERR_MALFORMED when it comes twice. */
static enum err
find_header(const struct http_upgrade *u, struct text wanted, struct text *to)
{
	struct text headers = u->headers, name, value;
	enum err e = ERR_MISSING;

	while (http_header_next(&headers, &name, &value)) {
		if (!http_is_same_name(name, wanted))
			continue;
		if (e == OK || !text_is_utf8(value))
			return ERR_MALFORMED;
		*to = value;
		e = OK;
	}
	return e;
}

static enum err
pack_headers(const struct credentials *c, struct packer *p)
{
	uint32_t count = 0;
	struct text value;

	pack_string(p, "headers");
	size_t place = pack_open(p);
	for (uint32_t i = 0; c->upgrade != NULL && i < c->header_count; i++) {
		enum err e = find_header(c->upgrade, c->headers[i], &value);

		if (e == ERR_MALFORMED)
			return e;
		if (e != OK)
			continue;
		pack_text(p, c->headers[i]);
		pack_text(p, value);
		count++;
	}
	pack_close_map(p, place, count);
	return OK;
}

enum err
credentials_pack(
    const struct credentials *c, struct arena *arena, struct packer *p)
{
	if (c->token.at != NULL && !text_is_utf8(c->token))
		return ERR_MALFORMED;
	pack_array(p, 1);
	pack_map(p, 5);
	enum err e = pack_params(c, arena, p);
	if (e == OK)
		e = pack_headers(c, p);
	if (e != OK)
		return e;
	pack_field_given(p, "token", c->token);
	pack_field_given(p, "peer", c->peer);
	pack_field_given(p, "user_id", c->user_id);
	return pack_finish(p);
}

static enum err
read_roles(struct text value, struct arena *arena, struct identity *to)
{
	struct text list, role;
	struct unpacker u;
	uint32_t count = 0;

	if (unpack_map_find(value, TEXT("roles"), &list) != OK)
		return OK;
	unpack_init(&u, list);
	if (unpack_nil(&u) == OK)
		return OK;
	if (unpack_array(&u, &count) != OK || count > IDENTITY_ROLES)
		return ERR_MALFORMED;
	to->roles = ARENA_ARRAY(arena, struct text, count + 1);
	for (uint32_t i = 0; i < count; i++) {
		if (unpack_text(&u, &role) != OK ||
		    role.len > IDENTITY_ROLE_BYTES || !text_is_utf8(role))
			return ERR_MALFORMED;
		if (role.len > 0)
			to->roles[to->role_count++] = role;
	}
	return OK;
}

static enum err
read_life(struct text value, uint64_t now_ms, struct identity *to)
{
	const uint64_t most_ms = UINT64_C(86400000) * LIFE_MOST_DAYS;
	struct text life;
	struct unpacker u;
	uint64_t ms = 0;

	if (unpack_map_find(value, TEXT("expires_in_ms"), &life) != OK)
		return OK;
	unpack_init(&u, life);
	if (unpack_nil(&u) == OK)
		return OK;
	if (unpack_u64(&u, &ms) != OK || ms == 0 || ms > most_ms)
		return ERR_MALFORMED;
	to->expires_ms = now_ms + ms;
	return OK;
}

enum err
credentials_answer(struct text value, uint64_t now_ms, struct arena *arena,
    struct identity *facts)
{
	struct unpacker u;
	bool said;

	*facts = (struct identity){.issued_ms = now_ms};
	unpack_init(&u, value);
	if (unpack_nil(&u) == OK || (unpack_bool(&u, &said) == OK && !said))
		return ERR_DENIED;
	if (unpack_peek(&u) != PACK_MAP ||
	    unpack_field_text(value, "user_id", &facts->user_id) != OK ||
	    !identity_is_user(facts->user_id))
		return ERR_MALFORMED;
	enum err e = read_roles(value, arena, facts);
	return e == OK ? read_life(value, now_ms, facts) : e;
}
