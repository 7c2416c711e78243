// SPDX-License-Identifier: MIT
/*
 * page_query - /discovery/query: entries of the catalogue, filtered and paged.
 *
 * Nodes, queues and caches are told from what entry_counts is counted from, so
 * that both agree; functions and limits are asked of whoever has them.
 */

#include "protocol/mask.h"
#include "protocol/settings.h"
#include "protocol/unpack.h"
#include "workers/monitor/catalog_query.h"
#include "workers/monitor/discovery_page.h"
#include "workers/monitor/monitor.h"
#include "workers/monitor/page_ask.h"
#include "workers/monitor/pages.h"
#include "workers/monitor/records_facts.h"

enum {
	LIST_MOST = 16 << 20
};

/* ---- what was asked ---- */

static void
read_texts(const struct page *page, struct catalog_query *q)
{
	const struct {
		const char *key;
		struct text *to;
	} texts[] = {{"namespace", &q->space},
	    {"function_name", &q->function_name},
	    {"function_id", &q->function_id}, {"queue_name", &q->queue_name},
	    {"topic", &q->topic}, {"cluster_id", &q->cluster_id},
	    {"node_id", &q->node_id}, {"tag", &q->tags},
	    {"capability", &q->capabilities}, {"resource", &q->resources},
	    {"viewer_cluster_id", &q->viewer_cluster_id}};

	for (size_t i = 0; i < COUNT_OF(texts); i++)
		if (page_text(page, texts[i].key, texts[i].to) != OK)
			*texts[i].to = TEXT("");
}

static enum page_status
read_versions(struct page *page, struct catalog_query *q)
{
	struct text typed;

	if (page_text(page, "version_constraint", &typed) != OK ||
	    typed.len == 0)
		return PAGE_OK;
	q->has_versions = true;
	if (version_range_read(typed, &q->versions) == OK)
		return PAGE_OK;
	return page_fail(page, PAGE_BAD,
	    "version_constraint is like 1.2.0, 1.x, ^1.2, ~1.2.3 or >=1, <3");
}

static enum page_status
read_query(struct page *page, struct catalog_query *q)
{
	struct text kind = TEXT("functions"), scope = TEXT("local");

	*q = (struct catalog_query){.limit = 100};
	if (page_u64_in(page, "limit", 1, 10000, &q->limit) != OK ||
	    page_u64_in(page, "page_token", 0, UINT32_MAX, &q->from) != OK)
		return PAGE_BAD;
	read_texts(page, q);
	if (page_text(page, "entry_type", &kind) != OK)
		kind = TEXT("functions");
	q->kind = catalog_kind_of(kind);
	if (q->kind == CATALOG_KINDS)
		return page_fail(page, PAGE_BAD,
		    "entry_type is one of functions, nodes, topics, queues, "
		    "caches, cache_profiles");
	if (page_text(page, "scope", &scope) != OK)
		scope = TEXT("local");
	q->scope = catalog_scope_of(scope);
	if (q->scope == CATALOG_SCOPES)
		return page_fail(page, PAGE_BAD,
		    "scope is one of local, zone (or cluster), region, global");
	return read_versions(page, q);
}

/* ---- the answer ---- */

static enum page_status
answer(struct page *page, struct text list)
{
	const struct settings *s = discovery_settings(page);
	char scope[16];
	const struct catalog_place place = {
	    .node = text_of(settings_string(s, SETTING_node)),
	    .scope = catalog_scope_of(text_of(settings_choice_word(
		s, SETTING_discovery_scope, scope, sizeof(scope))))};

	pack_map(page->out, 3);
	catalog_query_page(page->ctx, &place, list, page->out);
	return PAGE_OK;
}

/* answer_made answers with a list that `make` packs. */
static enum page_status
answer_made(struct page *page, struct text from,
    void (*make)(struct page *, struct text, struct packer *))
{
	struct buffer list;
	struct packer p;
	enum page_status status;

	buffer_init(&list, LIST_MOST);
	pack_init(&p, &list);
	make(page, from, &p);
	status = pack_finish(&p) == OK
	    ? answer(page, buffer_text(&list))
	    : page_fail(page, PAGE_INTERNAL, "the list is too long to tell");
	buffer_finish(&list);
	return status;
}

/* add_all copies the items of a list; gives how many. */
static uint32_t
add_all(struct packer *p, struct text map, const char *key)
{
	struct unpacker u;
	struct text list, item;
	uint32_t total = 0, count = 0;

	if (unpack_map_find(map, text_of(key), &list) != OK)
		return 0;
	unpack_init(&u, list);
	if (unpack_array(&u, &total) != OK)
		return 0;
	for (; count < total && unpack_raw(&u, &item) == OK; count++)
		pack_raw(p, item);
	return count;
}

/* --- limits --- */

