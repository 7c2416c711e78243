// SPDX-License-Identifier: MIT
#include "workers/monitor/catalog_query.h"

#include <stdlib.h>

#include "protocol/base/memory.h"
#include "protocol/unpack.h"

enum catalog_kind
catalog_kind_of(struct text word)
{
	static const char *const words[CATALOG_KINDS] = {
	    [CATALOG_FUNCTIONS] = "functions",
	    [CATALOG_NODES] = "nodes",
	    [CATALOG_QUEUES] = "queues",
	    [CATALOG_TOPICS] = "topics",
	    [CATALOG_CACHES] = "caches",
	    [CATALOG_CACHE_PROFILES] = "cache_profiles"};
	uint32_t i = 0;

	while (i < CATALOG_KINDS && !text_is(word, words[i]))
		i++;
	return (enum catalog_kind)i;
}

enum catalog_scope
catalog_scope_of(struct text word)
{
	static const char *const words[CATALOG_SCOPES] = {
	    "local", "zone", "region", "global"};
	uint32_t i = 0;

	if (text_is(word, "cluster"))
		return CATALOG_ZONE;
	while (i < CATALOG_SCOPES && !text_is(word, words[i]))
		i++;
	return (enum catalog_scope)i;
}

/* ---- what an entry has ---- */

static struct text
field(struct text entry, const char *key)
{
	struct text value;

	return unpack_field_text(entry, key, &value) == OK ? value : TEXT("");
}

typedef bool is_wanted(struct text has, struct text wanted);

static bool
is_same(struct text has, struct text wanted)
{
	return text_eq(has, wanted);
}

static bool
begins_so(struct text has, struct text wanted)
{
	return text_starts_with(has, wanted);
}

/* has is true when the field, or one text of it if it is a list, is meant. */
static bool
has(struct text entry, const char *key, is_wanted *meant, struct text wanted)
{
	struct unpacker u;
	struct text value, one;
	uint32_t count;

	if (unpack_map_find(entry, text_of(key), &value) != OK)
		return false;
	unpack_init(&u, value);
	if (unpack_text(&u, &one) == OK)
		return one.len > 0 && meant(one, wanted);
	if (unpack_array(&u, &count) != OK)
		return false;
	while (count-- > 0 && unpack_raw(&u, &value) == OK) {
		struct unpacker item;

		unpack_init(&item, value);
		if (unpack_text(&item, &one) == OK && meant(one, wanted))
			return true;
	}
	return false;
}

/* has_all: each of the words between commas stands in one of these keys. */
static bool
has_all(struct text entry, struct text words, const char *const *keys)
{
	while (words.len > 0) {
		int64_t comma = text_find(words, ',');
		struct text one = words;
		bool is_there = false;

		if (comma >= 0)
			one.len = (uint32_t)comma;
		words.at += one.len + (comma >= 0);
		words.len -= one.len + (comma >= 0);
		for (uint32_t i = 0; keys[i] != NULL; i++)
			is_there |= has(entry, keys[i], is_same, one);
		if (one.len > 0 && !is_there)
			return false;
	}
	return true;
}

/* ---- one entry ---- */

static bool
is_function(struct text entry, struct text id)
{
	struct text parts[] = {field(entry, "service"),
	    field(entry, "request_type"), field(entry, "version")};
	static const char between[] = {'/', '@'};

	for (uint32_t i = 0; i < COUNT_OF(parts); i++) {
		if (!text_starts_with(id, parts[i]))
			return false;
		id.at += parts[i].len;
		id.len -= parts[i].len;
		if (i > 0 && id.len == 0)
			return true;
		if (i == COUNT_OF(between) || id.len == 0 ||
		    *id.at != between[i])
			return false;
		id.at++;
		id.len--;
	}
	return false;
}

static bool
is_at(const struct catalog_query *q, const struct catalog_place *place,
    struct text entry)
{
	struct text nodes;

	if (q->kind == CATALOG_NODES)
		return text_eq(field(entry, "name"), q->node_id) ||
		    text_eq(field(entry, "url"), q->node_id);
	if (has(entry, "nodes", is_same, q->node_id))
		return true;
	if (!text_eq(q->node_id, place->node))
		return false;
	return unpack_map_find(entry, TEXT("nodes"), &nodes) != OK ||
	    has(entry, "nodes", is_same, TEXT("local"));
}

