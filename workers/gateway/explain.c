// SPDX-License-Identifier: MIT
/*
 * explain - the commands flow, flows and inspect: what would become of a call,
 * told by the functions that would do it.
 */

#include <stdio.h>

#include "protocol/base/memory.h"
#include "protocol/json_out.h"
#include "protocol/pack.h"
#include "protocol/store.h"
#include "workers/gateway/builtins.h"
#include "workers/gateway/flow.h"
#include "workers/gateway/gateway.h"
#include "workers/gateway/limiter.h"
#include "workers/gateway/nodes.h"
#include "workers/gateway/foresee.h"
#include "workers/gateway/prediction.h"

enum {
	FLOWS = 500, /* told when --limit says nothing */
	FLOWS_MOST = 10000,
	REQUESTS_MOST = 1000, /* in one inspect */
	CLOSEST_OF = 2000,    /* names compared with one that is unknown */
	PAYLOAD_BYTES = 4 << 20
};

/* --- flow --- */

struct wanted {
	const struct compiled *function;
	struct packer *out;
	bool is_found;
};

static enum err
visit(void *ctx, const struct store_record *record)
{
	struct wanted *wanted = ctx;
	const struct compiled *f = wanted->function;

	if (wanted->is_found || !text_eq(record->service, f->service) ||
	    !text_eq(record->request_type, f->request_type) ||
	    !text_eq(record->version, f->version))
		return OK;
	pack_raw(wanted->out, record->span);
	wanted->is_found = true;
	return OK;
}

/* pack_config: a builtin has no record, and its flow says all there is. */
static void
pack_config(struct gateway *g, struct packer *p, const struct compiled *f)
{
	struct wanted wanted = {.function = f, .out = p};
	uint64_t generation;

	pack_string(p, "config");
	if (g->store == NULL ||
	    store_read_functions(g->store, visit, &wanted, &generation) != OK ||
	    !wanted.is_found)
		pack_nil(p);
}

static struct text
optional(struct command *command, const char *key)
{
	struct text value;

	return command_text(command, key, &value) == OK ? value : TEXT("");
}

/* closest gives the function whose name is nearly that of the request. */
static const struct compiled *
closest(struct gateway *g, struct command *command, const struct request *r)
{
	const struct functions *all = &g->functions;
	uint32_t count = all->count < CLOSEST_OF ? all->count : CLOSEST_OF;
	const char **names = ARENA_ARRAY(command->arena, const char *, count);
	struct text typed = arena_printf(command->arena, "%.*s/%.*s",
	    TEXT_ARG(r->service), TEXT_ARG(r->request_type));

	for (uint32_t i = 0; i < count; i++)
		names[i] = arena_printf(command->arena, "%.*s/%.*s",
		    TEXT_ARG(all->all[i]->service),
		    TEXT_ARG(all->all[i]->request_type))
			       .at;
	int at = text_closest(typed, names, count);

	return at < 0 ? NULL : all->all[at];
}

void
gateway_cmd_flow(struct worker *w, struct command *command)
{
	struct gateway *g = worker_state(w);
	struct compiled *f;
	struct request r = {.version = optional(command, "version")};

	if (command_text(command, "service", &r.service) != OK ||
	    command_text(command, "function", &r.request_type) != OK) {
		command_fail(command, CLASS_INVALID,
		    "banyan flow user_service get_user",
		    "SERVICE and FUNCTION are wanted");
		return;
	}
	gateway_look_at_store(g);
	enum err e = builtins_find(&g->functions, &g->builtins, &r, &f);
	if (e != OK) {
		flow_pack_missing(command->result, r.service, r.request_type,
		    functions_missed(e, f),
		    e == ERR_NOT_FOUND ? closest(g, command, &r) : NULL);
		return;
	}
	pack_map(command->result, FLOW_FIELDS + 1);
	flow_pack(g, command->result, f);
	pack_config(g, command->result, f);
}

/* --- flows --- */

/* pack_listed: a disabled function has no flow. */
static void
pack_listed(struct gateway *g, struct packer *p, const struct compiled *f,
    bool is_whole)
{
	if (!is_whole || f->is_disabled) {
		flow_pack_short(p, f);
		return;
	}
	pack_map(p, FLOW_FIELDS + 1);
	flow_pack(g, p, f);
	pack_field_bool(p, "disabled", false);
}

