// SPDX-License-Identifier: MIT
/* What can be said of a function once it is read, and its words. */
#include "protocol/function.h"

#include "protocol/version.h"

void
function_normalise_version(struct function *f)
{
	if (!f->is_version_valid || version_is_none(f->version))
		f->version = (struct text){0};
	f->is_version_valid = true;
}

bool
function_is_own_node(struct text name)
{
	return text_is(name, "local") || text_is(name, "relay");
}

bool
function_is_own(const struct function *f)
{
	for (uint32_t i = 0; i < f->node_count; i++)
		if (function_is_own_node(f->nodes[i]))
			return true;
	return f->nodes_kind == FUNCTION_NODES_LOCAL ||
	    f->nodes_kind == FUNCTION_NODES_RESOLVER ||
	    f->choose == FUNCTION_CHOOSE_CUSTOM;
}

const char *
function_choose_name(enum function_choose choose)
{
	static const char *const names[] = {
	    [FUNCTION_CHOOSE_INVALID] = "invalid",
	    [FUNCTION_CHOOSE_RANDOM] = "random",
	    [FUNCTION_CHOOSE_ROUND_ROBIN] = "round_robin",
	    [FUNCTION_CHOOSE_HASH] = "hash",
	    [FUNCTION_CHOOSE_HASH_KEY] = "hash",
	    [FUNCTION_CHOOSE_STICKY] = "sticky",
	    [FUNCTION_CHOOSE_CUSTOM] = "custom",
	};

	return names[choose];
}

const char *
function_response_name(enum function_response response)
{
	static const char *const names[] = {
	    [FUNCTION_RESPONSE_INVALID] = "invalid",
	    [FUNCTION_SYNC] = "sync",
	    [FUNCTION_ASYNC] = "async",
	    [FUNCTION_STREAM] = "stream",
	    [FUNCTION_NONE] = "none",
	};

	return names[response];
}
