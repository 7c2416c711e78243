// SPDX-License-Identifier: MIT
/*
 * settings_rules - what only several settings together can get wrong, and
 * what a type and a range cannot say: addresses, paths, names given twice.
 */

#include <arpa/inet.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "protocol/function_rules.h"
#include "protocol/settings_writer.h"

enum {
	RUNTIME_DIR_BYTES = 80, /* nng refuses longer ipc paths behind it */
	IPC_PATH_BYTES = 107    /* sun_path */
};

static struct yaml_place
place_of(const struct settings_writer *w, uint32_t value)
{
	return w->nodes[value] != NULL ? w->nodes[value]->place
				       : (struct yaml_place){0, 0};
}

struct text
settings_text_of(const struct settings_writer *w, uint32_t value)
{
	const struct settings_value *v = &w->values[value];

	if (v->at == 0)
		return TEXT("");
	return (struct text){
	    (const char *)buffer_at(&w->bytes) + v->at - SETTINGS_BYTES_AT,
	    v->len};
}

static void
check_order(struct settings_writer *w, enum setting less, enum setting more)
{
	char name[SETTING_NAME], other[SETTING_NAME];

	if (w->is_wrong[less] || w->is_wrong[more] ||
	    w->values[less].number <= w->values[more].number)
		return;
	settings_name(less, name, sizeof(name));
	settings_name(more, other, sizeof(other));
	settings_problem(w->problems,
	    place_of(w, w->nodes[less] != NULL ? less : more),
	    "%s: %" PRIu64 " is more than %s, %" PRIu64, name,
	    w->values[less].number, other, w->values[more].number);
}

static void
check_bind(struct settings_writer *w)
{
	struct text bind = settings_text_of(w, SETTING_gateway_bind);
	unsigned char address[sizeof(struct in6_addr)];
	char copy[64];

	if (w->is_wrong[SETTING_gateway_bind] ||
	    (text_copy(bind, copy, sizeof(copy)) == OK &&
		(inet_pton(AF_INET, copy, address) == 1 ||
		    inet_pton(AF_INET6, copy, address) == 1)))
		return;
	settings_problem(w->problems, place_of(w, SETTING_gateway_bind),
	    "gateway.bind: \"%s\" is no IPv4 or IPv6 address",
	    settings_quote(&w->arena, bind));
}

static void
check_mount(struct settings_writer *w)
{
	struct text mount = settings_text_of(w, SETTING_gateway_mount);
	bool is_good = mount.len > 1 && mount.at[0] == '/' &&
	    mount.at[mount.len - 1] != '/';

	for (uint32_t i = 0; i < mount.len; i++)
		if (strchr(" ?#%*", mount.at[i]) != NULL)
			is_good = false;
	if (!is_good && !w->is_wrong[SETTING_gateway_mount])
		settings_problem(w->problems,
		    place_of(w, SETTING_gateway_mount),
		    "gateway.mount: must look like /socket: a slash, a name, "
		    "no slash at the end");
}

static void
check_dir(struct settings_writer *w, enum setting id, uint32_t most)
{
	struct text dir = settings_text_of(w, id);

	if (w->is_wrong[id])
		return;
	if (dir.len == 0)
		settings_problem(w->problems, place_of(w, id),
		    "%s: nothing says where it is: set it, or $XDG_RUNTIME_DIR",
		    setting_rows[id].key);
	else if (dir.at[0] != '/')
		settings_problem(w->problems, place_of(w, id),
		    "%s: must be an absolute path, not \"%s\"",
		    setting_rows[id].key, settings_quote(&w->arena, dir));
	else if (dir.len > most)
		settings_problem(w->problems, place_of(w, id),
		    "%s: has %u bytes; a socket's path leaves room for %u",
		    setting_rows[id].key, dir.len, most);
}

