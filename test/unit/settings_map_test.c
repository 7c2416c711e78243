// SPDX-License-Identifier: MIT
/* The settings as every process has them: sealed, compared, shown. */

#include "test/unit/settings_rig.h"

/* ---- the memory file ----------------------------------------------------- */

static void
the_memory_file_cannot_be_changed(void **state)
{
	int fd;

	(void)state;
	assert_int_equal(read_text(TEXT(""), &fd), OK);
	assert_true(pwrite(fd, "x", 1, 0) < 0);
	assert_true(ftruncate(fd, 10) < 0);
	assert_true(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			0) == MAP_FAILED);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
}

/* copy_of_good gives the bytes of a good file in a fresh memory file. */
static int
copy_of_good(size_t size, size_t flip, bool is_sealed)
{
	static uint8_t bytes[1 << 20];
	ssize_t len;
	int from, to = memfd_create("copy", MFD_ALLOW_SEALING);

	assert_int_equal(read_text(TEXT(""), &from), OK);
	len = pread(from, bytes, sizeof(bytes), 0);
	assert_true(len > 0);
	close(from);
	if (flip > 0)
		bytes[flip % (size_t)len] ^= 0x10;
	if (size == 0 || size > (size_t)len)
		size = (size_t)len;
	assert_int_equal(write(to, bytes, size), size);
	if (is_sealed)
		fcntl(to, F_ADD_SEALS,
		    F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
	return to;
}

static enum err
open_copy(size_t size, size_t flip, bool is_sealed)
{
	int fd = copy_of_good(size, flip, is_sealed);
	struct settings *s;
	enum err err = settings_open(fd, &s);

	settings_close(&s);
	close(fd);
	return err;
}

static void
a_memory_file_that_is_not_whole_is_refused(void **state)
{
	(void)state;
	assert_int_equal(open_copy(0, 0, true), OK);
	assert_int_equal(open_copy(0, 0, false), ERR_MALFORMED);
	assert_int_equal(open_copy(8, 0, true), ERR_MALFORMED);
	assert_int_equal(open_copy(500, 0, true), ERR_MALFORMED);
	assert_int_equal(open_copy(0, 1, true), ERR_MALFORMED);
	assert_int_equal(open_copy(0, 4, true), ERR_VERSION);
	for (size_t flip = 16; flip < 2000; flip += 7)
		assert_int_equal(open_copy(0, flip, true), ERR_MALFORMED);
}

/* ---- what changed -------------------------------------------------------- */

static void
a_diff_names_each_change_and_who_acts_on_it(void **state)
{
	struct settings *old = good("");
	struct settings *next =
	    good("gateway: {port: 1, idle_timeout_ms: 2000}\n"
		 "workers: {gateway: {nofile: 5, restarts: 1}}\n"
		 "nodes: [{name: a, url: \"tcp://h:1\"}]\n");
	struct settings_change c[8];

	(void)state;
	assert_int_equal(settings_diff(old, old, c, COUNT_OF(c)), 0);
	assert_int_equal(settings_diff(old, next, c, COUNT_OF(c)), 5);
	assert_string_equal(c[0].name, "gateway.port");
	assert_false(c[0].is_live);
	assert_int_equal(c[0].role, ROLE_guard);
	assert_string_equal(c[1].name, "gateway.idle_timeout_ms");
	assert_true(c[1].is_live);
	assert_int_equal(c[1].role, ROLE_gateway);
	assert_string_equal(c[2].name, "nodes");
	assert_string_equal(c[3].name, "workers.gateway.restarts");
	assert_int_equal(c[3].role, ROLE_supervisor);
	assert_string_equal(c[4].name, "workers.gateway.nofile");
	assert_int_equal(c[4].role, ROLE_gateway);
	assert_int_equal(settings_diff(old, next, c, 1), 5);
	settings_close(&old);
	settings_close(&next);
}

/* is_answered: a role answers a reload so, and names the keys that wait. */
static void
is_answered(struct settings_lives lives, enum role role,
    enum reload_result wanted, const char *waiting)
{
	char keys[100];

	assert_int_equal(
	    settings_reload_result(&lives, role, keys, sizeof(keys)), wanted);
	assert_string_equal(keys, waiting);
}

static void
what_builds_the_tree_waits_for_the_supervisor(void **state)
{
	struct settings *one = good("");
	struct settings *two = good("workers: {gateway: {instances: 2}}\n");
	struct settings_lives more = {one, one, two};

	(void)state;
	is_answered(more, ROLE_gateway, RELOAD_UNCHANGED, "");
	is_answered(more, ROLE_supervisor, RELOAD_NEEDS_RESTART,
	    "workers.gateway.instances");
	settings_close(&one);
	settings_close(&two);
}

static void
a_reload_is_answered_from_what_concerns_the_role(void **state)
{
	static const char waits[] = "workers.gateway.nofile";
	struct settings *old = good("");
	struct settings *live = good("gateway: {idle_timeout_ms: 2000}\n");
	struct settings *deep = good("workers: {gateway: {nofile: 5}}\n");
	struct settings_lives same = {old, old, old};
	struct settings_lives at_once = {old, old, live};
	struct settings_lives later = {old, old, deep};
	struct settings_lives again = {old, deep, deep};
	struct settings_lives taken_back = {old, deep, old};

	(void)state;
	is_answered(same, ROLE_gateway, RELOAD_UNCHANGED, "");
	is_answered(at_once, ROLE_gateway, RELOAD_APPLIED, "");
	is_answered(at_once, ROLE_puller, RELOAD_UNCHANGED, "");
	is_answered(later, ROLE_gateway, RELOAD_NEEDS_RESTART, waits);
	/* the next reload does not forget it, and taking it back does */
	is_answered(again, ROLE_gateway, RELOAD_NEEDS_RESTART, waits);
	is_answered(taken_back, ROLE_gateway, RELOAD_UNCHANGED, "");
	settings_close(&old);
	settings_close(&live);
	settings_close(&deep);
}

static void
equal_settings_have_equal_checksums_whatever_their_number(void **state)
{
	struct settings *a = good("# one\ngateway: {port: 4000}\n");
	struct settings *b = good("");

	(void)state;
	assert_int_equal(settings_checksum(a), settings_checksum(b));
	settings_close(&a);
	settings_close(&b);
}

static void
settings_can_be_shown_as_a_map(void **state)
{
	struct settings *s = good("");
	struct text map, gateway;
	struct buffer out;
	struct packer p;
	uint64_t port = 0;

	(void)state;
	buffer_init(&out, 1 << 20);
	pack_init(&p, &out);
	assert_int_equal(settings_pack(s, NULL, &p), OK);
	map = buffer_text(&out);
	assert_int_equal(pack_check(map, PACK_LIMITS), OK);
	assert_int_equal(unpack_map_find(map, TEXT("gateway"), &gateway), OK);
	assert_int_equal(unpack_field_u64(gateway, "port", &port), OK);
	assert_int_equal(port, 4000);
	buffer_truncate(&out, 0);
	pack_init(&p, &out);
	assert_int_equal(settings_pack(s, "workers.puller", &p), OK);
	assert_int_equal(pack_check(buffer_text(&out), PACK_LIMITS), OK);
	assert_int_equal(settings_pack(s, "nope", &p), ERR_NOT_FOUND);
	buffer_finish(&out);
	settings_close(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_memory_file_cannot_be_changed),
	    cmocka_unit_test(a_memory_file_that_is_not_whole_is_refused),
	    cmocka_unit_test(a_diff_names_each_change_and_who_acts_on_it),
	    cmocka_unit_test(a_reload_is_answered_from_what_concerns_the_role),
	    cmocka_unit_test(what_builds_the_tree_waits_for_the_supervisor),
	    cmocka_unit_test(
		equal_settings_have_equal_checksums_whatever_their_number),
	    cmocka_unit_test(settings_can_be_shown_as_a_map),
	};

	unsetenv(ENV_RUNTIME_DIR);
	unsetenv(ENV_STATE_DIR);
	return cmocka_run_group_tests_name("settings", tests, NULL, NULL);
}
