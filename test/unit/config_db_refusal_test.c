// SPDX-License-Identifier: MIT
/* config_db - what is refused, the record of it, and how long that stays. */

#include "test/unit/config_db_rig.h"

/* failures shows a field of the failed records, in order. */
static const char *
failures(const char *field, const struct failed_filter *filter)
{
	struct inspect shown;
	struct buffer buffer;
	struct packer p;
	struct unpacker u;
	struct text record, value;
	MDB_txn *txn;
	uint32_t count;

	buffer_init(&buffer, 1 << 20);
	pack_init(&p, &buffer);
	assert_int_equal(store_begin(store, false, &txn), OK);
	assert_int_equal(failed_list(store, txn, filter, &p), OK);
	mdb_txn_abort(txn);
	inspect_init(&shown, line, sizeof(line));
	unpack_init(&u, buffer_text(&buffer));
	assert_int_equal(unpack_array(&u, &count), OK);
	for (uint32_t i = 0; i < count; i++) {
		assert_int_equal(unpack_raw(&u, &record), OK);
		assert_int_equal(
		    unpack_map_find(record, text_of(field), &value), OK);
		inspect_raw(&shown, i > 0 ? TEXT(" ") : TEXT(""));
		inspect_value(&shown, value);
	}
	buffer_finish(&buffer);
	return line;
}

#define BAD(name) F(name, ",'timeout':1")

static void
only_operators_offer_what_runs_in_our_own_tree(void **state)
{
	const struct failed_filter all = {.limit = 100, .now_ms = now_ms};

	(void)state;
#define OWN(name, nodes) \
	"{'request_type':'" name "','service':'s','nodes':" nodes "," \
	"'mfa':{'module':'M','function':'f'}}"
	change(CHANGE_BATCH_ADD,
	    PULL(OWN("a", "'local'") OWN("b", "['relay']") F("c", "")
		    OWN("d", "{'resolver':['M','f']}")));
	assert_string_equal(visible(), "s/c");
	assert_string_equal(failures("reason", &all),
	    "[\"nodes local and relay, resolvers and choosers are for "
	    "operators ...\"] [\"nodes local and relay, resolvers and "
	    "choosers are for operators ...\"] [\"nodes local and relay, "
	    "resolvers and choosers are for operators ...\"]");
	change(CHANGE_OPERATOR_ADD, "{'function':" OWN("a", "'local'") "}");
	change(CHANGE_OPERATOR_ADD, "{'function':" OWN("b", "['relay']") "}");
	assert_string_equal(visible(), "s/a s/b s/c");
}

static void
a_refusal_is_kept_with_sender_node_and_reasons(void **state)
{
	const struct failed_filter all = {.limit = 100, .now_ms = now_ms};

	(void)state;
	change(CHANGE_BATCH_ADD, PULL(BAD("a")));
	assert_string_equal(failures("source", &all), "\"pull\"");
	assert_string_equal(failures("node", &all), "\"n1\"");
	assert_string_equal(failures("service", &all), "\"s\"");
	assert_string_equal(failures("request_type", &all), "\"a\"");
	assert_string_equal(failures("version", &all), "nil");
	assert_string_equal(failures("inserted_at_ms", &all), "1000000");
	assert_string_equal(failures("expires_at_ms", &all), "87400000");
	assert_string_equal(failures("reason", &all),
	    "[\"timeout must be a positive integer between 100 and 300000, or "
	    ":i...\"]");
}

static void
refusals_are_filtered_limited_ordered_and_counted(void **state)
{
	struct failed_filter filter = {.limit = 100, .now_ms = now_ms};
	uint64_t count;
	MDB_txn *txn;

	(void)state;
	change(CHANGE_BATCH_ADD, PULL(BAD("a") BAD("b")));
	change(CHANGE_OPERATOR_ADD,
	    "{'function':{'request_type':'c','service':'t'}}");
	change(CHANGE_FAILED,
	    "{'source':'pull','service':'u','node':'n2','reasons':['gone']}");
	assert_string_equal(failures("id", &filter), "4 3 2 1");
	filter.is_oldest_first = true;
	assert_string_equal(failures("id", &filter), "1 2 3 4");
	filter.limit = 3;
	assert_string_equal(failures("id", &filter), "1 2 3");
	filter.source = TEXT("pull");
	assert_string_equal(failures("id", &filter), "1 2 4");
	filter.service = TEXT("u");
	assert_string_equal(failures("reason", &filter), "[\"gone\"]");
	assert_int_equal(store_begin(store, false, &txn), OK);
	assert_int_equal(failed_count(store, txn, now_ms, &count), OK);
	assert_int_equal(count, 4);
	mdb_txn_abort(txn);
}

