// SPDX-License-Identifier: MIT
/* service_config - what get_config answers: a FunConfig for each function. */

#include <inttypes.h>
#include <stdio.h>

#include "protocol/service/service_private.h"

static bool
is_plain(const struct service_argument *a)
{
	return a->max == 0 && !a->is_optional;
}

static void
write_argument(struct packer *p, const struct service_argument *a)
{
	struct text type = text_of(a->type);

	pack_string(p, a->name);
	if (is_plain(a)) {
		pack_text(p, type);
		return;
	}
	pack_map(p, 1 + (a->max > 0) + a->is_optional);
	pack_string(p, "type");
	pack_text(p, type);
	if (a->max > 0) {
		pack_string(
		    p, text_is(type, "string") ? "max_bytes" : "max_items");
		pack_u64(p, a->max);
	}
	if (a->is_optional) {
		pack_string(p, "allow_nil");
		pack_bool(p, true);
	}
}

static void
write_arguments(struct packer *p, const struct service_function *f)
{
	uint32_t count = 0;

	while (f->arguments != NULL && f->arguments[count].name != NULL)
		count++;
	pack_string(p, "arg_types");
	pack_map(p, count);
	for (uint32_t i = 0; i < count; i++)
		write_argument(p, &f->arguments[i]);
	pack_string(p, "arg_orders");
	pack_array(p, count);
	for (uint32_t i = 0; i < count; i++)
		pack_string(p, f->arguments[i].name);
}

static void
write_target(struct packer *p, const char *module, const char *function)
{
	pack_string(p, "mfa");
	pack_map(p, 3);
	pack_string(p, "module");
	pack_string(p, module);
	pack_string(p, "function");
	pack_string(p, function);
	pack_string(p, "args");
	pack_array(p, 0);
}

static void
write_function(
    struct packer *p, const struct service *s, const struct service_function *f)
{
	pack_map(p, 12);
	pack_string(p, "service");
	pack_string(p, s->name);
	pack_string(p, "request_type");
	pack_string(p, f->name);
	pack_string(p, "nodes");
	pack_array(p, 1);
	pack_string(p, s->node != NULL ? s->node : s->url);
	pack_string(p, "choose_node_mode");
	pack_string(p, "random");
	pack_string(p, "timeout");
	pack_u64(p, f->timeout_ms > 0 ? f->timeout_ms : 5000);
	write_target(p, s->name, f->name);
	write_arguments(p, f);
	pack_string(p, "response_type");
	pack_string(p, f->response != NULL ? f->response : "sync");
	pack_string(p, "request_info");
	pack_bool(p, f->wants_caller);
	pack_string(p, "version");
	pack_string(p, f->version != NULL ? f->version : "1.0.0");
	pack_string(p, "idempotent");
	pack_bool(p, f->is_idempotent);
}

/* name_version hashes the config: equal configs are one version (FNV-1a). */
static void
name_version(struct service *s)
{
	uint64_t hash = 14695981039346656037u;
	const uint8_t *at = buffer_at(&s->config);

	for (size_t i = 0; i < buffer_used(&s->config); i++)
		hash = (hash ^ at[i]) * 1099511628211u;
	snprintf(s->version, sizeof(s->version), "%016" PRIx64, hash);
}

void
service_config_write(struct service *s)
{
	struct packer p;

	buffer_truncate(&s->config, 0);
	pack_init(&p, &s->config);
	pack_array(&p, s->function_count);
	for (uint32_t i = 0; i < s->function_count; i++)
		write_function(&p, s, &s->functions[i]);
	INVARIANT(pack_finish(&p) == OK);
	name_version(s);
}
