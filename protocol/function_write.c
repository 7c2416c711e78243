// SPDX-License-Identifier: MIT
#include "protocol/function.h"

#include "protocol/pack.h"
#include "protocol/unpack.h"

enum {
	FUNCTION_FIELDS = 20 /* written by function_write, but for `pool` */
};

static void
write_texts(struct packer *p, const struct text *list, uint32_t count)
{
	pack_array(p, count);
	for (uint32_t i = 0; i < count; i++)
		pack_text(p, list[i]);
}

static void
write_target(struct packer *p, const struct function_target *t)
{
	pack_map(p, 3);
	pack_string(p, "module");
	pack_text(p, t->module);
	pack_string(p, "function");
	pack_text(p, t->function);
	pack_string(p, "args");
	if (t->args.len > 0)
		pack_raw(p, t->args);
	else
		pack_array(p, 0);
}

/* write_as_sent copies a field whose form we keep as it came. */
static void
write_as_sent(struct packer *p, const struct function *f, const char *key)
{
	struct text value;

	pack_string(p, key);
	if (unpack_map_find(f->span, text_of(key), &value) == OK)
		pack_raw(p, value);
	else
		pack_nil(p);
}

static void
write_names(struct packer *p, const struct function *f)
{
	pack_string(p, "service");
	pack_text(p, f->service);
	pack_string(p, "request_type");
	pack_text(p, f->request_type);
	pack_string(p, "version");
	if (f->version.len > 0)
		pack_text(p, f->version);
	else
		pack_nil(p);
	pack_string(p, "disabled");
	pack_bool(p, f->disabled);
	pack_string(p, "idempotent");
	pack_bool(p, f->idempotent);
}

static void
write_routing(struct packer *p, const struct function *f)
{
	if (f->nodes_kind == FUNCTION_NODES_LIST) {
		pack_string(p, "nodes");
		write_texts(p, f->nodes, f->node_count);
	} else if (f->nodes_kind == FUNCTION_NODES_RESOLVER) {
		pack_string(p, "nodes");
		pack_map(p, 1);
		pack_string(p, "resolver");
		write_target(p, &f->resolver);
	} else {
		write_as_sent(p, f, "nodes");
	}
	if (f->pool.len > 0) {
		pack_string(p, "pool");
		pack_text(p, f->pool);
	}
	pack_string(p, "choose_node_mode");
	if (f->choose == FUNCTION_CHOOSE_HASH_KEY ||
	    f->choose == FUNCTION_CHOOSE_STICKY) {
		pack_map(p, 1);
		pack_string(p, function_choose_name(f->choose));
		pack_text(p, f->choose_key);
	} else if (f->choose == FUNCTION_CHOOSE_CUSTOM) {
		pack_map(p, 1);
		pack_string(p, "custom");
		write_target(p, &f->chooser);
	} else {
		pack_string(p, function_choose_name(f->choose));
	}
	if (f->timeout_ms != FUNCTION_DEFAULT_TIMEOUT)
		pack_string(p, "timeout");
	if (f->timeout_ms == FUNCTION_NO_TIMEOUT)
		pack_string(p, "infinity");
	else if (f->timeout_ms != FUNCTION_DEFAULT_TIMEOUT)
		pack_u64(p, f->timeout_ms);
	pack_string(p, "mfa");
	write_target(p, &f->target);
}

static void
write_arguments(struct packer *p, const struct function *f)
{
	pack_string(p, "arg_types");
	if (f->arg_types.len > 0)
		pack_raw(p, f->arg_types);
	else
		pack_nil(p);
	pack_string(p, "arg_orders");
	if (f->orders_kind == FUNCTION_ORDERS_MAP)
		pack_string(p, "map");
	else
		write_texts(p, f->orders, f->order_count);
}

void
function_write(struct packer *p, const struct function *f)
{
	pack_map(p,
	    FUNCTION_FIELDS - (f->timeout_ms == FUNCTION_DEFAULT_TIMEOUT) +
		(f->pool.len > 0));
	write_names(p, f);
	write_routing(p, f);
	write_arguments(p, f);
	pack_string(p, "response_type");
	pack_string(p, function_response_name(f->response));
	pack_string(p, "request_info");
	pack_bool(p, f->request_info);
	if (f->permission == FUNCTION_PERMISSION_FALSE) {
		pack_string(p, "check_permission");
		pack_bool(p, false);
	} else {
		write_as_sent(p, f, "check_permission");
	}
	write_as_sent(p, f, "permission_callback");
	write_as_sent(p, f, "retry");
	write_as_sent(p, f, "before_execute");
	write_as_sent(p, f, "after_execute");
	pack_string(p, "hook_timeout");
	pack_u64(p, f->hook_timeout_ms);
	write_as_sent(p, f, "result_encoder");
}
