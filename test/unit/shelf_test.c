// SPDX-License-Identifier: MIT
/* shelf - groups on disk: what comes back after any death, and what becomes
 * of a store that is damaged or has no room. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "protocol/shelf_writer.h"
#include "workers/relay/records.h"

static char dir[64];

static int
set_up(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/shelf_test.XXXXXX");
	assert_non_null(mkdtemp(dir));
	return 0;
}

static int
tear_down(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

static struct shelf *
opened(void)
{
	struct shelf *s;

	assert_int_equal(shelf_open(dir, &records_shape, true, &s), OK);
	return s;
}

static struct groups *
a_table(void)
{
	static const struct groups_limits limits = {
	    .groups = 100, .members = 100, .memberships = 100};
	const struct groups_watch nobody = {.ctx = NULL};
	struct groups *gs;

	groups_create_table(&gs, &limits, &nobody, (struct hash_seed){3, 4});
	return gs;
}

/* filled makes a strict group with an admin, a waiting and a muted member
 * and one that left muted; and an operator's empty one. */
static struct groups *
filled(void)
{
	struct groups *gs = a_table();
	enum member_status became;
	struct actor who = {.at = {.gateway = 7, .client = 1, .channel = 2}};

	groups_at(gs, (struct groups_now){.mono_ms = 5, .wall_ms = 1000});
	who.user = TEXT("admin");
	assert_int_equal(
	    groups_create(gs, TEXT("room"), GROUP_STRICT_PRIVATE, &who),
	    GROUPS_done);
	static const char *const users[] = {"waiting", "muted", "away"};
	for (int i = 0; i < 3; i++) {
		who.user = text_of(users[i]);
		who.at.client++;
		assert_int_equal(
		    groups_join(gs, TEXT("room"), &who, &became), GROUPS_done);
	}
	for (int i = 1; i < 3; i++) {
		struct text user = text_of(users[i]);

		assert_int_equal(groups_accept(gs, TEXT("room"), TEXT("admin"),
				     user, &became),
		    GROUPS_done);
		assert_int_equal(
		    groups_mute(gs, TEXT("room"), TEXT("admin"), user),
		    GROUPS_done);
	}
	assert_int_equal(
	    groups_leave(gs, TEXT("room"), TEXT("away")), GROUPS_done);
	assert_int_equal(
	    groups_keep(gs, TEXT("kept"), GROUP_PRIVATE, TEXT("heir")),
	    GROUPS_done);
	return gs;
}

static void
write_all(struct shelf *s, const struct groups *gs)
{
	struct buffer batch;

	buffer_init(&batch, 1 << 20);
	assert_int_equal(records_all(&batch, gs), OK);
	assert_int_equal(shelf_apply(s, buffer_text(&batch), true), OK);
	buffer_finish(&batch);
}

static void
what_was_written_comes_back_field_by_field(void **state)
{
	struct groups *gs = filled(), *back = a_table();
	struct shelf *s = opened();

	(void)state;
	write_all(s, gs);
	shelf_close(&s);
	s = opened();
	assert_int_equal(records_load(s, back), OK);
	groups_restored(back);
	struct group *g = groups_find(back, TEXT("room"));
	assert_non_null(g);
	assert_int_equal(g->type, GROUP_STRICT_PRIVATE);
	assert_int_equal(g->member_count, 3);
	assert_int_equal(g->active_count, 1);
	assert_int_equal(g->muted_count, 1);
	assert_int_equal(g->absent_count, 1);
	struct member *m = groups_member(back, g, TEXT("admin"));
	assert_true(m->is_admin);
	assert_int_equal(m->joined_ms, 1000);
	assert_int_equal(m->at.gateway, 7);
	assert_int_equal(m->at.client, 1);
	assert_int_equal(m->at.channel, 2);
	assert_true(groups_member(back, g, TEXT("away"))->is_absent);
	struct group *kept = groups_find(back, TEXT("kept"));
	assert_true(kept->is_kept);
	assert_true(kept->is_quiet);
	assert_string_equal(kept->heir, "heir");
	assert_int_equal(back->last_member, gs->last_member);
	assert_int_equal(back->last_group, gs->last_group);
	shelf_close(&s);
	groups_destroy_table(&gs);
	groups_destroy_table(&back);
}

static enum err
count_them(void *ctx, uint32_t table, uint64_t number, struct text t)
{
	uint64_t *sum = ctx;

	(void)t;
	sum[table]++;
	sum[2] += number;
	return OK;
}

