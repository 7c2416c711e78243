// SPDX-License-Identifier: MIT
#ifndef TEST_UNIT_CONFIG_DB_RIG_H
#define TEST_UNIT_CONFIG_DB_RIG_H

/*
 * config_db_rig - a store in a folder of its own, and changes made to it.
 */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "protocol/inspect.h"
#include "test/unit/notation.h"
#include "workers/config_db/change.h"

static const struct text urls[] = {{"tcp://127.0.0.1:*", 17}};
static const struct gate_rules rules = {.node_urls = urls,
    .node_url_count = 1,
    .revoked_ms = 5000000};

static char folder[64];
static struct store *store;
static struct arena arena;
static uint64_t now_ms;
static uint64_t generation;
static char line[4096];

static inline int
start(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/config_db_test.XXXXXX");
	assert_non_null(mkdtemp(folder));
	assert_int_equal(store_open(folder, STORE_WRITE, &store), OK);
	arena_init(&arena);
	now_ms = 1000000;
	generation = 0;
	return 0;
}

static inline int
finish(void **state)
{
	static const char *const files[] = {
	    "config_db/data.mdb", "config_db/lock.mdb", "config_db", ""};

	(void)state;
	store_close(&store);
	arena_finish(&arena);
	for (size_t i = 0; i < COUNT_OF(files); i++) {
		char path[128];

		snprintf(path, sizeof(path), "%s/%s", folder, files[i]);
		assert_int_equal(remove(path), 0);
	}
	return 0;
}

/* change applies one in a transaction of its own and shows the answer. */
static inline const char *
change(enum change_op op, const char *notation)
{
	struct inspect shown;
	struct table table;
	struct change c;

	change_init(&c, op, pack_notation(&arena, notation));
	assert_int_equal(table_begin(&table, store, now_ms), OK);
	assert_int_equal(change_apply(&c, &table, &arena, &rules), OK);
	assert_int_equal(table_commit(&table, &generation), OK);
	inspect_init(&shown, line, sizeof(line));
	if (c.class == CHANGE_DONE)
		inspect_value(&shown, buffer_text(&c.result));
	else
		inspect_raw(&shown, text_of(c.message));
	change_finish(&c);
	return line;
}

/* visible lists the functions in force: "s/f@1 s/g! …", `!` for disabled. */
static inline enum err
visit(void *ctx, const struct store_record *r)
{
	struct inspect *shown = ctx;

	if (shown->len > 0)
		inspect_raw(shown, TEXT(" "));
	inspect_raw(shown, r->service);
	inspect_raw(shown, TEXT("/"));
	inspect_raw(shown, r->request_type);
	if (r->version.len > 0)
		inspect_raw(shown, TEXT("@"));
	inspect_raw(shown, r->version);
	if (r->is_disabled)
		inspect_raw(shown, TEXT("!"));
	return OK;
}

static inline const char *
visible(void)
{
	struct inspect shown;
	uint64_t found;

	inspect_init(&shown, line, sizeof(line));
	assert_int_equal(
	    store_read_functions(store, visit, &shown, &found), OK);
	assert_true(found == generation);
	return line;
}

#define F(name, more) \
	"{'request_type':'" name "','service':'s','nodes':['n']," \
	"'mfa':{'module':'M','function':'f'}" more "}"
#define PULL(list) \
	"{'source':'pull','service':'s','node':'n1','functions':[" list "]}"

#define EACH(test) cmocka_unit_test_setup_teardown(test, start, finish)

#endif /* TEST_UNIT_CONFIG_DB_RIG_H */
