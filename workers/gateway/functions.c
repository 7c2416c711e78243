// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * The store is walked in order (service, request type, version), and so is
 * the old table: both are merged like two sorted lists, and what has kept its
 * revision is taken over as it is. A lookup hashes service and name to the
 * first of its versions; there are few of them.
 */

#include "workers/gateway/functions.h"

#include <string.h>

#include "protocol/base/memory.h"
#include "protocol/events.h"
#include "protocol/function_rules.h"
#include "protocol/hash.h"
#include "protocol/json_out.h"
#include "protocol/store.h"
#include "protocol/version.h"
#include "workers/gateway/function_places.h"
#include "workers/gateway/nodes.h"

/* One look at the store under way. */
struct look {
	const struct functions *old;
	const struct functions_context *context;
	struct compiled **all;
	uint32_t count;
	uint32_t room;
	uint32_t at; /* in the old table */
	uint32_t compiled;
};

void
functions_init(struct functions *f)
{
	*f = (struct functions){.all = NULL};
}

void
functions_hold(struct compiled *c)
{
	c->holds++;
}

void
functions_release(struct compiled *c)
{
	INVARIANT(c->holds > 0);
	if (--c->holds > 0)
		return;
	for (uint32_t i = 0; i < c->node_count; i++)
		nodes_release(c->nodes[i]);
	if (c->chooser_node != NULL)
		nodes_release(c->chooser_node);
	if (c->hook_node != NULL)
		nodes_release(c->hook_node);
	if (c->places != NULL)
		function_places_leave(c->places, c->place);
	arena_finish(&c->arena);
	memory_free(c);
}

struct function_counts *
functions_count_in(struct compiled *c, struct function_places *places)
{
	const struct function_who who = {.route = c->route,
	    .service = c->service,
	    .request_type = c->request_type,
	    .version = c->version};

	c->places = places;
	c->place = function_places_take(places, &who);
	c->counts = function_places_counts(places, c->place);
	return c->counts;
}

static void
drop_table(struct functions *f)
{
	for (uint32_t i = 0; i < f->count; i++)
		functions_release(f->all[i]);
	memory_free(f->all);
	memory_free(f->table);
	f->all = NULL;
	f->table = NULL;
	f->count = f->table_size = 0;
}

void
functions_finish(struct functions *f)
{
	drop_table(f);
}

static struct text
quoted(struct arena *arena, struct text name)
{
	struct buffer b;

	buffer_init(&b, 16 * FUNCTION_NAME_BYTES);
	INVARIANT(json_put_text(&b, name, NULL) == OK);
	struct text json = arena_text(arena, buffer_text(&b));
	buffer_finish(&b);
	return json;
}

static void
take_nodes(struct compiled *c, struct nodes *nodes, const struct function *f)
{
	static const struct text local = {.at = "local", .len = 5};
	bool is_local = f->nodes_kind == FUNCTION_NODES_LOCAL;
	const struct text *names = is_local ? &local : f->nodes;
	uint32_t n = is_local ? 1 : f->node_count;

	c->is_resolved = f->nodes_kind == FUNCTION_NODES_RESOLVER;
	uint32_t room = c->is_resolved ? FUNCTION_NODES : n + 1;
	c->nodes = ARENA_ARRAY(&c->arena, struct node *, room);
	c->node_hashes = ARENA_ARRAY(&c->arena, uint64_t, room);
	for (uint32_t i = 0; i < n; i++) {
		c->nodes[i] = nodes_hold(nodes, names[i]);
		c->node_hashes[i] = choose_node_hash(names[i]);
	}
	c->node_count = n;
}

/* take_chooser: who picks the nodes is asked in the tree's own pool. */
static void
take_chooser(struct compiled *c, struct nodes *nodes, const struct function *f)
{
	if (f->nodes_kind == FUNCTION_NODES_RESOLVER)
		c->chooser = f->resolver;
	else if (f->choose == FUNCTION_CHOOSE_CUSTOM)
		c->chooser = f->chooser;
	if (c->chooser.is_valid)
		c->chooser_node = nodes_hold(nodes, TEXT("local"));
}

/* take_hooks: they run in the tree's own pools. */
static void
take_hooks(struct compiled *c, const struct functions_context *context,
    const struct function *f)
{
	c->hooks = hook_set_compile(f, context->hooks, &c->arena);
	if (c->hooks != NULL)
		c->hook_node = nodes_hold(context->nodes, TEXT("local"));
}

static void
take_choose(struct compiled *c, const struct function *f)
{
	c->choose = CHOOSE_RANDOM;
	if (f->choose == FUNCTION_CHOOSE_ROUND_ROBIN)
		c->choose = CHOOSE_ROUND_ROBIN;
	if (f->choose == FUNCTION_CHOOSE_HASH ||
	    f->choose == FUNCTION_CHOOSE_HASH_KEY)
		c->choose = CHOOSE_HASH;
	if (f->choose == FUNCTION_CHOOSE_STICKY)
		c->choose = CHOOSE_STICKY;
	if (f->choose == FUNCTION_CHOOSE_HASH_KEY ||
	    f->choose == FUNCTION_CHOOSE_STICKY)
		c->choose_key = arena_text(&c->arena, f->choose_key);
	c->choose_key_hash = hash_name(c->choose_key);
}

