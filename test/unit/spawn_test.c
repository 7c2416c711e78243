// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "protocol/base/fd.h"
#include "protocol/handover.h"
#include "supervisor/engine/obituary.h"
#include "supervisor/engine/spawn.h"

static struct spawn_plan plan;

/* run_shell runs a line of sh and gives its exit code. */
static int
run_shell(const char *line)
{
	static char dash_c[] = "-c", text[1024];
	struct spawned made;
	int status = 0;

	snprintf(text, sizeof(text), "%s", line);
	plan.arguments[1] = dash_c;
	plan.arguments[2] = text;
	assert_int_equal(spawn_process(&plan, &made), OK);
	struct pollfd wait = {.fd = made.pidfd, .events = POLLIN};
	assert_int_equal(poll(&wait, 1, 5000), 1);
	assert_int_equal(waitpid(made.pid, &status, 0), made.pid);
	fd_close(&made.pidfd);
	fd_close(&made.channel);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
a_child_has_what_the_plan_gives_and_nothing_else(void **state)
{
	int forgotten = open("/dev/null", O_RDONLY); /* no CLOEXEC */
	char line[256];

	(void)state;
	spawn_plan_init(&plan, "/bin/sh");
	spawn_give(&plan, forgotten, FD_STATS);
	spawn_give(&plan, -1, FD_EVENTS);
	snprintf(line, sizeof(line),
	    "test -e /proc/self/fd/5 && test -e /proc/self/fd/3 && "
	    "! test -e /proc/self/fd/6 && ! test -e /proc/self/fd/64");
	assert_int_equal(run_shell(line), 0);
	fd_close(&forgotten);
}

static void
descriptors_may_trade_places(void **state)
{
	int a = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int b = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	char line[256];

	(void)state;
	spawn_plan_init(&plan, "/bin/sh");
	spawn_give(&plan, a, b);
	spawn_give(&plan, b, a);
	if (a != FD_PARENT && b != FD_PARENT) {
		snprintf(line, sizeof(line),
		    "test $(readlink /proc/$$/fd/%d) = /dev/null && "
		    "test $(readlink /proc/$$/fd/%d) = /dev/zero",
		    b, a);
		assert_int_equal(run_shell(line), 0);
	}
	fd_close(&a);
	fd_close(&b);
}

static void
the_environment_is_ours_without_what_is_private(void **state)
{
	(void)state;
	setenv("BANYAN_SECRET", "1", 1);
	setenv("NOTIFY_SOCKET", "/x", 1);
	setenv("OTHER", "2", 1);
	spawn_plan_init(&plan, "/bin/sh");
	spawn_set(&plan, ENV_ROLE, "relay");
	spawn_set_number(&plan, ENV_LIFE, UINT64_MAX);
	assert_int_equal(
	    run_shell("test -z \"$BANYAN_SECRET$NOTIFY_SOCKET\" && "
		      "test \"$OTHER$BANYAN_ROLE$BANYAN_LIFE\" = "
		      "2relay18446744073709551615"),
	    0);
	unsetenv("NOTIFY_SOCKET");
}

static void
signals_and_rights_are_plain_in_a_child(void **state)
{
	sigset_t set, old;

	(void)state;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, &old);
	signal(SIGINT, SIG_IGN);
	spawn_plan_init(&plan, "/bin/sh");
	assert_int_equal(
	    run_shell("grep -q 'SigBlk:.0*$' /proc/self/status && "
		      "grep -q 'SigIgn:.0*$' /proc/self/status && "
		      "grep -q 'NoNewPrivs:.1' /proc/self/status && "
		      "test $(ps -o pgid= -p $$) = $$"),
	    0);
	signal(SIGINT, SIG_DFL);
	sigprocmask(SIG_SETMASK, &old, NULL);
}

static void
an_exec_that_fails_is_told_over_the_channel(void **state)
{
	struct handover_record record;
	struct spawned made;
	int fd, before = fd_count_open();

	(void)state;
	spawn_plan_init(&plan, "/nowhere/at/all");
	assert_int_equal(spawn_process(&plan, &made), OK);
	assert_int_equal(waitpid(made.pid, NULL, 0), made.pid);
	assert_int_equal(handover_receive(made.channel, &record, &fd), OK);
	assert_int_equal(record.kind, HANDOVER_UNSTARTED);
	assert_int_equal(record.a, ENOENT);
	fd_close(&made.pidfd);
	fd_close(&made.channel);
	assert_int_equal(fd_count_open(), before);
}

/* ---- strangers ---- */

static void
a_stranger_finds_the_plans_descriptor_where_children_find_their_parent(
    void **state)
{
	int ours[2];
	char got[8] = "";

	(void)state;
	assert_int_equal(pipe(ours), 0);
	spawn_plan_bare(&plan, "/bin/sh");
	plan.is_stranger = true;
	spawn_give(&plan, ours[1], FD_PARENT);
	assert_int_equal(run_shell("echo -n here >&3; exec 3>&-; "
				   "test $(ls /proc/self/fd | wc -l) = 4"),
	    0); /* 0, 1, 2 and that of ls */
	assert_int_equal(read(ours[0], got, sizeof(got) - 1), 4);
	assert_string_equal(got, "here");
	fd_close(&ours[0]);
	fd_close(&ours[1]);
}