static void
check_ports(struct settings_writer *w)
{
	static const struct {
		enum setting id;
		const char *name;
	} ports[] = {{SETTING_gateway_port, "gateway.port"},
	    {SETTING_monitoring_port, "monitoring.port"},
	    {SETTING_prometheus_port, "prometheus.port"}};

	for (size_t i = 1; i < COUNT_OF(ports); i++) {
		uint64_t port = w->values[ports[i].id].number;

		for (size_t k = 0; k < i; k++)
			if (port != 0 && w->values[ports[k].id].number == port)
				settings_problem(w->problems,
				    place_of(w, ports[i].id),
				    "%s: %s is %" PRIu64 " too", ports[i].name,
				    ports[k].name, port);
	}
}

/* check_prefix: it begins names that others' grammar bounds. */
static void
check_prefix(struct settings_writer *w)
{
	struct text t = settings_text_of(w, SETTING_prometheus_prefix);

	for (uint32_t i = 0; i < t.len; i++)
		if (!isalpha((unsigned char)t.at[i]) && t.at[i] != '_' &&
		    (i == 0 || !isdigit((unsigned char)t.at[i]))) {
			settings_problem(w->problems,
			    place_of(w, SETTING_prometheus_prefix),
			    "prometheus.prefix: only letters, digits and _ "
			    "make a metric's name, and no digit begins it");
			return;
		}
}

static void
check_workers(struct settings_writer *w)
{
	for (uint32_t role = 1; role < ROLE_WORKERS_END; role++) {
		uint32_t value =
		    settings_worker_value((enum role)role, WORKER_instances);

		if (role == ROLE_gateway || w->is_wrong[value] ||
		    w->values[value].number == 1)
			continue;
		settings_problem(w->problems, place_of(w, value),
		    "workers.%s.instances: there can be only one",
		    role_name((enum role)role));
	}
}

const char *
settings_url_problem(struct text url)
{
	struct text ipc = TEXT("ipc://");
	int64_t colon = -1;
	uint64_t port;

	if (text_starts_with(url, ipc)) {
		if (url.len == ipc.len || url.at[ipc.len] != '/')
			return "ipc:// needs an absolute path";
		return url.len - ipc.len > IPC_PATH_BYTES
		    ? "the path of a socket has at most 107 bytes"
		    : NULL;
	}
	if (!text_starts_with(url, TEXT("tcp://")) &&
	    !text_starts_with(url, TEXT("tls+tcp://")))
		return "must begin with ipc://, tcp:// or tls+tcp://";
	for (uint32_t i = (uint32_t)(strchr(url.at, '/') - url.at) + 2;
	     i < url.len; i++)
		if (url.at[i] == ':')
			colon = i;
	if (colon < 0 || url.at[colon - 1] == '/')
		return "needs host:port";
	if (text_to_u64((struct text){url.at + colon + 1,
			    url.len - (uint32_t)colon - 1},
		&port) != OK ||
	    port == 0 || port > 65535)
		return "needs a port from 1 to 65535 at its end";
	return NULL;
}

static void
check_url(struct settings_writer *w, const struct yaml_item *item,
    const char *name, struct text url)
{
	const char *problem = settings_url_problem(url);

	if (problem == NULL)
		return;
	char *shown = arena_alloc(&w->arena, (size_t)url.len + 1);
	memcpy(shown, url.at, url.len);
	shown[url.len] = '\0';
	text_hide_passwords(shown, url.len);
	settings_problem(w->problems, item->value->place, "%s: \"%s\": %s",
	    name, settings_quote(&w->arena, text_of(shown)), problem);
}

/* each item of a list, as it was written and as it was taken */
struct walk {
	const struct yaml_item *item;
	struct unpacker at;
	struct text span;
	uint32_t index;
};

static void
walk_start(struct walk *walk, const struct settings_writer *w, uint32_t value)
{
	uint32_t count;

	*walk = (struct walk){.index = UINT32_MAX};
	unpack_init(&walk->at, settings_text_of(w, value));
	if (w->nodes[value] != NULL && unpack_array(&walk->at, &count) == OK)
		walk->item = w->nodes[value]->items;
}

