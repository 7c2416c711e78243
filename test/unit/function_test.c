// SPDX-License-Identifier: MIT
/* function - what is accepted, what is refused, and the words for it. */

#include "protocol/arguments.h"
#include "test/unit/function_rig.h"

static void
a_function_wrong_in_everything_hears_all_seventeen_texts_in_order(void **state)
{
	static const char *const texts[] = {
	    "request_type must be a non-empty string",
	    "service must not be nil",
	    "nodes must be a valid list, MFA tuple, or :local",
	    "choose_node_mode must be :random, :hash, {:hash, key}, "
	    ":round_robin, or {:sticky, key}",
	    "timeout must be a positive integer between 100 and 300000, or "
	    ":infinity",
	    "mfa must be a valid {module, function, args} tuple",
	    "argument validation failed: arg_types is nil but arg_orders is "
	    "not empty",
	    "response_type must be :sync, :async, :stream, or :none",
	    "check_permission must be false, :any_authenticated, {:arg, "
	    "arg_name}, or {:role, roles}",
	    "permission_callback must be nil or a valid {module, function, "
	    "args} tuple",
	    "request_info must be a boolean",
	    "version must be a valid version string (e.g., '1.0.0')",
	    "retry must be nil, a positive number, {:same_node, number}, or "
	    "{:all_nodes, number}",
	    "before_execute must be nil or a valid {module, function} or "
	    "{module, function, args} tuple",
	    "after_execute must be nil or a valid {module, function} or "
	    "{module, function, args} tuple",
	    "hook_timeout must be a positive integer",
	    "result_encoder must be nil or a valid {module, function, args} "
	    "tuple",
	};
	struct problems p =
	    judge("{'request_type':'','service':null,'nodes':[],"
		  "'choose_node_mode':'best','timeout':99,'mfa':'x',"
		  "'arg_orders':['a'],'response_type':'later',"
		  "'check_permission':true,'permission_callback':1,"
		  "'request_info':'yes','version':'0.0.0','retry':0,"
		  "'before_execute':[],'after_execute':5,'hook_timeout':0,"
		  "'result_encoder':5}");

	(void)state;
	for (uint32_t i = 0; i < COUNT_OF(texts); i++)
		assert_problem(&p, i, texts[i]);
	assert_int_equal(p.count, COUNT_OF(texts));
}

static void
the_readme_sample_registers_with_the_documented_defaults(void **state)
{
	struct function f = read_one(GOOD(",'arg_types':{'user_id':'string'}"));
	struct problems p = {.count = 0};

	(void)state;
	assert_true(function_check_all(&f, &no_rules, &arena, &p));
	assert_int_equal(f.choose, FUNCTION_CHOOSE_RANDOM);
	assert_int_equal(f.timeout_ms, FUNCTION_DEFAULT_TIMEOUT);
	assert_int_equal(f.response, FUNCTION_SYNC);
	assert_int_equal(f.orders_kind, FUNCTION_ORDERS_LIST);
	assert_int_equal(f.order_count, 0);
	assert_int_equal(f.permission, FUNCTION_PERMISSION_FALSE);
	assert_int_equal(f.hook_timeout_ms, 5000);
	assert_false(f.request_info);
	assert_false(f.disabled);
	assert_false(f.idempotent);
	assert_int_equal(f.version.len, 0);
}

#define TIMEOUT_TEXT \
	"timeout must be a positive integer between 100 and 300000, or " \
	":infinity"
#define RETRY_TEXT \
	"retry must be nil, a positive number, {:same_node, number}, or " \
	"{:all_nodes, number}"
#define CALLBACK_TEXT \
	"permission_callback must be nil or a valid {module, function, " \
	"args} tuple"
#define PERMISSION_TEXT \
	"check_permission must be false, :any_authenticated, {:arg, " \
	"arg_name}, or {:role, roles}"
#define MODE_TEXT \
	"choose_node_mode must be :random, :hash, {:hash, key}, " \
	":round_robin, or {:sticky, key}"