void
gateway_cmd_flows(struct worker *w, struct command *command)
{
	struct gateway *g = worker_state(w);
	struct packer *p = command->result;
	struct text service = optional(command, "service");
	uint64_t limit = FLOWS;
	uint32_t total = 0, packed = 0;
	bool all = false, is_whole = false;

	if (command_bool(command, "all", &all) == ERR_TYPE ||
	    command_bool(command, "detail", &is_whole) == ERR_TYPE ||
	    command_u64(command, "limit", &limit) == ERR_TYPE ||
	    limit > (is_whole ? FLOWS : FLOWS_MOST)) {
		command_fail(command, CLASS_INVALID, "banyan flows --all",
		    "`all` and `detail` are true or false, `limit` a number up "
		    "to %d, with `detail` up to %d",
		    FLOWS_MOST, FLOWS);
		return;
	}
	gateway_look_at_store(g);
	pack_map(p, 2);
	pack_string(p, "flows");
	size_t place = pack_open(p);
	for (uint32_t i = 0; i < g->functions.count; i++) {
		const struct compiled *f = g->functions.all[i];

		if (((f->is_disabled || f->is_denied) && !all) ||
		    (service.len > 0 && !text_eq(service, f->service)))
			continue;
		total++;
		if (packed == limit)
			continue;
		pack_listed(g, p, f, is_whole);
		packed++;
	}
	pack_close_array(p, place, packed);
	pack_field_u64(p, "total", total);
}

/* --- inspect --- */

/* Who asks, besides what the payload says. */
struct asker {
	struct text topic;
	struct text user;
	struct text roles; /* "a,b" */
	struct text address;
	bool is_unverified;
};

static bool
read_asker(struct command *command, struct asker *a)
{
	*a = (struct asker){.topic = optional(command, "topic"),
	    .user = optional(command, "user"),
	    .roles = optional(command, "roles"),
	    .address = optional(command, "ip")};
	if (command_bool(command, "unverified", &a->is_unverified) != ERR_TYPE)
		return true;
	command_fail(
	    command, CLASS_INVALID, NULL, "`unverified` is true or false");
	return false;
}

static const struct channel_rule *
rule_of(const struct gateway *g, struct text topic)
{
	const struct channel_rules *rules = &g->options->channels;

	if (topic.len == 0)
		return rules->count > 0 ? &rules->all[0] : NULL;
	return session_match(rules, topic);
}

/* roles_of takes "a,b" or the payload's list. */
static uint32_t
roles_of(
    const struct asker *a, struct text payload, struct text to[IDENTITY_ROLES])
{
	struct text list, rest = a->roles;
	struct unpacker u;
	uint32_t count = 0, items;

	while (rest.len > 0 && count < IDENTITY_ROLES) {
		uint32_t len = 0;

		while (len < rest.len && rest.at[len] != ',')
			len++;
		to[count++] = (struct text){rest.at, len};
		len += len < rest.len;
		rest = (struct text){rest.at + len, rest.len - len};
	}
	if (count > 0 ||
	    unpack_map_find(payload, TEXT("user_roles"), &list) != OK)
		return count;
	unpack_init(&u, list);
	if (unpack_array(&u, &items) != OK)
		return 0;
	while (items-- > 0 && count < IDENTITY_ROLES &&
	    unpack_text(&u, &to[count]) == OK)
		count++;
	return count;
}

/*
 * identity_for: an inspected user is taken for verified, because what a token
 * proves cannot be told from a payload; --unverified asks as a guest.
 */
static struct identity *
identity_for(const struct asker *a, struct text payload)
{
	struct text roles[IDENTITY_ROLES];
	struct identity facts = {.user_id = a->user, .roles = roles};

	if (a->is_unverified)
		return NULL;
	if (facts.user_id.len == 0 &&
	    unpack_field_text(payload, "user_id", &facts.user_id) != OK)
		return NULL;
	if (!identity_is_user(facts.user_id))
		return NULL;
	facts.role_count = roles_of(a, payload, roles);
	return identity_create(&facts);
}

/* put_check packs one check alone: {ok} or what would be said. */
static void
put_check(
    struct packer *p, const char *key, bool is_ok, const struct foreseen *s)
{
	pack_string(p, key);
	pack_map(p, is_ok ? 1 : 4);
	pack_field_bool(p, "ok", is_ok);
	if (!is_ok)
		prediction_pack_refusal(p, s);
}