static void
a_batch_is_all_or_nothing_and_drops_what_is_gone(void **state)
{
	struct shelf *s = opened();
	struct buffer batch;
	uint64_t sum[3] = {0};

	(void)state;
	buffer_init(&batch, 1024);
	assert_int_equal(shelf_put(&batch, SHELF_GROUPS, 300, TEXT("a")), OK);
	assert_int_equal(shelf_put(&batch, SHELF_MEMBERS, 2, TEXT("b")), OK);
	assert_int_equal(shelf_put(&batch, SHELF_MEMBERS, 9, TEXT("c")), OK);
	assert_int_equal(shelf_drop(&batch, SHELF_MEMBERS, 2), OK);
	assert_int_equal(shelf_drop(&batch, SHELF_MEMBERS, 1000), OK);
	assert_int_equal(shelf_apply(s, buffer_text(&batch), false), OK);
	assert_int_equal(shelf_apply(s, TEXT(""), false), OK);
	assert_int_equal(shelf_read(s, count_them, sum), OK);
	assert_int_equal(sum[SHELF_GROUPS], 1);
	assert_int_equal(sum[SHELF_MEMBERS], 1);
	assert_int_equal(sum[2], 309);
	buffer_truncate(&batch, 0);
	static char much[2048];
	assert_int_equal(shelf_put(&batch, SHELF_GROUPS, 1,
			     (struct text){much, sizeof(much)}),
	    ERR_FULL);
	assert_int_equal(buffer_used(&batch), 0);
	buffer_finish(&batch);
	shelf_close(&s);
}

static void
a_full_disk_refuses_and_what_was_there_stays(void **state)
{
	const struct rlimit most = {256 * 1024, RLIM_INFINITY};
	struct rlimit before;
	struct shelf *s = opened();
	struct groups *gs = filled();
	static char much[1 << 20];
	struct buffer batch;
	uint64_t sum[3] = {0};

	(void)state;
	write_all(s, gs);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &most), 0);
	buffer_init(&batch, 2 << 20);
	assert_int_equal(shelf_put(&batch, SHELF_GROUPS, 50,
			     (struct text){much, sizeof(much)}),
	    OK);
	assert_int_not_equal(shelf_apply(s, buffer_text(&batch), false), OK);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	shelf_close(&s);
	s = opened();
	assert_int_equal(shelf_read(s, count_them, sum), OK);
	assert_int_equal(sum[SHELF_GROUPS], 2);
	assert_int_equal(sum[SHELF_MEMBERS], 4);
	assert_int_equal(shelf_apply(s, buffer_text(&batch), false), OK);
	buffer_finish(&batch);
	shelf_close(&s);
	groups_destroy_table(&gs);
}

static void
a_value_that_changed_by_itself_is_damage(void **state)
{
	struct groups *gs = filled(), *back = a_table();
	struct shelf *s = opened();
	char path[96];
	static char bytes[1 << 20];

	(void)state;
	write_all(s, gs);
	shelf_close(&s);
	snprintf(path, sizeof(path), "%s/relay/data.mdb", dir);
	int fd = open(path, O_RDWR);
	ssize_t size = read(fd, bytes, sizeof(bytes));
	assert_true(size > 0);
	int changed = 0;
	for (ssize_t i = 0; i + 7 < size; i++) {
		if (memcmp(bytes + i, "waiting", 7) == 0) {
			assert_int_equal(pwrite(fd, "W", 1, i), 1);
			changed++;
		}
	}
	assert_true(changed > 0);
	close(fd);
	s = opened();
	assert_int_equal(records_load(s, back), ERR_MALFORMED);
	shelf_close(&s);
	assert_int_equal(shelf_set_aside(dir, &records_shape, 12), OK);
	snprintf(path, sizeof(path), "%s/relay.damaged-12/data.mdb", dir);
	assert_int_equal(access(path, F_OK), 0);
	s = opened();
	shelf_close(&s);
	groups_destroy_table(&gs);
	groups_destroy_table(&back);
}

static void
a_file_that_is_no_store_is_damage(void **state)
{
	struct shelf *s = opened();
	char path[96];

	(void)state;
	shelf_close(&s);
	snprintf(path, sizeof(path), "%s/relay/data.mdb", dir);
	int fd = open(path, O_RDWR);
	for (int i = 0; i < 4096; i++)
		assert_int_equal(pwrite(fd, "rubbish!", 8, i * 8), 8);
	close(fd);
	assert_int_equal(
	    shelf_open(dir, &records_shape, true, &s), ERR_MALFORMED);
}

