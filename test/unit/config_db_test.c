// SPDX-License-Identifier: MIT
/* config_db - what becomes of the function table, without a process. */

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/unit/config_db_rig.h"
#include "workers/config_db/revoked.h"
#include "workers/config_db/show.h"
#include "workers/config_db/writer.h"

static void
what_a_service_no_longer_sends_is_removed(void **state)
{
	(void)state;
	change(CHANGE_BATCH_ADD, PULL(F("a", "") F("b", "") F("c", "")));
	assert_string_equal(visible(), "s/a s/b s/c");
	change(CHANGE_OPERATOR_ADD, "{'function':" F("mine", "") "}");
	change(CHANGE_BATCH_ADD, PULL(F("b", "")));
	assert_string_equal(visible(), "s/b s/mine");
	change(CHANGE_BATCH_ADD, PULL(""));
	assert_string_equal(visible(), "s/mine");
}

static void
an_operators_disable_survives_every_refresh(void **state)
{
	(void)state;
	change(CHANGE_BATCH_ADD, PULL(F("a", "") F("b", "")));
	assert_string_equal(
	    change(CHANGE_DISABLE, "{'service':'s','function':'a'}"),
	    "%{\"changed\" => 1}");
	change(CHANGE_BATCH_ADD,
	    PULL(F("a", ",'timeout':900") F("b", ",'timeout':900")));
	assert_string_equal(visible(), "s/a! s/b");
	change(CHANGE_ENABLE, "{'service':'s','function':'a'}");
	assert_string_equal(visible(), "s/a s/b");
}

static void
an_enable_outweighs_what_the_service_says(void **state)
{
	(void)state;
	change(CHANGE_BATCH_ADD, PULL(F("a", ",'disabled':true")));
	assert_string_equal(visible(), "s/a!");
	change(CHANGE_ENABLE, "{'service':'s','function':'a'}");
	assert_string_equal(visible(), "s/a");
}

static void
the_same_functions_again_change_no_generation(void **state)
{
	uint64_t before;

	(void)state;
	change(CHANGE_BATCH_ADD, PULL(F("a", "") F("b", "")));
	before = generation;
	/* another spelling of the same defaults */
	assert_string_equal(
	    change(CHANGE_BATCH_ADD,
		PULL(F("a", ",'choose_node_mode':'random','disabled':false")
			F("b", ""))),
	    "%{\"accepted\" => 2, \"refused\" => 0, \"unchanged\" => 2, "
	    "\"removed\" => 0, ...}");
	assert_true(generation == before);
	change(CHANGE_BATCH_ADD, PULL(F("a", ",'timeout':900") F("b", "")));
	assert_true(generation == before + 1);
}

static void
one_bad_function_does_not_block_the_others(void **state)
{
	(void)state;
	change(CHANGE_BATCH_ADD, PULL(F("old", "")));
	assert_string_equal(change(CHANGE_BATCH_ADD,
				PULL(F("a", "") "5" F("bad", ",'timeout':1")
					F("old", ",'timeout':1") F("z", ""))),
	    "%{\"accepted\" => 2, \"refused\" => 3, \"unchanged\" => 0, "
	    "\"removed\" => 0, ...}");
	/* what was good before a bad version came stays as it was */
	assert_string_equal(visible(), "s/a s/old s/z");
}

static void
the_services_name_holds_and_versions_stand_side_by_side(void **state)
{
	(void)state;
	change(CHANGE_BATCH_ADD,
	    PULL("{'request_type':'f','service':'other','nodes':['n'],"
		 "'mfa':{'module':'M','function':'f'}}" F(
		     "f", ",'version':'1.0.0'") F("f", ",'version':'2.0.0'")
		     F("g", ",'version':'0.0.0'")));
	assert_string_equal(visible(), "s/f s/f@1.0.0 s/f@2.0.0 s/g");
	change(
	    CHANGE_DISABLE, "{'service':'s','function':'f','version':'2.0.0'}");
	assert_string_equal(visible(), "s/f s/f@1.0.0 s/f@2.0.0! s/g");
}

