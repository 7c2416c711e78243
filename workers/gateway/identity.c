// SPDX-License-Identifier: MIT
#include "workers/gateway/identity.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "protocol/base/memory.h"
#include "workers/gateway/client.h"

#define GUEST "guest:"

bool
identity_is_user(struct text user)
{
	if (user.len == 0 || user.len > IDENTITY_USER_BYTES ||
	    text_starts_with(user, TEXT(GUEST)) || !text_is_utf8(user))
		return false;
	return !text_has_control(user);
}

struct identity *
identity_create(const struct identity *facts)
{
	size_t bytes = sizeof(struct identity) +
	    facts->role_count * sizeof(struct text) + facts->user_id.len +
	    facts->token_id.len;

	for (uint32_t i = 0; i < facts->role_count; i++)
		bytes += facts->roles[i].len;
	/* one block: the struct, the list of roles, then all bytes of texts */
	struct identity *id = memory_new(bytes);
	*id = *facts;
	id->holds = 1;
	id->roles = (struct text *)(id + 1);
	char *at = (char *)(id->roles + facts->role_count);
	id->user_id = text_keep(facts->user_id, &at);
	id->token_id = text_keep(facts->token_id, &at);
	for (uint32_t i = 0; i < facts->role_count; i++)
		id->roles[i] = text_keep(facts->roles[i], &at);
	return id;
}

struct identity *
identity_hold(struct identity *id)
{
	if (id != NULL)
		id->holds++;
	return id;
}

void
identity_release(struct identity **id)
{
	if (*id != NULL && --(*id)->holds == 0)
		memory_free(*id);
	*id = NULL;
}

bool
identity_has_role(const struct identity *id, struct text role)
{
	for (uint32_t i = 0; i < id->role_count; i++) {
		if (text_eq(id->roles[i], role))
			return true;
	}
	return false;
}

void
identity_guest(char to[IDENTITY_GUEST_BYTES], uint32_t instance, uint64_t life,
    uint64_t serial)
{
	snprintf(to, IDENTITY_GUEST_BYTES, GUEST "%u-%" PRIu64 "-%" PRIu64,
	    instance, life, serial);
}

struct text
identity_user_of(const struct client *c)
{
	return c->identity != NULL ? c->identity->user_id : text_of(c->guest);
}
