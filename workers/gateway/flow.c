// SPDX-License-Identifier: MIT
#include "workers/gateway/flow.h"

#include "protocol/pack.h"
#include "workers/gateway/flow_steps.h"
#include "workers/gateway/gateway.h"
#include "workers/gateway/limiter.h"
#include "workers/gateway/nodes.h"
#include "workers/gateway/reach.h"

const char *
flow_response_name(const struct compiled *f)
{
	switch (f->response) {
	case FUNCTION_ASYNC:
		return "async";
	case FUNCTION_STREAM:
		return "stream";
	case FUNCTION_NONE:
		return "none";
	case FUNCTION_SYNC:
	case FUNCTION_RESPONSE_INVALID:
	default:
		return "sync";
	}
}

static bool
is_local(const struct compiled *f)
{
	return f->node_count > 0 && nodes_is_own(f->nodes[0]);
}

static void
pack_version(struct packer *p, const struct compiled *f)
{
	pack_string(p, "version");
	if (f->version.len > 0)
		pack_text(p, f->version);
	else
		pack_nil(p);
}

static void
pack_target(struct packer *p, struct text module, struct text function)
{
	pack_map(p, 2);
	pack_string(p, "module");
	pack_text(p, module);
	pack_string(p, "function");
	pack_text(p, function);
}

static void
pack_nodes(struct packer *p, const char *key, const struct compiled *f,
    bool all, bool is_live)
{
	uint32_t count = 0;

	pack_string(p, key);
	size_t place = pack_open(p);
	for (uint32_t i = 0; i < f->node_count; i++) {
		if (!all && nodes_is_live(f->nodes[i]) != is_live)
			continue;
		pack_text(p, nodes_name(f->nodes[i]));
		count++;
	}
	pack_close_array(p, place, count);
}

static void
pack_choose(struct packer *p, const struct compiled *f)
{
	pack_string(p, "choose_node_mode");
	if (f->chooser.is_valid && !f->is_resolved) {
		pack_map(p, 1);
		pack_string(p, "custom");
		pack_target(p, f->chooser.module, f->chooser.function);
	} else if (f->choose_key.len > 0) {
		pack_map(p, 1);
		pack_string(p, flow_choose_name(f));
		pack_text(p, f->choose_key);
	} else {
		pack_string(p, flow_choose_name(f));
	}
}

static void
pack_timeout(struct gateway *g, struct packer *p, const struct compiled *f)
{
	uint64_t ms = f->timeout_ms;

	pack_string(p, "timeout");
	if (ms == FUNCTION_NO_TIMEOUT && f->response == FUNCTION_STREAM)
		pack_string(p, "infinity");
	else if (ms == FUNCTION_NO_TIMEOUT)
		pack_u64(p, g->options->infinite_timeout_ms);
	else if (ms == FUNCTION_DEFAULT_TIMEOUT)
		pack_u64(p, g->options->default_timeout_ms);
	else
		pack_u64(p, ms);
}

static void
pack_permission(struct packer *p, const struct compiled *f)
{
	const struct permission *perm = &f->permission;

	pack_string(p, "permission");
	if (f->callback.is_valid) {
		pack_map(p, 3);
		pack_field_string(p, "strategy", "custom_mfa");
		pack_string(p, "mfa");
		pack_target(p, f->callback.module, f->callback.function);
	} else if (perm->mode == FUNCTION_PERMISSION_ARG) {
		pack_map(p, 3);
		pack_field_string(p, "strategy", "arg_based");
		pack_string(p, "field");
		pack_text(p, perm->arg);
	} else if (perm->mode == FUNCTION_PERMISSION_ROLE) {
		pack_map(p, 3);
		pack_field_string(p, "strategy", "role_based");
		pack_string(p, "roles");
		pack_array(p, perm->role_count);
		for (uint32_t i = 0; i < perm->role_count; i++)
			pack_text(p, perm->roles[i]);
	} else {
		bool is_open = perm->mode == FUNCTION_PERMISSION_FALSE;

		pack_map(p, 2);
		pack_field_string(
		    p, "strategy", is_open ? "none" : "authenticated");
	}
	pack_string(p, "description");
	flow_put_permission(p, f);
}