static void
pack_checks(struct gateway *g, struct packer *p, struct foresight *f)
{
	struct foreseen said = {.is_refused = false};

	pack_string(p, "checks");
	pack_map(p, f->function->callback.is_valid ? 2 : 3);
	if (!f->function->callback.is_valid)
		put_check(p, "permission", foresee_permission(f, &said), &said);
	put_check(p, "arguments", foresee_arguments(f, &said), &said);
	pack_string(p, "rate_limit");
	limiter_pack(g->limiter, p, f->function, f->client, &f->request);
}

static void
pack_request(struct packer *p, const struct request *r)
{
	pack_string(p, "request");
	pack_map(p, 6);
	pack_field_filled(p, "service", r->service);
	pack_field_filled(p, "request_type", r->request_type);
	pack_field_filled(p, "version", r->version);
	pack_field_filled(p, "user_id", r->user_id);
	pack_field_filled(p, "device_id", r->device_id);
	pack_field_filled(p, "request_id", r->request_id);
}

/* pack_one: a flow with the request and its fate; short for one of many. */
static void
pack_one(
    struct gateway *g, struct packer *p, struct foresight *f, bool is_short)
{
	if (is_short) {
		prediction_pack(p, f);
		return;
	}
	pack_map(p, 2 + (f->function != NULL ? FLOW_FIELDS + 1 : 0));
	pack_request(p, &f->request);
	pack_string(p, "prediction");
	prediction_pack(p, f);
	if (f->function == NULL)
		return;
	flow_pack(g, p, f->function);
	pack_checks(g, p, f);
}

/* explain runs one payload, as msgpack or as the JSON text itself. */
static bool
explain(struct gateway *g, const struct asker *a, struct text payload,
    struct packer *out, bool is_short)
{
	struct client *client = MEMORY_NEW(struct client);
	struct foresight f = {.client = client, .rule = rule_of(g, a->topic)};
	struct buffer json;
	struct unpacker u;

	buffer_init(&json, PAYLOAD_BYTES);
	arena_reset(&g->arena);
	client->gateway = g;
	client->state = CLIENT_OPEN;
	client->identity = identity_for(a, payload);
	snprintf(
	    client->peer, sizeof(client->peer), "%.*s", TEXT_ARG(a->address));
	unpack_init(&u, payload);
	bool is_ok = f.rule != NULL &&
	    (unpack_text(&u, &f.payload) == OK ||
		pack_to_json(payload, &json, NULL) == OK);
	if (is_ok) {
		if (f.payload.at == NULL)
			f.payload = buffer_text(&json);
		foresee(g, &f);
		pack_one(g, out, &f, is_short);
	}
	identity_release(&client->identity);
	buffer_finish(&json);
	memory_free(client);
	return is_ok;
}

static void
fail_unread(struct command *command, const struct asker *a)
{
	if (a->topic.len > 0)
		command_fail(command, CLASS_NOT_FOUND,
		    "`banyan settings show gateway` lists the channels",
		    "no channel may be joined as `%.*s`", TEXT_ARG(a->topic));
	else
		command_fail(command, CLASS_INVALID, NULL,
		    "the request has no form in JSON, or no channel is "
		    "configured");
}

void
gateway_cmd_inspect(struct worker *w, struct command *command)
{
	struct gateway *g = worker_state(w);
	struct packer *p = command->result;
	struct text payload, one;
	struct asker asker;
	struct unpacker u;
	uint32_t count;
	bool is_ok = true;

	if (command_value(command, "json", &payload) != OK) {
		command_fail(command, CLASS_INVALID,
		    "banyan inspect "
		    "'{\"service\":\"s\",\"request_type\":\"f\",\"args\":{}}'",
		    "a request is wanted, as a client would send it");
		return;
	}
	if (!read_asker(command, &asker))
		return;
	unpack_init(&u, payload);
	if (unpack_array(&u, &count) != OK) {
		if (!explain(g, &asker, payload, p, false))
			fail_unread(command, &asker);
		return;
	}
	if (count == 0 || count > REQUESTS_MOST) {
		command_fail(command, CLASS_INVALID, NULL,
		    "a list has 1 to %d requests", REQUESTS_MOST);
		return;
	}
	pack_map(p, 1);
	pack_string(p, "predictions");
	pack_array(p, count);
	while (is_ok && count-- > 0 && unpack_raw(&u, &one) == OK)
		is_ok = explain(g, &asker, one, p, true);
	if (!is_ok)
		fail_unread(command, &asker);
}