#define NODES_TEXT   "nodes must be a valid list, MFA tuple, or :local"
#define MFA_TEXT     "mfa must be a valid {module, function, args} tuple"
#define VERSION_TEXT "version must be a valid version string (e.g., '1.0.0')"

static void
a_timeout_is_100_to_300000_or_infinity(void **state)
{
	static const struct row rows[] = {
	    {"'timeout':99", TIMEOUT_TEXT},
	    {"'timeout':100", NULL},
	    {"'timeout':300000", NULL},
	    {"'timeout':300001", TIMEOUT_TEXT},
	    {"'timeout':'infinity'", NULL},
	    {"'timeout':'forever'", TIMEOUT_TEXT},
	    {"'timeout':-1", TIMEOUT_TEXT},
	    {"'timeout':500.5", TIMEOUT_TEXT},
	    {"'timeout':null", TIMEOUT_TEXT},
	};

	(void)state;
	assert_rows(rows, COUNT_OF(rows));
}

static void
a_retry_is_a_positive_number_in_one_of_three_forms(void **state)
{
	static const struct row rows[] = {
	    {"'retry':0", RETRY_TEXT},
	    {"'retry':-3", RETRY_TEXT},
	    {"'retry':'3'", RETRY_TEXT},
	    {"'retry':{'same_node':0}", RETRY_TEXT},
	    {"'retry':{'some_node':2}", RETRY_TEXT},
	    {"'retry':[3]", RETRY_TEXT},
	    {"'retry':3", NULL},
	    {"'retry':0.5", NULL},
	    {"'retry':{'same_node':2}", NULL},
	    {"'retry':{'all_nodes':5}", NULL},
	    {"'retry':null", NULL},
	};

	(void)state;
	assert_rows(rows, COUNT_OF(rows));
}

static void
a_retry_is_cut_down_to_a_count(void **state)
{
	static const struct {
		const char *notation;
		uint32_t count;
		enum function_retry mode;
	} rows[] = {
	    {"{'retry':3}", 3, FUNCTION_RETRY_ALL_NODES},
	    {"{'retry':2.9}", 2, FUNCTION_RETRY_ALL_NODES},
	    {"{'retry':0.5}", 0, FUNCTION_RETRY_ALL_NODES},
	    {"{'retry':{'same_node':2}}", 2, FUNCTION_RETRY_SAME_NODE},
	    {"{'retry':{'all_nodes':5}}", 5, FUNCTION_RETRY_ALL_NODES},
	    {"{'retry':99999999999}", UINT32_MAX, FUNCTION_RETRY_ALL_NODES},
	    {"{'retry':null}", 0, FUNCTION_RETRY_ALL_NODES},
	    {"{}", 0, FUNCTION_RETRY_ALL_NODES},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct function f = read_one(rows[i].notation);

		assert_int_equal(f.retry_count, rows[i].count);
		assert_int_equal(f.retry_mode, rows[i].mode);
	}
}

