// SPDX-License-Identifier: MIT
#include "workers/gateway/flow_steps.h"

#include <stdarg.h>
#include <stdio.h>

#include "protocol/pack.h"
#include "workers/gateway/functions.h"
#include "workers/gateway/nodes.h"

enum {
	SENTENCE = 512 /* cut there; names are bounded by their own limits */
};

static void put(struct packer *p, const char *fmt, ...) PRINTF(2, 3);

static void
put(struct packer *p, const char *fmt, ...)
{
	char text[SENTENCE];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	pack_string(p, text);
}

const char *
flow_choose_name(const struct compiled *f)
{
	switch (f->choose) {
	case CHOOSE_ROUND_ROBIN:
		return "round_robin";
	case CHOOSE_HASH:
		return "hash";
	case CHOOSE_STICKY:
		return "sticky";
	case CHOOSE_RANDOM:
	case CHOOSE_FIRST:
	default:
		return "random";
	}
}

void
flow_put_permission(struct packer *p, const struct compiled *f)
{
	const struct permission *perm = &f->permission;

	if (f->callback.is_valid)
		put(p, "Asks %.*s.%.*s; anything but true denies",
		    TEXT_ARG(f->callback.module),
		    TEXT_ARG(f->callback.function));
	else if (perm->mode == FUNCTION_PERMISSION_FALSE)
		put(p, "No permission check");
	else if (perm->mode == FUNCTION_PERMISSION_ARG)
		put(p, "Argument %.*s must be the caller's user_id",
		    TEXT_ARG(perm->arg));
	else if (perm->mode == FUNCTION_PERMISSION_ROLE)
		put(p, "Requires one of the roles listed (%.*s)",
		    TEXT_ARG(perm->shown));
	else
		put(p, "Requires authenticated user_id");
}

void
flow_put_hook(struct packer *p, const struct hook *hook)
{
	put(p, "%.*s.%.*s/%u(...)", TEXT_ARG(hook->module),
	    TEXT_ARG(hook->function), 2 + hook->extras.arg_count);
}

void
flow_put_retry(struct packer *p, const struct compiled *f)
{
	if (f->retry_count == 0)
		put(p, "No retry");
	else
		put(p, "Retry up to %u times %s", f->retry_count,
		    f->retry_mode == FUNCTION_RETRY_SAME_NODE
			? "on the same node"
			: "across all nodes");
}

/* step begins one: its description is packed next. */
static void
step(struct packer *p, uint32_t *count, const char *phase)
{
	++*count;
	pack_map(p, 2);
	pack_field_string(p, "phase", phase);
	pack_string(p, "desc");
}

static void
hook_step(struct packer *p, uint32_t *count, const char *phase,
    const struct compiled *f, enum hook_kind kind)
{
	step(p, count, phase);
	if (hook_set_has(f->hooks, kind))
		put(p, "Run %s hook %.*s", hook_kind_name(kind),
		    TEXT_ARG(f->hooks->hooks[kind].name));
	else
		put(p, "Run %s hook (none configured)", hook_kind_name(kind));
}

static void
node_step(struct packer *p, uint32_t *count, const struct compiled *f)
{
	step(p, count, "node_selection");
	if (f->chooser.is_valid)
		put(p, "Ask %.*s.%.*s %s", TEXT_ARG(f->chooser.module),
		    TEXT_ARG(f->chooser.function),
		    f->is_resolved ? "which nodes there are"
				   : "which of the nodes comes first");
	else if (f->choose_key.len > 0)
		put(p, "Choose by %s of %.*s among %u nodes",
		    flow_choose_name(f), TEXT_ARG(f->choose_key),
		    f->node_count);
	else
		put(p, "Choose by %s among %u nodes", flow_choose_name(f),
		    f->node_count);
}

static void
execution_step(
    struct packer *p, uint32_t *count, const struct compiled *f, bool is_local)
{
	uint32_t live = 0;

	for (uint32_t i = 0; i < f->node_count; i++)
		live += nodes_is_live(f->nodes[i]);
	step(p, count, "execution");
	if (is_local)
		put(p, "Run %.*s.%.*s in pool %.*s", TEXT_ARG(f->module),
		    TEXT_ARG(f->function),
		    TEXT_ARG(f->pool.len > 0 ? f->pool : TEXT("(any)")));
	else
		put(p, "Call %.*s.%.*s on a service node (%u/%u reachable)",
		    TEXT_ARG(f->module), TEXT_ARG(f->function), live,
		    f->node_count);
}

static const char *
response_words(const struct compiled *f)
{
	switch (f->response) {
	case FUNCTION_ASYNC:
		return "Taken at once, the result is pushed when ready";
	case FUNCTION_STREAM:
		return "Chunks are pushed until the stream ends";
	case FUNCTION_NONE:
		return "Fire and forget: nothing is pushed";
	case FUNCTION_SYNC:
	case FUNCTION_RESPONSE_INVALID:
	default:
		return "The result is pushed to the client";
	}
}

void
flow_pack_steps(struct packer *p, const struct compiled *f, bool is_local)
{
	uint32_t count = 0;

	pack_string(p, "steps");
	size_t place = pack_open(p);
	step(p, &count, "channel");
	put(p, "Receive the event on a joined channel");
	step(p, &count, "decode");
	put(p, "Read and check the payload");
	step(p, &count, "config_lookup");
	put(p, "Look up %.*s/%.*s", TEXT_ARG(f->service),
	    TEXT_ARG(f->request_type));
	hook_step(p, &count, "hooks_before", f, HOOK_BEFORE);
	step(p, &count, "permission");
	flow_put_permission(p, f);
	step(p, &count, "rate_limit");
	put(p, "Global limits, then those of the function");
	step(p, &count, "argument_validation");
	put(p, "Check and convert the arguments");
	if (!is_local)
		node_step(p, &count, f);
	execution_step(p, &count, f, is_local);
	if (f->retry_count > 0) {
		step(p, &count, "retry");
		flow_put_retry(p, f);
	}
	hook_step(p, &count, "hooks_after", f, HOOK_AFTER);
	step(p, &count, "response");
	put(p, "%s", response_words(f));
	pack_close_array(p, place, count);
}