static enum err
die(void *ctx, uint32_t table, uint64_t number, struct text t)
{
	(void)ctx;
	(void)table;
	(void)number;
	(void)t;
	raise(SIGKILL);
	return OK;
}

static void
a_store_that_ends_three_lives_is_damage(void **state)
{
	struct groups *gs = filled();
	struct shelf *s = opened();
	int status;

	(void)state;
	write_all(s, gs);
	uint64_t sum[3] = {0};
	assert_int_equal(shelf_read(s, count_them, sum), OK);
	shelf_close(&s);
	for (int life = 0; life < 3; life++) {
		pid_t child = fork();

		if (child == 0) {
			if (shelf_open(dir, &records_shape, true, &s) == OK)
				(void)!shelf_read(s, die, NULL);
			_exit(1);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status));
	}
	assert_int_equal(
	    shelf_open(dir, &records_shape, true, &s), ERR_MALFORMED);
	groups_destroy_table(&gs);
}

static void
a_writer_killed_anywhere_leaves_whole_batches(void **state)
{
	int status;

	(void)state;
	for (unsigned round = 0; round < 30; round++) {
		pid_t child = fork();

		if (child == 0) {
			struct shelf *s;
			struct buffer batch;

			if (shelf_open(dir, &records_shape, false, &s) != OK)
				_exit(1);
			buffer_init(&batch, 1 << 20);
			for (uint64_t n = 0;; n++) {
				buffer_truncate(&batch, 0);
				for (uint64_t i = 0; i < 10; i++)
					(void)!shelf_put(&batch, SHELF_MEMBERS,
					    n % 50 * 10 + i, TEXT("abcdef"));
				(void)!shelf_apply(
				    s, buffer_text(&batch), n % 7 == 0);
			}
		}
		usleep(3000 + round * 700);
		kill(child, SIGKILL);
		assert_int_equal(waitpid(child, &status, 0), child);
		struct shelf *s;
		uint64_t sum[3] = {0};
		assert_int_equal(
		    shelf_open(dir, &records_shape, false, &s), OK);
		assert_int_equal(shelf_read(s, count_them, sum), OK);
		assert_int_equal(sum[SHELF_MEMBERS] % 10, 0);
		shelf_close(&s);
	}
}

static uint32_t jobs_done;

static void
job_is_done(void *ctx)
{
	const struct shelf_job *job = ctx;

	assert_int_equal(job->err, OK);
	jobs_done++;
}

static void
the_thread_commits_one_job_after_the_other(void **state)
{
	static struct shelf_job job;
	struct shelf_writer keeper;
	struct loop *loop;
	uint64_t sum[3] = {0};

	(void)state;
	job = (struct shelf_job){.shelf = opened()};
	jobs_done = 0;
	buffer_init(&job.batch, 1 << 16);
	assert_int_equal(loop_create(&loop), OK);
	assert_int_equal(
	    shelf_writer_start(&keeper, loop, job_is_done, &job), OK);
	for (uint64_t n = 1; n <= 20; n++) {
		buffer_truncate(&job.batch, 0);
		assert_int_equal(
		    shelf_put(&job.batch, SHELF_GROUPS, n, TEXT("g")), OK);
		shelf_writer_give(&keeper, &job);
		while (jobs_done < n)
			loop_turn(loop, 1000);
	}
	shelf_writer_finish(&keeper);
	assert_int_equal(shelf_read(job.shelf, count_them, sum), OK);
	assert_int_equal(sum[SHELF_GROUPS], 20);
	buffer_finish(&job.batch);
	shelf_close(&job.shelf);
	loop_destroy(&loop);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(what_was_written_comes_back_field_by_field),
	    TEST(a_batch_is_all_or_nothing_and_drops_what_is_gone),
	    TEST(a_full_disk_refuses_and_what_was_there_stays),
	    TEST(a_value_that_changed_by_itself_is_damage),
	    TEST(a_file_that_is_no_store_is_damage),
	    TEST(a_store_that_ends_three_lives_is_damage),
	    TEST(the_thread_commits_one_job_after_the_other),
	    TEST(a_writer_killed_anywhere_leaves_whole_batches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
