// SPDX-License-Identifier: MIT
#include "workers/config_db/table.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/base/memory.h"

enum err
table_begin(struct table *t, struct store *store, uint64_t now_ms)
{
	*t = (struct table){.store = store, .now_ms = now_ms};
	return store_begin(store, true, &t->txn);
}

enum err
table_commit(struct table *t, uint64_t *generation)
{
	int code = MDB_SUCCESS;

	*generation = store_number(t->store, t->txn, "generation");
	if (t->is_changed)
		code = store_number_put(
		    t->store, t->txn, "generation", ++*generation);
	if (code != MDB_SUCCESS) {
		table_abort(t);
		return store_err(code);
	}
	MDB_txn *txn = t->txn;

	t->txn = NULL;
	return store_err(mdb_txn_commit(txn));
}

void
table_abort(struct table *t)
{
	if (t->txn != NULL)
		mdb_txn_abort(t->txn);
	t->txn = NULL;
}

uint64_t
table_size(struct table *t)
{
	MDB_stat stat;

	if (mdb_stat(t->txn, t->store->functions, &stat) != MDB_SUCCESS)
		return 0;
	return stat.ms_entries;
}

/* is_stored compares with what is kept, whatever its revision. */
static bool
is_stored(MDB_val old, bool is_disabled, struct text span)
{
	struct store_head head;

	if (old.mv_size != sizeof(head) + span.len)
		return false;
	memcpy(&head, old.mv_data, sizeof(head));
	return (head.is_disabled != 0) == is_disabled &&
	    memcmp((const char *)old.mv_data + sizeof(head), span.at,
		span.len) == 0;
}

static enum err
write_record(struct table *t, MDB_val *key, bool is_disabled, struct text span)
{
	struct store_head head = {.is_disabled = is_disabled};
	MDB_val value = {sizeof(head) + span.len, NULL};
	int code;

	head.revision = store_number(t->store, t->txn, "revision") + 1;
	code = store_number_put(t->store, t->txn, "revision", head.revision);
	if (code == MDB_SUCCESS)
		code = mdb_put(
		    t->txn, t->store->functions, key, &value, MDB_RESERVE);
	if (code != MDB_SUCCESS)
		return store_err(code);
	memcpy(value.mv_data, &head, sizeof(head));
	memcpy((char *)value.mv_data + sizeof(head), span.at, span.len);
	t->is_changed = true;
	t->counts.added++;
	return OK;
}

enum err
table_put(struct table *t, const struct function *f, enum store_source source,
    struct text span)
{
	const struct store_names names = {
	    f->service, f->request_type, f->version};
	struct store_key key;
	MDB_val old;
	enum err e = store_key_with_source(&key, &names, source);
	int code;

	if (e != OK)
		return e;
	code = mdb_get(t->txn, t->store->functions, &key.val, &old);
	if (code == MDB_SUCCESS && is_stored(old, f->disabled, span)) {
		t->counts.unchanged++;
		return OK;
	}
	if (code == MDB_NOTFOUND && table_size(t) >= TABLE_FUNCTIONS_MAX)
		return ERR_TOO_BIG;
	if (code != MDB_SUCCESS && code != MDB_NOTFOUND)
		return store_err(code);
	return write_record(t, &key.val, f->disabled, span);
}

enum err
table_has(struct table *t, const struct store_names *names)
{
	struct store_key key;
	MDB_val value;

	for (int s = 0; s < STORE_SOURCES; s++) {
		enum err e = store_key_with_source(&key, names, s);

		if (e == OK)
			e = store_err(mdb_get(
			    t->txn, t->store->functions, &key.val, &value));
		if (e != ERR_NOT_FOUND)
			return e;
	}
	return ERR_NOT_FOUND;
}