static void
an_operator_adds_updates_and_deletes_at_run_time(void **state)
{
	(void)state;
	assert_string_equal(
	    change(CHANGE_OPERATOR_ADD, "{'function':" F("a", "") "}"),
	    "%{\"accepted\" => 1}");
	assert_string_equal(
	    change(CHANGE_OPERATOR_ADD, "{'function':" F("a", "") "}"),
	    "\"a\" of \"s\" exists; update replaces it");
	assert_string_equal(change(CHANGE_OPERATOR_UPDATE,
				"{'function':" F("a", ",'timeout':900") "}"),
	    "%{\"accepted\" => 1}");
	assert_string_equal(change(CHANGE_OPERATOR_UPDATE,
				"{'function':" F("a",
				    ",'mfa':{'module':'os',"
				    "'function':'cmd'}") "}"),
	    "MFA not allowed: {:os, :cmd, []}");
	assert_string_equal(
	    change(CHANGE_DELETE, "{'service':'s','function':'a'}"),
	    "%{\"changed\" => 1}");
	assert_string_equal(
	    change(CHANGE_DELETE, "{'service':'s','function':'a'}"),
	    "there is no function \"a\" of \"s\" without a version");
	change(CHANGE_OPERATOR_ADD, "{'function':" F("a", "") "}");
	assert_string_equal(change(CHANGE_CLEAR, "{}"), "%{\"removed\" => 1}");
	assert_string_equal(visible(), "");
}

static void
the_operators_function_stands_before_the_services(void **state)
{
	struct buffer buffer;
	struct packer p;
	struct text source;
	const struct store_names names = {TEXT("s"), TEXT("a"), {0}};

	(void)state;
	change(CHANGE_BATCH_ADD, PULL(F("a", "")));
	change(CHANGE_OPERATOR_UPDATE, "{'function':" F("a", "") "}");
	buffer_init(&buffer, 65536);
	pack_init(&p, &buffer);
	assert_int_equal(show_one(store, &names, &p), OK);
	assert_int_equal(
	    unpack_field_text(buffer_text(&buffer), "source", &source), OK);
	assert_true(text_is(source, "operator"));
	buffer_finish(&buffer);
}

static void
a_call_without_a_version_is_shown_the_highest_enabled_one(void **state)
{
	static const char *const versions[] = {
	    "10.0.0", "10.0.0-rc.1", "9.0.0"};
	const struct store_names names = {TEXT("s"), TEXT("f"), {0}};
	struct buffer buffer;
	struct packer p;
	struct text version;
	char args[128];

	(void)state;
	change(CHANGE_BATCH_ADD,
	    PULL(F("f", "") F("f", ",'version':'9.0.0'") F("f",
		",'version':'10.0.0-rc.1'") F("f", ",'version':'10.0.0'")));
	buffer_init(&buffer, 65536);
	for (size_t i = 0; i <= COUNT_OF(versions); i++) {
		bool is_last = i == COUNT_OF(versions);

		buffer_truncate(&buffer, 0);
		pack_init(&p, &buffer);
		assert_int_equal(show_one(store, &names, &p), OK);
		enum err e = unpack_field_text(
		    buffer_text(&buffer), "version", &version);

		assert_int_equal(e, is_last ? ERR_TYPE : OK);
		if (is_last)
			break;
		assert_true(text_is(version, versions[i]));
		snprintf(args, sizeof(args),
		    "{'service':'s','function':'f','version':'%s'}",
		    versions[i]);
		change(CHANGE_DISABLE, args);
	}
	buffer_finish(&buffer);
}

static void
a_pulled_function_without_nodes_runs_where_it_came_from(void **state)
{
	(void)state;
	change(CHANGE_BATCH_ADD,
	    "{'source':'pull','service':'s','nodes':['n1','n2'],'functions':["
	    "{'request_type':'a','mfa':{'module':'M','function':'f'}}]}");
	assert_string_equal(visible(), "s/a");
}

static const char *
revoked_now(void)
{
	struct inspect shown;
	struct buffer list;
	struct packer p;

	buffer_init(&list, 1 << 20);
	pack_init(&p, &list);
	assert_int_equal(revoked_list(store, rules.revoked_ms, &p), OK);
	assert_int_equal(pack_finish(&p), OK);
	inspect_init(&shown, line, sizeof(line));
	inspect_value(&shown, buffer_text(&list));
	buffer_finish(&list);
	return line;
}

static enum err
count_one(void *ctx, const struct store_revocation *r)
{
	(void)r;
	(*(int *)ctx)++;
	return OK;
}