static void
make_limits(struct page *page, struct text config, struct packer *p)
{
	size_t at = pack_open(p);
	uint32_t count = add_all(p, config, "global");

	(void)page;
	pack_close_array(p, at, count + add_all(p, config, "api"));
}

static enum page_status
take_limits(struct page *page, struct text config)
{
	return answer_made(page, config, make_limits);
}

/* --- pools --- */

static void
make_queues(struct page *page, struct text pools, struct packer *p)
{
	size_t at = pack_open(p);

	(void)page;
	pack_close_array(p, at, add_all(p, pools, "pools"));
}

/* --- nodes --- */

static bool
is_asked(struct text service, const struct records_peer *node)
{
	struct unpacker u;
	struct text list, map, name;
	uint32_t count;

	if (unpack_map_find(service, TEXT("nodes"), &list) != OK)
		return false;
	unpack_init(&u, list);
	if (unpack_array(&u, &count) != OK)
		return false;
	while (count-- > 0 && unpack_raw(&u, &map) == OK)
		if ((unpack_field_text(map, "name", &name) == OK &&
			text_eq(name, node->name)) ||
		    (unpack_field_text(map, "url", &name) == OK &&
			text_eq(name, node->url)))
			return true;
	return false;
}

/* pack_services: those that are pulled from that node. */
static void
pack_services(
    struct packer *p, struct text services, const struct records_peer *node)
{
	struct unpacker u;
	struct text map, name;
	uint32_t total = 0, count = 0;

	pack_string(p, "services");
	size_t at = pack_open(p);
	unpack_init(&u, services);
	if (unpack_array(&u, &total) != OK)
		total = 0;
	while (total-- > 0 && unpack_raw(&u, &map) == OK)
		if (is_asked(map, node) &&
		    unpack_field_text(map, "service", &name) == OK) {
			pack_text(p, name);
			count++;
		}
	pack_close_array(p, at, count);
}

static void
make_nodes(struct page *page, struct text services, struct packer *p)
{
	struct records_peer *peers;
	uint32_t count =
	    records_nodes(page->monitor->records, page->arena, &peers);

	pack_array(p, count);
	for (uint32_t i = 0; i < count; i++) {
		const struct records_peer *peer = &peers[i];

		pack_map(p, 7);
		pack_field_text(p, "name", peer->name);
		pack_field_text(p, "url", peer->url);
		pack_field_text(p, "state", peer->state);
		pack_field_u64(p, "in_flight", peer->in_flight);
		pack_field_u64(p, "calls", peer->calls);
		pack_field_u64(p, "lost", peer->lost);
		pack_services(p, services, peer);
	}
}

/* --- caches --- */

/* The one cache of a tree: every gateway's table of compiled functions. */
static void
make_caches(struct page *page, struct text none, struct packer *p)
{
	const struct world *world = page->monitor->records->world;
	uint64_t functions = world_gauge(world, COUNTER_gateway_functions);

	(void)none;
	pack_array(p, functions > 0);
	if (functions == 0)
		return;
	pack_map(p, 3);
	pack_field_string(p, "name", "functions");
	pack_field_string(p, "role", "gateway");
	pack_field_u64(p, "entries", functions);
}

/* --- topics --- */

static enum page_status
answer_topics(struct page *page)
{
	const struct settings *s = discovery_settings(page);
	struct buffer list;
	struct packer p;
	struct mask m;

	mask_read(&m, settings_list(s, SETTING_security_masked_keys));
	buffer_init(&list, LIST_MOST);
	pack_init(&p, &list);
	/* written by our own packer; whoever reads this has no password */
	INVARIANT(mask_pack(&m, settings_list(s, SETTING_gateway_channels),
		      &p) == OK);
	enum page_status status = answer(page, buffer_text(&list));
	buffer_finish(&list);
	return status;
}

enum page_status
page_discovery_query(struct page *page)
{
	struct catalog_query *q = ARENA_NEW(page->arena, struct catalog_query);
	const struct gather *g = &page->monitor->records->gather;
	enum page_status status = read_query(page, q);

	if (status != PAGE_OK)
		return status;
	page->ctx = q;
	switch (q->kind) {
	case CATALOG_TOPICS:
		return answer_topics(page);
	case CATALOG_NODES:
		return answer_made(
		    page, gather_of(g, GATHERED_services), make_nodes);
	case CATALOG_QUEUES:
		return answer_made(
		    page, gather_of(g, GATHERED_pools), make_queues);
	case CATALOG_CACHES:
		return answer_made(page, TEXT(""), make_caches);
	case CATALOG_CACHE_PROFILES:
		return page_ask(page,
		    &(struct page_question){.role = ROLE_rate_limiter,
			.op = "limits.config",
			.take = take_limits});
	case CATALOG_FUNCTIONS:
	case CATALOG_KINDS:
		break;
	}
	return page_ask(page,
	    &(struct page_question){.role = ROLE_config_db,
		.op = "functions.list",
		.take = answer});
}