static void
every_form_of_a_field_is_known_and_no_other(void **state)
{
	static const struct row rows[] = {
	    {"'choose_node_mode':'round_robin'", NULL},
	    {"'choose_node_mode':'hash'", NULL},
	    {"'choose_node_mode':{'hash':'user_id'}", NULL},
	    {"'choose_node_mode':{'hash':5}", MODE_TEXT},
	    {"'choose_node_mode':{'sticky':'user_id'}", NULL},
	    {"'choose_node_mode':{'sticky':5}", MODE_TEXT},
	    {"'choose_node_mode':{'custom':['M','f']}", NULL},
	    {"'choose_node_mode':{'custom':['M']}", MODE_TEXT},
	    {"'choose_node_mode':{'custom':['os','f']}",
		"MFA not allowed: {:os, :f, []}"},
	    {"'choose_node_mode':{'custom':['M','f']},'nodes':'local'",
		"choose_node_mode custom needs a list of nodes"},
	    {"'nodes':{'resolver':['M','f',[1]]}", NULL},
	    {"'nodes':{'resolver':{'module':'M','function':'f'}}", NULL},
	    {"'nodes':{'resolver':['os','f']}",
		"MFA not allowed: {:os, :f, []}"},
	    {"'choose_node_mode':null", MODE_TEXT},
	    {"'nodes':'everywhere'", NODES_TEXT},
	    {"'nodes':['a',5]", NODES_TEXT},
	    {"'nodes':['']", NODES_TEXT},
	    {"'nodes':{'resolver':{'module':'M'}}", NODES_TEXT},
	    {"'mfa':{'module':'M'}", MFA_TEXT},
	    {"'mfa':['M','f']", NULL},
	    {"'mfa':['M','f',[1,'x']]", NULL},
	    {"'mfa':['M','f',null]", NULL},
	    {"'mfa':['M']", MFA_TEXT},
	    {"'mfa':['M','f',5]", MFA_TEXT},
	    {"'mfa':['M',5,[]]", MFA_TEXT},
	    {"'mfa':['','f',[]]", MFA_TEXT},
	    {"'mfa':{'module':'','function':'f'}", MFA_TEXT},
	    {"'mfa':{'module':'M','function':'f','args':5}", MFA_TEXT},
	    {"'mfa':{'module':'M','function':'f','args':[1,'x']}", NULL},
	    {"'version':'1.0.0'", NULL},
	    {"'version':'any text'", NULL},
	    {"'version':null", NULL},
	    {"'version':''", VERSION_TEXT},
	    {"'version':'0.0.0'", VERSION_TEXT},
	    {"'version':5", VERSION_TEXT},
	    {"'hook_timeout':1", NULL},
	    {"'request_info':true", NULL},
	    {"'disabled':true", NULL},
	    {"'idempotent':true", NULL},
	    {"'permission_callback':{'module':'M','function':'f'}", NULL},
	    {"'permission_callback':{'module':'M','function':'f','args':[1]}",
		NULL},
	    {"'permission_callback':null", NULL},
	    {"'permission_callback':{'module':'M'}", CALLBACK_TEXT},
	    {"'permission_callback':['M']", CALLBACK_TEXT},
	    {"'permission_callback':['M','f']", NULL},
	    {"'permission_callback':['M','f',[1],2]", CALLBACK_TEXT},
	    {"'permission_callback':{'module':'os','function':'cmd'}",
		"MFA not allowed: {:os, :cmd, []}"},
	    {"'check_permission':'any_authenticated'", NULL},
	    {"'check_permission':{'arg':'user_id'}", NULL},
	    {"'check_permission':{'arg':5}", PERMISSION_TEXT},
	    {"'check_permission':{'role':['admin']}", NULL},
	    {"'check_permission':{'role':[]}", NULL},
	    {"'check_permission':{'role':'admin'}", PERMISSION_TEXT},
	    {"'check_permission':'everybody'", PERMISSION_TEXT},
	};

	(void)state;
	assert_rows(rows, COUNT_OF(rows));
}

#define POOL_TEXT "pool must be a non-empty string of at most 64 bytes"
#define OWN_TEXT  "local and relay must be the only node of a function"

static void
a_function_of_our_own_tree_has_one_node_and_maybe_a_pool(void **state)
{
	static const struct row rows[] = {
	    {"'nodes':'local'", NULL},
	    {"'nodes':'local','pool':'images'", NULL},
	    {"'nodes':'local','pool':null", NULL},
	    {"'nodes':'local','pool':''", POOL_TEXT},
	    {"'nodes':'local','pool':7", POOL_TEXT},
	    {"'nodes':'local','pool':'0123456789012345678901234567890123456789"
	     "0123456789012345678901234'",
		POOL_TEXT},
	    {"'pool':'images'", "pool needs nodes: local"},
	    {"'nodes':['relay']", NULL},
	    {"'nodes':['local']", NULL},
	    {"'nodes':['a','relay']", OWN_TEXT},
	};
	struct function f;

	(void)state;
	assert_rows(rows, COUNT_OF(rows));
	f = read_one("{'nodes':['relay']}");
	assert_true(function_is_own(&f));
	f = read_one("{'nodes':'local'}");
	assert_true(function_is_own(&f));
	f = read_one("{'nodes':['relay@host','locals']}");
	assert_false(function_is_own(&f));
}

