// SPDX-License-Identifier: MIT
/* catalog_query: which entries are meant, pages of them, and namespaces. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "protocol/json.h"
#include "protocol/pack.h"
#include "protocol/unpack.h"
#include "workers/monitor/catalog_query.h"
#include "workers/monitor/line_count.h"

#define ADD \
	"{\"service\":\"math\",\"request_type\":\"add\",\"version\":\"1.2." \
	"0\"," \
	"\"source\":\"push\",\"nodes\":[\"m1\",\"m2\"],\"response_type\":" \
	"\"sync\"}"
#define LOCAL \
	"{\"service\":\"mail\",\"request_type\":\"send\",\"version\":null," \
	"\"source\":\"yaml\",\"nodes\":[\"local\"],\"response_type\":" \
	"\"async\"}"

static const struct catalog_place here = {.node = {"n1", 2},
    .scope = CATALOG_REGION};
static struct buffer packed;

/* pack_of gives JSON as msgpack, until the next one. */
static struct text
pack_of(const char *json)
{
	buffer_truncate(&packed, 0);
	assert_int_equal(
	    json_to_pack(text_of(json), &packed, JSON_LIMITS, NULL), OK);
	return buffer_text(&packed);
}

static bool
meets(struct catalog_query q, const char *entry)
{
	return catalog_query_meets(&q, &here, pack_of(entry));
}

#define Q(...) ((struct catalog_query){__VA_ARGS__})

static void
functions_are_met_by_what_they_have(void **state)
{
	(void)state;
	assert_true(meets(Q(0), ADD));
	assert_true(meets(Q(.space = TEXT("ma")), ADD));
	assert_false(meets(Q(.space = TEXT("add")), ADD));
	assert_true(meets(Q(.function_name = TEXT("add")), ADD));
	assert_false(meets(Q(.function_name = TEXT("ad")), ADD));
	assert_true(meets(Q(.function_id = TEXT("math/add")), ADD));
	assert_true(meets(Q(.function_id = TEXT("math/add@1.2.0")), ADD));
	assert_false(meets(Q(.function_id = TEXT("math/add@1.2")), ADD));
	assert_false(meets(Q(.function_id = TEXT("math/ad")), ADD));
	assert_false(meets(Q(.function_id = TEXT("math")), ADD));
	assert_true(meets(Q(.tags = TEXT("push,sync")), ADD));
	assert_false(meets(Q(.tags = TEXT("push,async")), ADD));
	assert_true(meets(Q(.capabilities = TEXT("sync")), ADD));
	assert_false(meets(Q(.capabilities = TEXT("push")), ADD));
	assert_false(meets(Q(.resources = TEXT("gpu")), ADD));
	assert_true(meets(
	    Q(.resources = TEXT("gpu")), "{\"resources\":[\"disk\",\"gpu\"]}"));
}

static void
a_node_is_where_a_function_runs(void **state)
{
	(void)state;
	assert_true(meets(Q(.node_id = TEXT("m2")), ADD));
	assert_false(meets(Q(.node_id = TEXT("n1")), ADD));
	assert_true(meets(Q(.node_id = TEXT("n1")), LOCAL));
	assert_true(meets(Q(.kind = CATALOG_QUEUES, .node_id = TEXT("n1")),
	    "{\"name\":\"default\"}"));
	assert_true(meets(Q(.kind = CATALOG_NODES, .node_id = TEXT("m1")),
	    "{\"name\":\"m1\",\"services\":[\"math\"]}"));
	assert_true(meets(Q(.kind = CATALOG_NODES, .space = TEXT("math")),
	    "{\"name\":\"m1\",\"services\":[\"math\"]}"));
}

static void
versions_are_of_functions(void **state)
{
	struct catalog_query q = {.has_versions = true};

	(void)state;
	assert_int_equal(version_range_read(TEXT("^1.1"), &q.versions), OK);
	assert_true(meets(q, ADD));
	assert_false(meets(q, LOCAL)); /* has none */
	q.kind = CATALOG_QUEUES;
	assert_false(meets(q, "{\"name\":\"q\",\"version\":\"1.2.0\"}"));
}

static void
queues_and_topics_have_names_of_their_own(void **state)
{
	struct catalog_query queue = {
	    .kind = CATALOG_QUEUES, .queue_name = TEXT("default")};
	struct catalog_query topic = {
	    .kind = CATALOG_TOPICS, .topic = TEXT("api:lobby")};

	(void)state;
	assert_true(meets(queue, "{\"name\":\"default\"}"));
	assert_false(meets(queue, "{\"name\":\"other\"}"));
	assert_true(meets(topic, "{\"topic\":\"api:*\"}"));
	assert_false(meets(topic, "{\"topic\":\"room:*\"}"));
	queue.kind = CATALOG_NODES;
	assert_false(meets(queue, "{\"name\":\"default\"}"));
}