static void
a_revocation_is_kept_with_its_time_until_it_is_forgotten(void **state)
{
	uint64_t mark = 0, before;
	int count = 0;

	(void)state;
	assert_int_equal(
	    store_read_revoked(store, count_one, &count, &mark), ERR_EXISTS);
	assert_string_equal(
	    change(CHANGE_REVOKE, "{'user':'u1'}"), "%{\"changed\" => 1}");
	before = generation;
	now_ms = 2000000;
	change(CHANGE_REVOKE, "{'jti':'u1'}");
	change(CHANGE_REVOKE, "{'user':'u1'}"); /* again: from now on */
	assert_true(generation > before);       /* readers look again */
	/* the page of a test cuts the second row */
	assert_non_null(strstr(revoked_now(),
	    "{\"jti\" => \"u1\", \"at_ms\" => 2000000, "
	    "\"until_ms\" => 7000000}, %{\"user\" => \"u1\", "));
	assert_int_equal(
	    store_read_revoked(store, count_one, &count, &mark), OK);
	assert_int_equal(count, 2);
	assert_int_equal(
	    store_read_revoked(store, count_one, &count, &mark), ERR_EXISTS);
	change(CHANGE_REVOKE_FORGET, "{'user':'u1'}");
	assert_string_equal(change(CHANGE_REVOKE_FORGET, "{'user':'u1'}"),
	    "\"u1\" is not revoked");
	assert_string_equal(
	    change(CHANGE_REVOKE, "{}"), "either a USER or --jti ID is wanted");
	assert_string_equal(change(CHANGE_REVOKE, "{'user':'a','jti':'b'}"),
	    "either a USER or --jti ID is wanted");
	assert_string_equal(revoked_now(),
	    "[%{\"jti\" => \"u1\", \"at_ms\" => 2000000, "
	    "\"until_ms\" => 7000000}]");
}

static void
a_revocation_ends_when_no_token_it_was_about_can_live(void **state)
{
	uint64_t mark = 0, before;
	int count = 0;

	(void)state;
	change(CHANGE_REVOKE, "{'user':'u1'}");
	now_ms += 1000000;
	change(CHANGE_REVOKE, "{'jti':'j1'}");
	now_ms = 1000000 + rules.revoked_ms - 1;
	assert_string_equal(
	    change(CHANGE_REVOKE_CLEANUP, "{}"), "%{\"removed\" => 0}");
	before = generation;
	now_ms += 1;
	assert_string_equal(
	    change(CHANGE_REVOKE_CLEANUP, "{}"), "%{\"removed\" => 1}");
	assert_true(generation > before); /* readers look again */
	assert_int_equal(
	    store_read_revoked(store, count_one, &count, &mark), OK);
	assert_int_equal(count, 1);
	now_ms += 1000000; /* the next one makes room by itself */
	change(CHANGE_REVOKE, "{'user':'u2'}");
	count = 0;
	assert_int_equal(
	    store_read_revoked(store, count_one, &count, &mark), OK);
	assert_int_equal(count, 1);
}

static void
an_aborted_transaction_leaves_the_last_good_state(void **state)
{
	struct table table;
	struct change c;

	(void)state;
	change(CHANGE_BATCH_ADD, PULL(F("a", "")));
	change_init(&c, CHANGE_CLEAR, pack_notation(&arena, "{}"));
	assert_int_equal(table_begin(&table, store, now_ms), OK);
	assert_int_equal(change_apply(&c, &table, &arena, &rules), OK);
	table_abort(&table);
	change_finish(&c);
	assert_string_equal(visible(), "s/a");
}