static void
arg_types_and_arg_orders_must_agree_and_the_reason_says_how(void **state)
{
#define WHY "argument validation failed: "
	static const struct row rows[] = {
	    {"'arg_types':null,'arg_orders':null", NULL},
	    {"'arg_types':null,'arg_orders':[]", NULL},
	    {"'arg_types':null,'arg_orders':'map'",
		WHY "arg_types is nil but arg_orders is not empty"},
	    {"'arg_types':null,'arg_orders':['a']",
		WHY "arg_types is nil but arg_orders is not empty"},
	    {"'arg_types':{},'arg_orders':null", NULL},
	    {"'arg_types':{},'arg_orders':[]", NULL},
	    {"'arg_types':{},'arg_orders':'map'",
		WHY "arg_types is empty but arg_orders is not"},
	    {"'arg_types':{'a':'num'},'arg_orders':[]", NULL},
	    {"'arg_types':{'a':'num'}", NULL},
	    {"'arg_types':{'a':'num'},'arg_orders':'map'", NULL},
	    {"'arg_types':{'a':'num','b':'num'},'arg_orders':['b','a']", NULL},
	    {"'arg_types':{'a':'num','b':'num'},'arg_orders':['a']",
		WHY "arg_types count (2) does not match arg_orders count (1)"},
	    {"'arg_types':{'a':'num','b':'num'},'arg_orders':['a','c']",
		WHY "arg mismatch, missing: [\"b\"], extra: [\"c\"]"},
	    {"'arg_types':{'a':'num','b':'num'},'arg_orders':['a','a']",
		WHY "arg mismatch, missing: [\"b\"], extra: []"},
	    {"'arg_types':{'a':'number','b':'num'}",
		WHY "invalid arg_types configuration for: [\"a\"]"},
	    {"'arg_types':{'a':{'type':'num','max_bytes':5}}",
		WHY "invalid arg_types configuration for: [\"a\"]"},
	    {"'arg_types':{'a':{'type':'num','default':'x'}}",
		WHY "invalid arg_types configuration for: [\"a\"]"},
	    {"'arg_types':{'a':{'type':'num','defalt':1}}",
		WHY "invalid arg_types configuration for: [\"a\"]"},
	    {"'arg_types':{'a':{'max_items':1}}",
		WHY "invalid arg_types configuration for: [\"a\"]"},
	    {"'arg_types':{'a':['string',-1]}",
		WHY "invalid arg_types configuration for: [\"a\"]"},
	    {"'arg_types':{'a':'num'},'arg_orders':null",
		WHY "invalid arg_types or arg_orders format"},
	    {"'arg_types':'num'", WHY "invalid arg_types or arg_orders format"},
	    {"'arg_types':{'a':'num'},'arg_orders':5",
		WHY "invalid arg_types or arg_orders format"},
	};

	(void)state;
	assert_rows(rows, COUNT_OF(rows));
}

static void
the_installations_limits_hold_for_defaults_too(void **state)
{
	const struct argument_limits small = {
	    .string_max_bytes = 3, .list_max_items = 1, .map_max_items = 1};
	const struct function_rules tight = {.limits = &small};
	struct function f = read_one(
	    GOOD(",'arg_types':{'a':{'type':'string','default':'four'}}"));
	struct problems p = {.count = 0};

	(void)state;
	assert_true(function_check_all(&f, &no_rules, &arena, &p));
	assert_false(function_check_all(&f, &tight, &arena, &p));
	assert_problem(&p, 0,
	    "argument validation failed: invalid arg_types configuration "
	    "for: [\"a\"]");
}