static void
take_callback(struct compiled *c, const struct function *f)
{
	if (f->permission_callback != FUNCTION_GIVEN)
		return;
	c->callback = f->callback; /* its texts are in our own span */
	c->callback_shown = arena_printf(&c->arena, "{callback,%.*s.%.*s}",
	    TEXT_ARG(c->callback.module), TEXT_ARG(c->callback.function));
}

/* route_of names the function for its round-robin counter and its figures. */
static uint64_t
route_of(struct compiled *c)
{
	struct text name =
	    arena_printf(&c->arena, "%.*s/%.*s/%.*s", TEXT_ARG(c->service),
		TEXT_ARG(c->request_type), TEXT_ARG(c->version));

	return hash_name(name);
}

/* is_callable: config_db refuses the rest; a store of tomorrow may not. */
static bool
is_callable(const struct function *f)
{
	return f->response != FUNCTION_RESPONSE_INVALID &&
	    f->permission != FUNCTION_PERMISSION_INVALID &&
	    f->permission_callback != FUNCTION_BROKEN &&
	    f->nodes_kind != FUNCTION_NODES_INVALID && f->target.is_valid &&
	    f->hook_timeout_ms > 0;
}

/* may_run: the rules may have changed since config_db let it in. */
static bool
may_run(const struct functions_context *context, const struct function *f,
    const struct store_record *record)
{
	struct event_word service, type;

	if (context->targets == NULL || function_may_run(f, context->targets))
		return true;
	event_note(EVENT_target_denied, "service=%s request_type=%s",
	    event_word(&service, record->service),
	    event_word(&type, record->request_type));
	return false;
}

static struct compiled *
compile(
    const struct functions_context *context, const struct store_record *record)
{
	struct compiled *c = MEMORY_NEW(struct compiled);
	struct function f;
	struct text reason;

	arena_init(&c->arena);
	c->holds = 1;
	struct text span = arena_text(&c->arena, record->span);
	if (function_read(span, &c->arena, &f) != OK || !is_callable(&f) ||
	    arguments_compile(
		&f, context->limits, &c->arena, &c->arguments, &reason) != OK) {
		functions_release(c);
		return NULL;
	}
	c->service = arena_text(&c->arena, record->service);
	c->request_type = arena_text(&c->arena, record->request_type);
	c->version = arena_text(&c->arena, record->version);
	c->type_json = quoted(&c->arena, c->request_type);
	c->module = f.target.module;
	c->function = f.target.function;
	c->timeout_ms = f.timeout_ms;
	c->pool = arena_text(&c->arena, f.pool);
	c->response = f.response;
	c->is_idempotent = f.idempotent;
	c->is_operators = record->source == STORE_OPERATOR ||
	    record->source == STORE_SETTINGS;
	c->wants_info = f.request_info;
	c->retry_mode = f.retry_mode;
	c->retry_count = f.retry_count;
	c->revision = record->revision;
	c->settings_mark = context->settings_mark;
	c->is_denied = !may_run(context, &f, record);
	c->route = route_of(c);
	if (c->is_denied) /* nothing of it is ever asked or called */
		return c;
	permission_compile(&f, &c->arena, &c->permission);
	take_callback(c, &f);
	take_choose(c, &f);
	take_nodes(c, context->nodes, &f);
	take_chooser(c, context->nodes, &f);
	take_hooks(c, context, &f);
	return c;
}

static int
compare(const struct compiled *c, const struct store_record *r)
{
	int order = text_compare(c->service, r->service);

	if (order == 0)
		order = text_compare(c->request_type, r->request_type);
	return order != 0 ? order : text_compare(c->version, r->version);
}

/* known finds the record in the old table, where we are or further on. */
static struct compiled *
known(struct look *look, const struct store_record *record)
{
	const struct functions *old = look->old;

	while (look->at < old->count && compare(old->all[look->at], record) < 0)
		look->at++;
	if (look->at == old->count)
		return NULL;
	struct compiled *c = old->all[look->at];
	return compare(c, record) == 0 && c->revision == record->revision &&
		c->settings_mark == look->context->settings_mark
	    ? c
	    : NULL;
}

static enum err
visit(void *ctx, const struct store_record *record)
{
	struct look *look = ctx;
	struct compiled *c = known(look, record);

	if (c != NULL) {
		functions_hold(c);
	} else {
		c = compile(look->context, record);
		if (c == NULL)
			return OK;
		look->compiled++;
	}
	c->is_disabled = record->is_disabled;
	if (look->count == look->room) {
		look->room = look->room == 0 ? 64 : look->room * 2;
		look->all =
		    memory_grow(look->all, look->room * sizeof(*look->all));
	}
	look->all[look->count++] = c;
	return OK;
}