static void
a_strangers_channel_ends_at_exec_and_tells_only_of_failure(void **state)
{
	static char sleep_long[] = "60";
	const char *programs[] = {"/bin/sleep", "/nowhere/at/all"};
	struct handover_record record;
	struct spawned made;
	int fd;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(programs); i++) {
		spawn_plan_bare(&plan, programs[i]);
		plan.is_stranger = true;
		assert_true(spawn_argument(&plan, text_of(sleep_long)));
		assert_int_equal(spawn_process(&plan, &made), OK);
		struct pollfd wait = {.fd = made.channel, .events = POLLIN};
		assert_int_equal(poll(&wait, 1, 5000), 1);
		enum err e = handover_receive(made.channel, &record, &fd);
		assert_int_equal(e, i == 0 ? ERR_CLOSED : OK);
		if (i == 1)
			assert_int_equal(record.a, ENOENT);
		spawn_signal(made.pidfd, SIGKILL);
		assert_int_equal(waitpid(made.pid, NULL, 0), made.pid);
		fd_close(&made.pidfd);
		fd_close(&made.channel);
	}
}

static void
a_stranger_has_an_environment_from_scratch_and_limits_it_cannot_raise(
    void **state)
{
	(void)state;
	setenv("SECRET", "1", 1);
	spawn_plan_bare(&plan, "/bin/sh");
	plan.is_stranger = true;
	plan.open_files = 40;
	plan.memory_bytes = 300 << 20;
	plan.processes = 4000;
	assert_true(spawn_try_set(&plan, "ONLY", TEXT("this")));
	assert_int_equal(
	    run_shell("test \"$SECRET$ONLY\" = this && "
		      "test \"$(ulimit -Hn) $(ulimit -Hc)\" = '40 0' && "
		      "test $(ulimit -Hv) = 307200 && "
		      "grep -q 'Max processes *4000 *4000' /proc/self/limits"),
	    0);
	unsetenv("SECRET");
}

static void
what_has_no_room_in_a_plan_is_refused_not_cut(void **state)
{
	static char long_text[SPAWN_TEXT + 1];
	struct text text = {.at = long_text, .len = SPAWN_TEXT / 2 + 1};

	(void)state;
	memset(long_text, 'x', sizeof(long_text));
	spawn_plan_bare(&plan, "/bin/sh");
	assert_true(spawn_argument(&plan, text));
	assert_false(spawn_argument(&plan, text));
	assert_false(spawn_try_set(&plan, "NAME", text));
	assert_int_equal(plan.environment_count, 0);
	text.len = 1;
	for (int i = 2; i < SPAWN_ARGUMENTS; i++)
		assert_true(spawn_argument(&plan, text));
	assert_false(spawn_argument(&plan, text));
	assert_null(plan.arguments[SPAWN_ARGUMENTS]);
}

/* ---- obituaries ---- */

static void
write_about(struct child *c, uint64_t number, uint32_t most, const char *folder)
{
	struct obituary_event event = {5, "ready", TEXT("after_ms=\"1\"")};
	struct obituary o = {.child = c,
	    .now_ms = c->started_ms + 3200,
	    .farewell = "",
	    .words = "#0 main\n\x1b[31m",
	    .last_line = "",
	    .events = &event,
	    .event_count = 1,
	    .build = "1"};
	struct buffer out;
	char sentence[300];

	buffer_init(&out, 64 << 10);
	assert_int_equal(obituary_json(&o, &out), OK);
	assert_null(memchr(buffer_at(&out), 0x1b, buffer_used(&out)));
	assert_int_equal(
	    obituary_keep(folder, c->spec.name, number, most, &out), OK);
	obituary_sentence(&o, sentence, sizeof(sentence));
	assert_string_equal(sentence,
	    "life 7 was ended by SIGSEGV after 3.2 s; starts again in 100 ms");
	buffer_finish(&out);
}

static void
obituaries_are_numbered_bounded_and_free_of_control_bytes(void **state)
{
	struct child c = {.spec.name = "gateway/1",
	    .life = 7,
	    .started_ms = 1000,
	    .deadline_ms = 9,
	    .rest_ms = 100,
	    .last = {.reason = REASON_SIGNAL, .code = -1, .signal = SIGSEGV}};
	char folder[] = "/tmp/banyan-obituary.XXXXXX", path[128];

	(void)state;
	assert_non_null(mkdtemp(folder));
	assert_int_equal(obituary_next_number(folder, "gateway/1"), 1);
	for (uint64_t n = 1; n <= 5; n++)
		write_about(&c, n, 3, folder);
	assert_int_equal(obituary_next_number(folder, "gateway/1"), 6);
	for (unsigned n = 1; n <= 5; n++) {
		snprintf(
		    path, sizeof(path), "%s/gateway-1/%08u.json", folder, n);
		assert_int_equal(access(path, F_OK) == 0, n > 2);
		unlink(path);
	}
	snprintf(path, sizeof(path), "%s/gateway-1", folder);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(rmdir(folder), 0);
	struct buffer none;
	buffer_init(&none, 8);
	assert_int_equal(
	    obituary_keep("/nowhere", "x", 1, 3, &none), ERR_SYSTEM);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_child_has_what_the_plan_gives_and_nothing_else),
	    cmocka_unit_test(descriptors_may_trade_places),
	    cmocka_unit_test(the_environment_is_ours_without_what_is_private),
	    cmocka_unit_test(signals_and_rights_are_plain_in_a_child),
	    cmocka_unit_test(an_exec_that_fails_is_told_over_the_channel),
	    cmocka_unit_test(
		a_stranger_finds_the_plans_descriptor_where_children_find_their_parent),
	    cmocka_unit_test(
		a_strangers_channel_ends_at_exec_and_tells_only_of_failure),
	    cmocka_unit_test(
		a_stranger_has_an_environment_from_scratch_and_limits_it_cannot_raise),
	    cmocka_unit_test(what_has_no_room_in_a_plan_is_refused_not_cut),
	    cmocka_unit_test(
		obituaries_are_numbered_bounded_and_free_of_control_bytes),
	};

	return cmocka_run_group_tests_name("spawn", tests, NULL, NULL);
}