static void
a_pulled_function_may_say_no_version_in_any_way(void **state)
{
	static const char *const ways[] = {GOOD(",'version':'0.0.0'"),
	    GOOD(",'version':''"), GOOD(",'version':7"), GOOD("")};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(ways); i++) {
		struct function f = read_one(ways[i]);
		struct problems p = {.count = 0};

		function_normalise_version(&f);
		assert_true(function_check(&f, &arena, &p));
		assert_int_equal(f.version.len, 0);
	}
}

static void
names_that_no_store_key_can_hold_are_refused(void **state)
{
	char notation[1024], name[200];
	struct problems p;

	(void)state;
	memset(name, 'x', sizeof(name));
	snprintf(notation, sizeof(notation),
	    "{'request_type':'%.161s','service':'%.160s','nodes':['n'],"
	    "'version':'%.65s','mfa':{'module':'M','function':'f'}}",
	    name, name, name);
	p = judge(notation);
	assert_problem(
	    &p, 0, "request_type must be UTF-8 text of at most 160 bytes");
	assert_problem(&p, 1, "version must be UTF-8 text of at most 64 bytes");
	assert_int_equal(p.count, 2);
}

static void
what_is_written_reads_back_and_equal_functions_have_equal_bytes(void **state)
{
	struct function f = read_one(
	    GOOD(",'arg_types':{'a':'num','b':['string',5]},"
		 "'arg_orders':['b','a'],'choose_node_mode':{'hash':'a'},"
		 "'version':'1.0.0','idempotent':true,'timeout':'infinity'"));
	struct function again;
	struct buffer first, second;
	struct packer p;

	(void)state;
	buffer_init(&first, 65536);
	buffer_init(&second, 65536);
	pack_init(&p, &first);
	function_write(&p, &f);
	assert_int_equal(pack_finish(&p), OK);
	assert_int_equal(pack_check(buffer_text(&first), PACK_LIMITS), OK);
	assert_int_equal(
	    function_read(buffer_text(&first), &arena, &again), OK);
	assert_true(again.idempotent);
	assert_int_equal(again.timeout_ms, FUNCTION_NO_TIMEOUT);
	assert_int_equal(again.choose, FUNCTION_CHOOSE_HASH_KEY);
	assert_true(text_is(again.choose_key, "a"));
	assert_int_equal(again.order_count, 2);
	pack_init(&p, &second);
	function_write(&p, &again);
	assert_true(text_eq(buffer_text(&first), buffer_text(&second)));
	buffer_finish(&first);
	buffer_finish(&second);
}

static void
bytes_that_are_no_map_are_not_a_function(void **state)
{
	struct function f;

	(void)state;
	assert_int_equal(
	    function_read(pack_notation(&arena, "[1]"), &arena, &f), ERR_TYPE);
	assert_int_not_equal(function_read(TEXT("\x82\xa1x"), &arena, &f), OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		a_function_wrong_in_everything_hears_all_seventeen_texts_in_order),
	    cmocka_unit_test(
		the_readme_sample_registers_with_the_documented_defaults),
	    cmocka_unit_test(a_timeout_is_100_to_300000_or_infinity),
	    cmocka_unit_test(
		a_retry_is_a_positive_number_in_one_of_three_forms),
	    cmocka_unit_test(a_retry_is_cut_down_to_a_count),
	    cmocka_unit_test(every_form_of_a_field_is_known_and_no_other),
	    cmocka_unit_test(
		a_function_of_our_own_tree_has_one_node_and_maybe_a_pool),
	    cmocka_unit_test(
		arg_types_and_arg_orders_must_agree_and_the_reason_says_how),
	    cmocka_unit_test(the_installations_limits_hold_for_defaults_too),
	    cmocka_unit_test(a_pulled_function_may_say_no_version_in_any_way),
	    cmocka_unit_test(names_that_no_store_key_can_hold_are_refused),
	    cmocka_unit_test(
		what_is_written_reads_back_and_equal_functions_have_equal_bytes),
	    cmocka_unit_test(bytes_that_are_no_map_are_not_a_function),
	};

	return cmocka_run_group_tests(tests, start, finish);
}