static void
the_same_refusal_again_renews_one_record(void **state)
{
	const struct failed_filter all = {
	    .limit = 100, .now_ms = now_ms + 30000};

	(void)state;
	change(CHANGE_BATCH_ADD, PULL(BAD("a")));
	now_ms += 30000;
	change(CHANGE_BATCH_ADD, PULL(BAD("a")));
	assert_string_equal(failures("id", &all), "2");
	assert_string_equal(failures("times", &all), "2");
	assert_string_equal(failures("first_at_ms", &all), "1000000");
	assert_string_equal(failures("inserted_at_ms", &all), "1030000");
}

static void
refusals_expire_after_a_day_and_leave_at_cleanup(void **state)
{
	struct failed_filter filter = {.limit = 100};

	(void)state;
	change(CHANGE_BATCH_ADD, PULL(BAD("a")));
	now_ms += FAILED_KEEP_MS / 2;
	change(CHANGE_BATCH_ADD, PULL(BAD("b")));
	now_ms += FAILED_KEEP_MS / 2;
	filter.now_ms = now_ms;
	assert_string_equal(failures("request_type", &filter), "\"b\"");
	assert_string_equal(
	    change(CHANGE_FAILED_CLEANUP, "{}"), "%{\"removed\" => 1}");
	assert_string_equal(
	    change(CHANGE_FAILED_CLEANUP, "{}"), "%{\"removed\" => 0}");
	assert_string_equal(
	    change(CHANGE_FAILED_CLEAR, "{}"), "%{\"removed\" => 1}");
	assert_string_equal(failures("id", &filter), "");
}

static void
a_summary_counts_by_source_and_service(void **state)
{
	struct inspect shown;
	struct buffer buffer;
	struct packer p;
	struct text services;
	uint64_t pulled;
	MDB_txn *txn;

	(void)state;
	change(CHANGE_BATCH_ADD, PULL(BAD("a") BAD("b")));
	change(CHANGE_OPERATOR_ADD,
	    "{'function':{'request_type':'c','service':'t'}}");
	buffer_init(&buffer, 65536);
	pack_init(&p, &buffer);
	assert_int_equal(store_begin(store, false, &txn), OK);
	assert_int_equal(failed_summary(store, txn, now_ms, &p), OK);
	mdb_txn_abort(txn);
	assert_int_equal(
	    unpack_field_u64(buffer_text(&buffer), "pull", &pulled), OK);
	assert_int_equal(pulled, 2);
	assert_int_equal(unpack_map_find(buffer_text(&buffer),
			     TEXT("by_service"), &services),
	    OK);
	inspect_init(&shown, line, sizeof(line));
	inspect_value(&shown, services);
	assert_string_equal(line, "%{\"s\" => 2, \"t\" => 1}");
	buffer_finish(&buffer);
}

static void
a_node_outside_the_allowed_urls_is_refused_with_that_reason(void **state)
{
	(void)state;
	assert_string_equal(
	    change(CHANGE_OPERATOR_ADD,
		"{'function':{'request_type':'a','service':'s',"
		"'nodes':['tcp://127.0.0.1:9','tcp://10.0.0.1:9'],"
		"'mfa':{'module':'M','function':'f'}}}"),
	    "node \"tcp://10.0.0.1:9\" is not allowed by security.node_urls");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    EACH(only_operators_offer_what_runs_in_our_own_tree),
	    EACH(a_refusal_is_kept_with_sender_node_and_reasons),
	    EACH(refusals_are_filtered_limited_ordered_and_counted),
	    EACH(the_same_refusal_again_renews_one_record),
	    EACH(refusals_expire_after_a_day_and_leave_at_cleanup),
	    EACH(a_summary_counts_by_source_and_service),
	    EACH(a_node_outside_the_allowed_urls_is_refused_with_that_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