static uint64_t
mix(struct text service, struct text request_type)
{
	/* FNV-1a over names we were told of by services: strangers can look
	   names up here but cannot put any in */
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (uint32_t i = 0; i < service.len; i++)
		h = (h ^ (uint8_t)service.at[i]) * UINT64_C(0x100000001b3);
	h = (h ^ 0xff) * UINT64_C(0x100000001b3);
	for (uint32_t i = 0; i < request_type.len; i++)
		h = (h ^ (uint8_t)request_type.at[i]) * UINT64_C(0x100000001b3);
	return h ^ h >> 32;
}

static bool
is_same_name(const struct compiled *a, const struct compiled *b)
{
	return text_eq(a->service, b->service) &&
	    text_eq(a->request_type, b->request_type);
}

/* index_names enters the first version of each name into the table. */
static void
index_names(struct functions *f)
{
	f->table_size = 16;
	while (f->table_size < f->count * 2)
		f->table_size *= 2;
	f->table = memory_new(f->table_size * sizeof(*f->table));
	for (uint32_t i = 0; i < f->count; i++) {
		if (i > 0 && is_same_name(f->all[i - 1], f->all[i]))
			continue;
		uint64_t at = mix(f->all[i]->service, f->all[i]->request_type);
		while (f->table[at & (f->table_size - 1)] != 0)
			at++;
		f->table[at & (f->table_size - 1)] = i + 1;
	}
}

enum err
functions_read(struct functions *f, struct store *store,
    const struct functions_context *context, uint32_t *compiled)
{
	struct look look = {.old = f, .context = context};
	uint64_t generation;
	enum err e = store_read_functions(store, visit, &look, &generation);
	struct functions next = {
	    .all = look.all,
	    .count = look.count,
	    .generation = generation,
	    .settings_mark = context->settings_mark,
	    .is_read = true,
	};

	*compiled = look.compiled;
	if (e != OK) {
		drop_table(&next);
		return e;
	}
	drop_table(f);
	*f = next;
	index_names(f);
	return OK;
}

void
functions_add(struct functions *f, const struct functions_context *context,
    const struct store_record *record)
{
	const struct functions none = {.all = NULL};
	struct look look = {
	    .old = &none, .context = context, .all = f->all, .count = f->count};

	look.room = f->count; /* exactly: such tables are short */
	enum err e = visit(&look, record);
	INVARIANT(e == OK);
	f->all = look.all;
	f->count = look.count;
}

void
functions_index(struct functions *f)
{
	index_names(f);
}

/* first_of gives the first version of a name, or NULL. */
static struct compiled **
first_of(
    const struct functions *f, struct text service, struct text request_type)
{
	if (f->table_size == 0)
		return NULL;
	for (uint64_t at = mix(service, request_type);; at++) {
		uint32_t i = f->table[at & (f->table_size - 1)];

		if (i == 0)
			return NULL;
		if (text_eq(f->all[i - 1]->request_type, request_type) &&
		    text_eq(f->all[i - 1]->service, service))
			return &f->all[i - 1];
	}
}

/* is_better: any version beats none, a higher one a lower one. */
static bool
is_better(const struct compiled *best, const struct compiled *c)
{
	if (best == NULL || best->version.len == 0)
		return true;
	return c->version.len > 0 &&
	    version_compare(c->version, best->version) > 0;
}

enum err
functions_find(const struct functions *f, struct text service,
    struct text request_type, struct text version, struct compiled **to)
{
	struct compiled **at = first_of(f, service, request_type);
	struct compiled *const *end = f->all + f->count;
	struct compiled *best = NULL, *denied = NULL;

	*to = NULL;
	if (at == NULL)
		return ERR_NOT_FOUND;
	enum err otherwise = version.len == 0 ? ERR_DENIED : ERR_NOT_FOUND;
	for (const struct compiled *first = *at;
	     at < end && is_same_name(first, *at); at++) {
		bool is_exact =
		    version.len > 0 && text_eq((*at)->version, version);

		if (is_exact && (*at)->is_disabled)
			return ERR_DENIED;
		if ((!is_exact && version.len > 0) || (*at)->is_disabled)
			continue;
		if ((*at)->is_denied)
			denied = *at;
		else if (is_exact || is_better(best, *at))
			best = *at;
	}
	*to = best != NULL ? best : denied;
	return best != NULL ? OK : denied != NULL ? ERR_DENIED : otherwise;
}

const char *
functions_missed(enum err e, const struct compiled *found)
{
	if (e != ERR_DENIED)
		return "not_found";
	return found != NULL ? "denied" : "disabled";
}

bool
functions_is_operators(
    const struct functions *f, struct text service, struct text request_type)
{
	struct compiled **at = first_of(f, service, request_type);
	struct compiled *const *end = f->all + f->count;

	for (; at != NULL && at < end && text_eq((*at)->service, service) &&
	     text_eq((*at)->request_type, request_type);
	     at++)
		if ((*at)->is_operators)
			return true;
	return false;
}
