// SPDX-License-Identifier: MIT
#include "workers/gateway/options.h"

#include <string.h>

#include "protocol/base/memory.h"
#include "protocol/settings.h"

/* take_u32 reads a number whose row bounds it below 2^32. */
static uint32_t
take_u32(const struct settings *s, enum setting id)
{
	return (uint32_t)settings_u64(s, id);
}

static const struct text *
take_texts(struct options *o, struct text list, uint32_t *count)
{
	struct unpacker u;
	struct text *all, item;

	unpack_init(&u, list);
	*count = 0;
	uint32_t n = 0;
	INVARIANT(unpack_array(&u, &n) == OK);
	all = ARENA_ARRAY(&o->arena, struct text, n + 1);
	while (*count < n && unpack_text(&u, &item) == OK)
		all[(*count)++] = arena_text(&o->arena, item);
	return all;
}

/* quoted makes JSON of a name from the settings. */
static struct text
quoted(struct options *o, struct text name)
{
	struct buffer b;

	buffer_init(&b, 4096);
	INVARIANT(json_put_text(&b, name, NULL) == OK);
	struct text json = arena_text(&o->arena, buffer_text(&b));
	buffer_finish(&b);
	return json;
}

static struct channel_rule
default_rule(struct options *o)
{
	return (struct channel_rule){
	    .topic = TEXT("api:*"),
	    .event = TEXT("phoenix_gen_api"),
	    .event_json = quoted(o, TEXT("phoenix_gen_api")),
	    .override_user_id = true,
	    .require_verified_user_id = true,
	};
}

static void
take_rule(struct options *o, struct text item, struct channel_rule *rule)
{
	*rule = default_rule(o);
	INVARIANT(unpack_field_text(item, "topic", &rule->topic) == OK);
	INVARIANT(unpack_field_text(item, "event", &rule->event) == OK);
	rule->topic = arena_text(&o->arena, rule->topic);
	rule->event = arena_text(&o->arena, rule->event);
	rule->event_json = quoted(o, rule->event);
	INVARIANT(unpack_field_bool(
		      item, "override_user_id", &rule->override_user_id) == OK);
	INVARIANT(unpack_field_bool(item, "require_verified_user_id",
		      &rule->require_verified_user_id) == OK);
}

static void
take_channels(struct options *o, const struct settings *s)
{
	struct unpacker u;
	struct text item;
	uint32_t n = 0;

	unpack_init(&u, settings_list(s, SETTING_gateway_channels));
	INVARIANT(unpack_array(&u, &n) == OK);
	struct channel_rule *all =
	    ARENA_ARRAY(&o->arena, struct channel_rule, n + 1);
	for (uint32_t i = 0; i < n; i++) {
		INVARIANT(unpack_raw(&u, &item) == OK);
		take_rule(o, item, &all[i]);
	}
	if (n == 0)
		all[n++] = default_rule(o);
	o->channels = (struct channel_rules){
	    .all = all,
	    .count = n,
	    .max_channels = take_u32(s, SETTING_gateway_max_channels),
	};
}

static void
take_nodes(struct options *o, const struct settings *s)
{
	struct unpacker u;
	struct text item, name, url;
	uint32_t n = 0;

	unpack_init(&u, settings_list(s, SETTING_nodes));
	INVARIANT(unpack_array(&u, &n) == OK);
	struct node_address *all =
	    ARENA_ARRAY(&o->arena, struct node_address, n + 1);
	for (uint32_t i = 0; i < n; i++) {
		INVARIANT(unpack_raw(&u, &item) == OK &&
		    unpack_field_text(item, "name", &name) == OK &&
		    unpack_field_text(item, "url", &url) == OK);
		all[i].name = arena_text(&o->arena, name);
		all[i].url = arena_text(&o->arena, url);
	}
	o->nodes = all;
	o->node_count = n;
}

static void
take_http(struct options *o, const struct settings *s)
{
	struct text mount = settings_text(s, SETTING_gateway_mount);

	o->http.mount = arena_text(&o->arena, mount);
	while (o->http.mount.len > 0 &&
	    o->http.mount.at[o->http.mount.len - 1] == '/')
		o->http.mount.len--;
	o->http.origins = take_texts(o,
	    settings_list(s, SETTING_gateway_origins), &o->http.origin_count);
	o->http.any_origin = o->http.origin_count == 0;
	o->http.same_origin = true;
}

