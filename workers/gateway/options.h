// SPDX-License-Identifier: MIT
#ifndef WORKERS_GATEWAY_OPTIONS_H
#define WORKERS_GATEWAY_OPTIONS_H

/*
 * options - the gateway's settings, in the form its modules use them.
 *
 * Made anew at each reload and swapped as a whole, so no module ever sees
 * half of a change.
 *
 * Trust:  settings are validated; nothing here can fail.
 * Owner:  create/destroy; nothing borrows the settings they were made from.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/arguments.h"
#include "protocol/base/arena.h"
#include "protocol/function_rules.h"
#include "protocol/hook_list.h"
#include "workers/gateway/http.h"
#include "workers/gateway/jwt.h"
#include "workers/gateway/session.h"

struct settings;

struct node_address {
	struct text name;
	struct text url;
};

/* The section `auth`, but for its mode. */
struct auth_options {
	struct jwt_rules rules;
	const char *keys_file;       /* "" unless mode is jwt */
	const char *token_parameter; /* of the URL's query */
	const struct text *nodes;    /* mode function: who decides */
	uint32_t node_count;
	struct text module;
	struct text function;
	const struct text *headers; /* it is told */
	uint32_t header_count;
	uint32_t timeout_ms;
	uint32_t cached_tokens;
	uint32_t max_waiting;
	uint32_t expiring_ms;
	bool allow_anonymous;
};

struct options {
	struct arena arena; /* of everything below */
	struct http_rules http;
	struct channel_rules channels;
	struct argument_limits arguments;
	struct auth_options auth;
	struct hook_list hooks;        /* that functions may name */
	struct function_rules targets; /* what may run: allowed_targets */
	const struct node_address *nodes;
	uint32_t node_count;
	const struct text *node_urls; /* what may be dialled; * is a wildcard */
	uint32_t node_url_count;
	uint32_t idle_timeout_ms;
	uint32_t header_timeout_ms;
	uint32_t frame_timeout_ms;
	uint32_t meet_timeout_ms;
	uint32_t drain_timeout_ms;
	uint32_t default_timeout_ms;
	uint64_t slow_log_us;     /* faster calls are not among the slowest */
	uint64_t slow_request_us; /* 0: none is slow */
	uint32_t infinite_timeout_ms;
	uint32_t max_connections;
	uint32_t max_calls_per_client;
	uint32_t max_calls;
	uint32_t max_async;
	uint32_t max_streams;
	uint32_t stream_window_bytes;
	uint64_t client_buffer_bytes;
	uint64_t node_buffer_bytes;
	uint64_t total_buffer_bytes;
	uint32_t max_payload_bytes;
	bool detail_error;
	bool limiter_enabled;
	bool limiter_fail_open;
};

struct options *options_create(const struct settings *);
void options_destroy(struct options **);

/* options_may_dial: is the URL on the list, and free of ".."? */
bool options_may_dial(const struct options *, struct text url);

#endif /* WORKERS_GATEWAY_OPTIONS_H */