static void
nobody_sees_farther_than_entries_go(void **state)
{
	(void)state;
	assert_true(meets(Q(.scope = CATALOG_REGION), ADD));
	assert_false(meets(Q(.scope = CATALOG_GLOBAL), ADD));
	assert_true(meets(Q(.cluster_id = TEXT("n1")), ADD));
	assert_false(meets(Q(.cluster_id = TEXT("n2")), ADD));
	assert_true(meets(Q(.viewer_cluster_id = TEXT("n2")), ADD));

	struct catalog_place zone = {.node = TEXT("n1"), .scope = CATALOG_ZONE};
	struct catalog_query stranger = {.viewer_cluster_id = TEXT("n2")};
	assert_false(catalog_query_meets(&stranger, &zone, pack_of(ADD)));
	stranger.viewer_cluster_id = TEXT("n1");
	assert_true(catalog_query_meets(&stranger, &zone, pack_of(ADD)));
	assert_int_equal(catalog_scope_of(TEXT("cluster")), CATALOG_ZONE);
	assert_int_equal(catalog_scope_of(TEXT("moon")), CATALOG_SCOPES);
	assert_int_equal(catalog_kind_of(TEXT("caches")), CATALOG_CACHES);
	assert_int_equal(catalog_kind_of(TEXT("")), CATALOG_KINDS);
}

/* page_of packs a page of two entries; gives its map. */
static struct text
page_of(uint64_t from, uint64_t limit, struct buffer *out)
{
	struct catalog_query q = {.from = from, .limit = limit};
	struct packer p;

	buffer_truncate(out, 0);
	pack_init(&p, out);
	pack_map(&p, 3);
	catalog_query_page(&q, &here, pack_of("[" ADD "," LOCAL "]"), &p);
	assert_int_equal(pack_finish(&p), OK);
	return buffer_text(out);
}

static void
pages_follow_one_another(void **state)
{
	struct buffer out;
	uint64_t next = 0, total = 0;
	struct text page;

	(void)state;
	buffer_init(&out, 4096);
	page = page_of(0, 1, &out);
	assert_int_equal(unpack_field_u64(page, "total", &total), OK);
	assert_int_equal(total, 2);
	assert_int_equal(unpack_field_u64(page, "next_page_token", &next), OK);
	assert_int_equal(next, 1);
	page = page_of(1, 1, &out);
	assert_int_not_equal(
	    unpack_field_u64(page, "next_page_token", &next), OK);
	buffer_finish(&out);
}

static void
each_namespace_is_told_once(void **state)
{
	struct buffer out, services;
	struct packer p;
	struct unpacker u;
	struct text name;
	uint32_t count = 0;

	(void)state;
	buffer_init(&out, 4096);
	buffer_init(&services, 4096);
	assert_int_equal(
	    json_to_pack(
		TEXT("[{\"service\":\"math\"},{\"service\":\"idle\"}]"),
		&services, JSON_LIMITS, NULL),
	    OK);
	pack_init(&p, &out);
	assert_int_equal(catalog_spaces(pack_of("[" ADD "," LOCAL "," ADD "]"),
			     buffer_text(&services), &p),
	    3);
	unpack_init(&u, buffer_text(&out));
	assert_int_equal(unpack_array(&u, &count), OK);
	assert_int_equal(count, 3);
	assert_int_equal(unpack_text(&u, &name), OK);
	assert_true(text_is(name, "idle"));
	assert_int_equal(catalog_spaces(TEXT(""), TEXT("\x01"), &p), 0);
	buffer_finish(&services);
	buffer_finish(&out);
}

static void
lines_are_counted_on_and_again_in_another_file(void **state)
{
	char path[] = "/tmp/lines-XXXXXX";
	struct line_count c = {0};
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(line_count_look(&c, path), 0);
	assert_int_equal(write(fd, "a\nb\nc", 5), 5);
	assert_int_equal(line_count_look(&c, path), 2);
	assert_int_equal(write(fd, "\n", 1), 1);
	assert_int_equal(line_count_look(&c, path), 3);
	assert_int_equal(ftruncate(fd, 2), 0);
	assert_int_equal(line_count_look(&c, path), 1);
	close(fd);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(line_count_look(&c, path), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(functions_are_met_by_what_they_have),
	    cmocka_unit_test(a_node_is_where_a_function_runs),
	    cmocka_unit_test(versions_are_of_functions),
	    cmocka_unit_test(queues_and_topics_have_names_of_their_own),
	    cmocka_unit_test(nobody_sees_farther_than_entries_go),
	    cmocka_unit_test(pages_follow_one_another),
	    cmocka_unit_test(each_namespace_is_told_once),
	    cmocka_unit_test(lines_are_counted_on_and_again_in_another_file),
	};

	buffer_init(&packed, 1 << 20);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	buffer_finish(&packed);
	return failed;
}