static void
pack_hook(struct packer *p, const char *key, const struct compiled *f,
    enum hook_kind kind)
{
	pack_string(p, key);
	if (!hook_set_has(f->hooks, kind)) {
		pack_map(p, 2);
		pack_field_bool(p, "configured", false);
		pack_field_string(p, "description", "No hook configured");
		return;
	}
	const struct hook *hook = &f->hooks->hooks[kind];

	pack_map(p, 5);
	pack_field_bool(p, "configured", true);
	pack_string(p, "name");
	pack_text(p, hook->name);
	pack_string(p, "mfa");
	pack_target(p, hook->module, hook->function);
	pack_field_u64(p, "args", 2 + (uint64_t)hook->extras.arg_count);
	pack_string(p, "description");
	flow_put_hook(p, hook);
}

static void
pack_retry(struct packer *p, const struct compiled *f)
{
	pack_string(p, "retry");
	pack_map(p, f->retry_count > 0 ? 4 : 2);
	pack_field_bool(p, "configured", f->retry_count > 0);
	if (f->retry_count > 0) {
		pack_field_string(p, "mode",
		    f->retry_mode == FUNCTION_RETRY_SAME_NODE ? "same_node"
							      : "all_nodes");
		pack_field_u64(p, "attempts", f->retry_count);
	}
	pack_string(p, "description");
	flow_put_retry(p, f);
}

void
flow_pack(struct gateway *g, struct packer *p, const struct compiled *f)
{
	pack_string(p, "service");
	pack_text(p, f->service);
	pack_string(p, "request_type");
	pack_text(p, f->request_type);
	pack_version(p, f);
	pack_field_bool(p, "local", is_local(f));
	pack_nodes(p, "nodes", f, true, true);
	pack_nodes(p, "reachable_nodes", f, false, true);
	pack_nodes(p, "unreachable_nodes", f, false, false);
	pack_field_string(p, "response_type", flow_response_name(f));
	pack_choose(p, f);
	pack_timeout(g, p, f);
	pack_string(p, "mfa");
	pack_target(p, f->module, f->function);
	pack_string(p, "rate_limit");
	limiter_pack(g->limiter, p, f, NULL, NULL);
	pack_permission(p, f);
	pack_string(p, "hooks");
	pack_map(p, 3);
	pack_hook(p, "before_execute", f, HOOK_BEFORE);
	pack_hook(p, "after_execute", f, HOOK_AFTER);
	pack_hook(p, "result_encoder", f, HOOK_ENCODE);
	pack_retry(p, f);
	pack_string(p, "resolver");
	if (f->chooser.is_valid && f->is_resolved)
		pack_target(p, f->chooser.module, f->chooser.function);
	else
		pack_nil(p);
	flow_pack_steps(p, f, is_local(f));
}

void
flow_pack_short(struct packer *p, const struct compiled *f)
{
	bool is_off = f->is_disabled || f->is_denied;

	pack_map(p, is_off ? 5 : 8);
	pack_string(p, "service");
	pack_text(p, f->service);
	pack_string(p, "request_type");
	pack_text(p, f->request_type);
	pack_version(p, f);
	pack_field_bool(p, "disabled", f->is_disabled);
	if (is_off) {
		pack_field_string(
		    p, "status", f->is_disabled ? "disabled" : "denied");
		return;
	}
	pack_field_bool(p, "local", is_local(f));
	pack_field_string(p, "response_type", flow_response_name(f));
	pack_nodes(p, "nodes", f, true, true);
	pack_field_bool(
	    p, "reachable", !reach_is_remote(f) || reach_has_node(f));
}

void
flow_pack_missing(struct packer *p, struct text service,
    struct text request_type, const char *reason, const struct compiled *meant)
{
	pack_map(p, 6);
	pack_string(p, "did_you_mean");
	if (meant == NULL) {
		pack_nil(p);
	} else {
		pack_map(p, 2);
		pack_string(p, "service");
		pack_text(p, meant->service);
		pack_string(p, "request_type");
		pack_text(p, meant->request_type);
	}
	pack_string(p, "service");
	pack_text(p, service);
	pack_string(p, "request_type");
	pack_text(p, request_type);
	pack_string(p, "config");
	pack_nil(p);
	pack_field_string(p, "error", reason);
	pack_string(p, "steps");
	pack_array(p, 1);
	pack_map(p, 2);
	pack_field_string(p, "phase", "config_lookup");
	pack_field_string(p, "desc", reason);
}