/* forget removes a key that may be absent; counts and marks what was there. */
static enum err
forget(struct table *t, MDB_dbi dbi, MDB_val *key, uint64_t *count)
{
	int code = mdb_del(t->txn, dbi, key, NULL);

	if (code == MDB_NOTFOUND)
		return OK;
	if (code == MDB_SUCCESS) {
		t->is_changed = true;
		*count += 1;
	}
	return store_err(code);
}

enum err
table_delete(struct table *t, const struct store_names *names)
{
	uint64_t removed = 0, overrides = 0;
	struct store_key key;
	enum err e = OK;

	for (int s = 0; e == OK && s < STORE_SOURCES; s++) {
		e = store_key_with_source(&key, names, s);
		if (e == OK)
			e = forget(t, t->store->functions, &key.val, &removed);
	}
	if (e == OK && removed == 0)
		return ERR_NOT_FOUND;
	if (e == OK)
		e = store_key_of(&key, names);
	if (e == OK)
		e = forget(t, t->store->overrides, &key.val, &overrides);
	t->counts.removed += removed;
	return e;
}

enum err
table_override(
    struct table *t, const struct store_names *names, bool is_disabled)
{
	char word = is_disabled ? 1 : 0;
	MDB_val value = {1, &word}, old;
	struct store_key key;
	enum err e = table_has(t, names);

	if (e == OK)
		e = store_key_of(&key, names);
	if (e != OK)
		return e;
	if (mdb_get(t->txn, t->store->overrides, &key.val, &old) ==
		MDB_SUCCESS &&
	    old.mv_size == 1 && *(char *)old.mv_data == word)
		return OK;
	t->is_changed = true;
	return store_err(
	    mdb_put(t->txn, t->store->overrides, &key.val, &value, 0));
}

enum err
table_clear(struct table *t)
{
	uint64_t held = table_size(t);
	int code = mdb_drop(t->txn, t->store->functions, 0);

	if (code == MDB_SUCCESS)
		code = mdb_drop(t->txn, t->store->overrides, 0);
	if (code == MDB_SUCCESS) {
		t->counts.removed += held;
		t->is_changed = true;
	}
	return store_err(code);
}

static int
compare_names(const void *a, const void *b)
{
	const struct store_names *x = a, *y = b;
	int order = text_compare(x->service, y->service);

	if (order == 0)
		order = text_compare(x->request_type, y->request_type);
	return order != 0 ? order : text_compare(x->version, y->version);
}

/* sweep deletes the records of `source` that are not in the sorted `keep`. */
static enum err
sweep(struct table *t, struct text service, enum store_source source,
    const struct table_keep *keep)
{
	MDB_cursor *cursor;
	MDB_val key, value;
	int code = mdb_cursor_open(t->txn, t->store->functions, &cursor);

	if (code != MDB_SUCCESS)
		return store_err(code);
	while ((code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) ==
	    MDB_SUCCESS) {
		struct store_names names;
		enum store_source its;

		if (!store_key_read(key, &names, &its) || its != source ||
		    (service.len > 0 && !text_eq(names.service, service)))
			continue;
		if (keep->count > 0 &&
		    bsearch(&names, keep->names, keep->count, sizeof(names),
			compare_names) != NULL)
			continue;
		code = mdb_cursor_del(cursor, 0);
		if (code != MDB_SUCCESS)
			break;
		t->counts.removed++;
		t->is_changed = true;
	}
	mdb_cursor_close(cursor);
	return code == MDB_NOTFOUND ? OK : store_err(code);
}

enum err
table_reconcile(struct table *t, struct text service, enum store_source source,
    const struct table_keep *keep)
{
	struct store_names *sorted =
	    memory_new(sizeof(*sorted) * (keep->count + 1));
	struct table_keep ours = {sorted, keep->count};

	if (keep->count > 0)
		memcpy(sorted, keep->names, sizeof(*sorted) * keep->count);
	qsort(sorted, keep->count, sizeof(*sorted), compare_names);
	enum err e = sweep(t, service, source, &ours);

	memory_free(sorted);
	return e;
}