static bool
walk_next(struct walk *walk)
{
	if (walk->item != NULL && walk->index != UINT32_MAX)
		walk->item = walk->item->next;
	if (walk->item == NULL)
		return false;
	walk->index++;
	return unpack_raw(&walk->at, &walk->span) == OK;
}

/* is_new: the field's text is in no earlier item. Lists here are short. */
static bool
is_new(const struct settings_writer *w, uint32_t value, const char *field,
    uint32_t index)
{
	struct walk before;
	struct text mine = TEXT(""), other;

	walk_start(&before, w, value);
	while (walk_next(&before) && before.index < index)
		;
	if (unpack_field_text(before.span, field, &mine) != OK)
		return true;
	walk_start(&before, w, value);
	while (walk_next(&before) && before.index < index)
		if (unpack_field_text(before.span, field, &other) == OK &&
		    text_eq(mine, other))
			return false;
	return true;
}

static void
check_unique(struct settings_writer *w, enum setting id, const char *field)
{
	char name[SETTING_NAME];
	struct walk walk;

	settings_name(id, name, sizeof(name));
	walk_start(&walk, w, id);
	while (walk_next(&walk)) {
		struct text text = TEXT("");

		if (is_new(w, id, field, walk.index))
			continue;
		if (unpack_field_text(walk.span, field, &text) == OK)
			settings_problem(w->problems, walk.item->value->place,
			    "%s[%u].%s: \"%s\" is there already", name,
			    walk.index, field, settings_quote(&w->arena, text));
	}
}

static void
check_channels(struct settings_writer *w)
{
	struct walk walk;

	walk_start(&walk, w, SETTING_gateway_channels);
	while (walk_next(&walk)) {
		struct text topic = TEXT("");
		int64_t star;

		if (unpack_field_text(walk.span, "topic", &topic) != OK)
			continue;
		star = text_find(topic, '*');
		if (star >= 0 && star != (int64_t)topic.len - 1)
			settings_problem(w->problems, walk.item->value->place,
			    "gateway.channels[%u].topic: * may stand only at "
			    "the end, not in \"%s\"",
			    walk.index, settings_quote(&w->arena, topic));
	}
}

static void
check_nodes(struct settings_writer *w)
{
	struct walk walk;

	walk_start(&walk, w, SETTING_nodes);
	while (walk_next(&walk)) {
		struct text url, name;

		if (unpack_field_text(walk.span, "name", &name) == OK &&
		    function_is_own_node(name))
			settings_problem(w->problems, walk.item->value->place,
			    "nodes[%u].name: \"%.*s\" is a node of the tree "
			    "itself; choose another name",
			    walk.index, TEXT_ARG(name));
		if (unpack_field_text(walk.span, "url", &url) == OK)
			check_url(w, walk.item,
			    arena_printf(&w->arena, "nodes[%u].url", walk.index)
				.at,
			    url);
	}
}

/* A service may name its nodes instead of giving URLs. */
bool
settings_is_node(const struct settings_writer *w, struct text name)
{
	struct walk walk;
	struct text other;

	if (w->is_wrong[SETTING_nodes])
		return true; /* it may be the one that was told */
	walk_start(&walk, w, SETTING_nodes);
	while (walk_next(&walk))
		if (unpack_field_text(walk.span, "name", &other) == OK &&
		    text_eq(name, other))
			return true;
	return false;
}

static bool
has_scheme(struct text text)
{
	for (uint32_t i = 0; i + 3 <= text.len; i++)
		if (memcmp(text.at + i, "://", 3) == 0)
			return true;
	return false;
}