static void
a_reader_killed_inside_a_read_is_cleared_by_the_writers_check(void **state)
{
	int said[2], freed = -1, status;
	char byte;

	(void)state;
	assert_int_equal(pipe(said), 0);
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		struct store *reader;
		MDB_txn *txn;

		if (store_open(folder, STORE_READ, &reader) != OK ||
		    store_begin(reader, false, &txn) != OK ||
		    write(said[1], "r", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	assert_int_equal(read(said[0], &byte, 1), 1);
	assert_int_equal(mdb_reader_check(store->env, &freed), 0);
	assert_int_equal(freed, 0);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(mdb_reader_check(store->env, &freed), 0);
	assert_int_equal(freed, 1);
	close(said[0]);
	close(said[1]);
}

/* A writer at work, and a loop that must not notice. */
struct desk {
	struct loop *loop;
	struct writer_job job;
	uint32_t done;
};

static void
job_is_done(void *ctx)
{
	((struct desk *)ctx)->done++;
}

/* turn_until gives the writer ten seconds. */
static void
turn_until(struct desk *desk, uint32_t done)
{
	for (int i = 0; i < 1000 && desk->done < done; i++)
		loop_turn(desk->loop, 10);
	assert_int_equal(desk->done, done);
}

static void
changes_of_a_job_are_durable_together_before_the_loop_hears(void **state)
{
	struct desk desk = {.done = 0};
	struct writer writer;
	struct change a, b;

	(void)state;
	assert_int_equal(loop_create(&desk.loop), OK);
	assert_int_equal(
	    writer_start(&writer, desk.loop, job_is_done, &desk), OK);
	change_init(
	    &a, CHANGE_BATCH_ADD, pack_notation(&arena, PULL(F("a", ""))));
	change_init(&b, CHANGE_DISABLE,
	    pack_notation(&arena, "{'service':'s','function':'a'}"));
	a.next = &b;
	desk.job = (struct writer_job){
	    .store = store, .rules = &rules, .changes = &a, .now_ms = now_ms};
	writer_give(&writer, &desk.job);
	turn_until(&desk, 1);
	assert_int_equal(desk.job.err, OK);
	assert_int_equal(desk.job.functions, 1);
	assert_int_equal(b.class, CHANGE_DONE);
	generation = desk.job.generation;
	assert_string_equal(visible(), "s/a!");
	/* an empty job is a probe: it writes, and readers have nothing new */
	desk.job = (struct writer_job){
	    .store = store, .rules = &rules, .now_ms = now_ms + 1};
	writer_give(&writer, &desk.job);
	turn_until(&desk, 2);
	assert_true(desk.job.generation == generation);
	writer_finish(&writer);
	change_finish(&a);
	change_finish(&b);
	loop_destroy(&desk.loop);
}

static void
samples_show_the_greatest_enabled_version(void **state)
{
	struct buffer buffer;
	struct packer p;
	struct text sample, data, args;
	struct inspect shown;

	(void)state;
	change(CHANGE_BATCH_ADD,
	    PULL(F("f", ",'version':'9.0.0'") F("f",
		",'version':'10.0.0','arg_types':{'id':'string',"
		"'n':{'type':'num','default':7}}") F("g", ",'disabled':true")));
	buffer_init(&buffer, 65536);
	pack_init(&p, &buffer);
	assert_int_equal(show_samples(store, (struct text){0}, &arena, &p), OK);
	assert_int_equal(pack_check(buffer_text(&buffer), PACK_LIMITS), OK);
	assert_int_equal(
	    unpack_map_find(buffer_text(&buffer), TEXT("f - f"), &sample), OK);
	assert_int_equal(unpack_map_find(sample, TEXT("data"), &data), OK);
	assert_int_equal(unpack_map_find(data, TEXT("args"), &args), OK);
	inspect_init(&shown, line, sizeof(line));
	inspect_value(&shown, args);
	assert_string_equal(line, "%{\"id\" => \"\", \"n\" => 7}");
	assert_int_equal(
	    unpack_map_find(buffer_text(&buffer), TEXT("g - g"), &sample),
	    ERR_NOT_FOUND);
	buffer_finish(&buffer);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    EACH(what_a_service_no_longer_sends_is_removed),
	    EACH(an_operators_disable_survives_every_refresh),
	    EACH(an_enable_outweighs_what_the_service_says),
	    EACH(the_same_functions_again_change_no_generation),
	    EACH(one_bad_function_does_not_block_the_others),
	    EACH(the_services_name_holds_and_versions_stand_side_by_side),
	    EACH(an_operator_adds_updates_and_deletes_at_run_time),
	    EACH(the_operators_function_stands_before_the_services),
	    EACH(a_call_without_a_version_is_shown_the_highest_enabled_one),
	    EACH(a_pulled_function_without_nodes_runs_where_it_came_from),
	    EACH(a_revocation_is_kept_with_its_time_until_it_is_forgotten),
	    EACH(a_revocation_ends_when_no_token_it_was_about_can_live),
	    EACH(an_aborted_transaction_leaves_the_last_good_state),
	    EACH(a_reader_killed_inside_a_read_is_cleared_by_the_writers_check),
	    EACH(changes_of_a_job_are_durable_together_before_the_loop_hears),
	    EACH(samples_show_the_greatest_enabled_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