/* is_in_sight: an entry is seen from as far away as it goes. */
static bool
is_in_sight(const struct catalog_query *q, const struct catalog_place *place)
{
	bool is_stranger = q->viewer_cluster_id.len > 0 &&
	    !text_eq(q->viewer_cluster_id, place->node);

	return q->scope <= place->scope &&
	    (!is_stranger || place->scope >= CATALOG_REGION) &&
	    (q->cluster_id.len == 0 || text_eq(q->cluster_id, place->node));
}

static bool
has_name(const struct catalog_query *q, struct text entry)
{
	if (q->space.len > 0 && !has(entry, "service", begins_so, q->space) &&
	    !has(entry, "services", begins_so, q->space))
		return false;
	if (q->function_name.len > 0 &&
	    !text_eq(field(entry, "request_type"), q->function_name))
		return false;
	if (q->function_id.len > 0 && !is_function(entry, q->function_id))
		return false;
	if (q->queue_name.len > 0 &&
	    (q->kind != CATALOG_QUEUES ||
		!text_eq(field(entry, "name"), q->queue_name)))
		return false;
	return q->topic.len == 0 ||
	    (q->kind == CATALOG_TOPICS &&
		text_matches(q->topic, field(entry, "topic")));
}

bool
catalog_query_meets(const struct catalog_query *q,
    const struct catalog_place *place, struct text entry)
{
	static const char *const tags[] = {
	    "source", "state", "response_type", "tags", NULL};
	static const char *const capabilities[] = {
	    "response_type", "capabilities", NULL};
	static const char *const resources[] = {"resources", NULL};

	if (!is_in_sight(q, place) || !has_name(q, entry))
		return false;
	if (q->node_id.len > 0 && !is_at(q, place, entry))
		return false;
	if (q->has_versions &&
	    (q->kind != CATALOG_FUNCTIONS ||
		!version_range_has(&q->versions, field(entry, "version"))))
		return false;
	return has_all(entry, q->tags, tags) &&
	    has_all(entry, q->capabilities, capabilities) &&
	    has_all(entry, q->resources, resources);
}

/* ---- a page of them ---- */

void
catalog_query_page(const struct catalog_query *q,
    const struct catalog_place *place, struct text list, struct packer *p)
{
	struct unpacker u;
	struct text entry;
	uint32_t total = 0, count = 0;
	uint64_t met = 0;

	unpack_init(&u, list);
	if (unpack_array(&u, &total) != OK)
		total = 0;
	pack_string(p, "items");
	size_t at = pack_open(p);
	for (uint32_t i = 0; i < total && unpack_raw(&u, &entry) == OK; i++) {
		if (!catalog_query_meets(q, place, entry) || met++ < q->from ||
		    count == q->limit)
			continue;
		pack_raw(p, entry);
		count++;
	}
	pack_close_array(p, at, count);
	pack_field_u64(p, "total", met);
	pack_string(p, "next_page_token");
	if (q->from + count < met)
		pack_u64(p, q->from + count);
	else
		pack_nil(p);
}

/* ---- namespaces ---- */

static uint32_t
take_spaces(struct text list, struct text *to)
{
	struct unpacker u;
	struct text entry;
	uint32_t total = 0, count = 0;

	unpack_init(&u, list);
	if (unpack_array(&u, &total) != OK)
		return 0;
	while (total-- > 0 && unpack_raw(&u, &entry) == OK) {
		struct text name = field(entry, "service");

		/* a service's functions mostly stand together */
		if (name.len > 0 &&
		    (count == 0 || !text_eq(name, to[count - 1])))
			to[count++] = name;
	}
	return count;
}

static uint32_t
length_of(struct text list)
{
	struct unpacker u;
	uint32_t count;

	unpack_init(&u, list);
	return unpack_array(&u, &count) == OK ? count : 0;
}

static int
by_name(const void *a, const void *b)
{
	return text_compare(*(const struct text *)a, *(const struct text *)b);
}

uint32_t
catalog_spaces(struct text functions, struct text services, struct packer *p)
{
	size_t room = (size_t)length_of(functions) + length_of(services);
	struct text *names = memory_new((room + 1) * sizeof(*names));
	uint32_t count = take_spaces(functions, names);
	uint32_t different = 0;

	count += take_spaces(services, names + count);
	qsort(names, count, sizeof(*names), by_name);
	size_t at = pack_open(p);
	for (uint32_t i = 0; i < count; i++)
		if (i == 0 || !text_eq(names[i], names[i - 1])) {
			pack_text(p, names[i]);
			different++;
		}
	pack_close_array(p, at, different);
	memory_free(names);
	return different;
}