static void
check_service_nodes(struct settings_writer *w, const struct walk *walk)
{
	struct text list, node;
	struct unpacker at;
	uint32_t count;

	if (unpack_map_find(walk->span, TEXT("nodes"), &list) != OK)
		return;
	unpack_init(&at, list);
	if (unpack_array(&at, &count) != OK)
		return;
	for (uint32_t i = 0; i < count && unpack_text(&at, &node) == OK; i++) {
		const char *name = arena_printf(
		    &w->arena, "services[%u].nodes[%u]", walk->index, i)
				       .at;

		if (has_scheme(node))
			check_url(w, walk->item, name, node);
		else if (!settings_is_node(w, node))
			settings_problem(w->problems, walk->item->value->place,
			    "%s: \"%s\" is no URL, and `nodes` has no such "
			    "name",
			    name, settings_quote(&w->arena, node));
	}
}

static void
check_services(struct settings_writer *w)
{
	struct walk walk;

	walk_start(&walk, w, SETTING_services);
	while (walk_next(&walk))
		check_service_nodes(w, &walk);
}

struct function_rules
settings_function_rules(struct settings_writer *w)
{
	struct function_rules rules = {.allow_count = 0};
	struct unpacker at;
	struct text *allow;
	uint32_t count;

	hook_list_read(
	    settings_text_of(w, SETTING_hooks), &w->arena, &rules.hooks);
	unpack_init(&at, settings_text_of(w, SETTING_security_allowed_targets));
	if (unpack_array(&at, &count) != OK)
		return rules;
	allow = ARENA_ARRAY(&w->arena, struct text, count);
	while (rules.allow_count < count &&
	    unpack_text(&at, &allow[rules.allow_count]) == OK)
		rules.allow_count++;
	rules.allow = allow;
	return rules;
}

/* check_functions runs the same rules that config_db does. */
static void
check_functions(struct settings_writer *w)
{
	struct function_rules rules = settings_function_rules(w);
	struct walk walk;

	if (w->is_wrong[SETTING_security_allowed_targets])
		return; /* each function would hear of it */
	walk_start(&walk, w, SETTING_functions);
	while (walk_next(&walk)) {
		struct problems problems = {.count = 0};
		struct function function;

		if (function_read(walk.span, &w->arena, &function) != OK)
			continue;
		function_check_all(&function, &rules, &w->arena, &problems);
		/* the rules have bounded and escaped what they quote */
		for (uint32_t i = 0; i < problems.count; i++)
			settings_problem(w->problems, walk.item->value->place,
			    "functions[%u]: %.*s", walk.index,
			    TEXT_ARG(problems.at[i]));
	}
}

void
settings_rules(struct settings_writer *w)
{
	check_dir(w, SETTING_runtime_dir, RUNTIME_DIR_BYTES);
	check_dir(w, SETTING_state_dir, UINT8_MAX);
	check_order(w, SETTING_supervisor_rest_first_ms,
	    SETTING_supervisor_rest_cap_ms);
	check_order(w, SETTING_supervisor_start_timeout_ms,
	    SETTING_supervisor_start_most_ms);
	check_order(w, SETTING_gateway_client_buffer_bytes,
	    SETTING_gateway_total_buffer_bytes);
	check_order(w, SETTING_pools_recommendations_util_low,
	    SETTING_pools_recommendations_util_warning);
	check_order(w, SETTING_pools_recommendations_util_warning,
	    SETTING_pools_recommendations_util_critical);
	check_order(w, SETTING_pools_recommendations_min_threads,
	    SETTING_pools_recommendations_max_threads);
	check_bind(w);
	check_mount(w);
	settings_rules_auth(w);
	settings_rules_telemetry(w);
	settings_rules_security(w);
	check_ports(w);
	check_prefix(w);
	check_workers(w);
	check_channels(w);
	check_unique(w, SETTING_gateway_channels, "topic");
	check_unique(w, SETTING_nodes, "name");
	check_unique(w, SETTING_services, "service");
	check_unique(w, SETTING_hooks, "name");
	check_nodes(w);
	check_services(w);
	check_functions(w);
	settings_pools(w);
}