static void
take_limits(struct options *o, const struct settings *s)
{
	o->max_connections = take_u32(s, SETTING_gateway_max_connections);
	o->max_calls_per_client =
	    take_u32(s, SETTING_gateway_max_calls_per_client);
	o->max_calls = take_u32(s, SETTING_gateway_max_calls);
	o->max_async = take_u32(s, SETTING_gateway_max_async);
	o->max_streams = take_u32(s, SETTING_gateway_max_streams);
	o->stream_window_bytes =
	    take_u32(s, SETTING_gateway_stream_window_bytes);
	o->client_buffer_bytes =
	    settings_u64(s, SETTING_gateway_client_buffer_bytes);
	o->node_buffer_bytes =
	    settings_u64(s, SETTING_gateway_node_buffer_bytes);
	o->total_buffer_bytes =
	    settings_u64(s, SETTING_gateway_total_buffer_bytes);
	o->max_payload_bytes = take_u32(s, SETTING_request_max_payload_bytes);
	o->arguments = (struct argument_limits){
	    .string_max_bytes = take_u32(s, SETTING_arguments_string_max_bytes),
	    .list_max_items = take_u32(s, SETTING_arguments_list_max_items),
	    .map_max_items = take_u32(s, SETTING_arguments_map_max_items),
	};
	o->detail_error = settings_bool(s, SETTING_request_detail_error);
	o->limiter_enabled = settings_bool(s, SETTING_rate_limiter_enabled);
	o->limiter_fail_open = settings_bool(s, SETTING_rate_limiter_fail_open);
}

static void
take_auth(struct options *o, const struct settings *s)
{
	struct auth_options *a = &o->auth;
	struct arena *arena = &o->arena;

	a->keys_file =
	    arena_string(arena, settings_text(s, SETTING_auth_jwt_keys));
	a->token_parameter =
	    arena_string(arena, settings_text(s, SETTING_auth_token_parameter));
	a->cached_tokens = take_u32(s, SETTING_auth_cached_tokens);
	a->max_waiting = take_u32(s, SETTING_auth_max_waiting);
	a->expiring_ms = take_u32(s, SETTING_auth_expiring_ms);
	a->allow_anonymous = settings_bool(s, SETTING_auth_allow_anonymous);
	a->rules = (struct jwt_rules){
	    .issuer =
		arena_text(arena, settings_text(s, SETTING_auth_jwt_issuer)),
	    .user_claim = arena_text(
		arena, settings_text(s, SETTING_auth_jwt_user_claim)),
	    .roles_claim = arena_text(
		arena, settings_text(s, SETTING_auth_jwt_roles_claim)),
	    .leeway_ms = take_u32(s, SETTING_auth_jwt_leeway_ms),
	    .needs_expiry = settings_bool(s, SETTING_auth_jwt_needs_expiry),
	};
	a->nodes =
	    take_texts(o, settings_list(s, SETTING_auth_nodes), &a->node_count);
	a->module = arena_text(arena, settings_text(s, SETTING_auth_module));
	a->function =
	    arena_text(arena, settings_text(s, SETTING_auth_function));
	a->headers = take_texts(
	    o, settings_list(s, SETTING_auth_headers), &a->header_count);
	a->timeout_ms = take_u32(s, SETTING_auth_timeout_ms);
	a->rules.audiences =
	    take_texts(o, settings_list(s, SETTING_auth_jwt_audiences),
		&a->rules.audience_count);
}

static void
take_times(struct options *o, const struct settings *s)
{
	o->idle_timeout_ms = take_u32(s, SETTING_gateway_idle_timeout_ms);
	o->header_timeout_ms = take_u32(s, SETTING_gateway_header_timeout_ms);
	o->frame_timeout_ms = take_u32(s, SETTING_gateway_frame_timeout_ms);
	o->meet_timeout_ms = take_u32(s, SETTING_gateway_meet_timeout_ms);
	o->drain_timeout_ms = take_u32(s, SETTING_gateway_drain_timeout_ms);
	o->slow_log_us = settings_u64(s, SETTING_telemetry_slow_log_us);
	o->slow_request_us = settings_u64(s, SETTING_telemetry_slow_request_us);
	o->default_timeout_ms = take_u32(s, SETTING_gateway_default_timeout_ms);
	o->infinite_timeout_ms =
	    take_u32(s, SETTING_gateway_infinite_timeout_ms);
}

struct options *
options_create(const struct settings *s)
{
	struct options *o = MEMORY_NEW(struct options);

	arena_init(&o->arena);
	take_http(o, s);
	take_channels(o, s);
	take_nodes(o, s);
	take_limits(o, s);
	take_times(o, s);
	take_auth(o, s);
	hook_list_read(settings_list(s, SETTING_hooks), &o->arena, &o->hooks);
	o->targets.allow =
	    take_texts(o, settings_list(s, SETTING_security_allowed_targets),
		&o->targets.allow_count);
	o->node_urls = take_texts(o,
	    settings_list(s, SETTING_security_node_urls), &o->node_url_count);
	return o;
}

void
options_destroy(struct options **o)
{
	if (*o == NULL)
		return;
	arena_finish(&(*o)->arena);
	memory_free(*o);
	*o = NULL;
}

bool
options_may_dial(const struct options *o, struct text url)
{
	if (url.len == 0 || memmem(url.at, url.len, "/..", 3) != NULL)
		return false;
	for (uint32_t i = 0; i < o->node_url_count; i++) {
		if (text_matches(url, o->node_urls[i]))
			return true;
	}
	return false;
}
