// SPDX-License-Identifier: MIT
#include "workers/config_db/revoked.h"

#include <string.h>

#include "protocol/pack.h"

static enum err
key_of(struct text name, bool is_token, struct store_key *key)
{
	if (name.len == 0 || name.len > REVOKED_NAME_BYTES)
		return ERR_TOO_BIG;
	key->bytes[0] = is_token ? 'j' : 'u';
	memcpy(key->bytes + 1, name.at, name.len);
	key->val = (MDB_val){name.len + 1, key->bytes};
	return OK;
}

/* changed makes readers look: they compare the number. */
static enum err
changed(struct table *t)
{
	t->is_changed = true;
	return store_err(store_number_put(t->store, t->txn, "revoked",
	    store_number(t->store, t->txn, "revoked") + 1));
}

enum err
revoked_put(struct table *t, struct text name, bool is_token)
{
	uint64_t at_ms = t->now_ms;
	MDB_val value = {sizeof(at_ms), &at_ms}, old;
	struct store_key key;
	MDB_stat stat;
	enum err e = key_of(name, is_token, &key);

	if (e != OK)
		return e;
	e = store_err(mdb_stat(t->txn, t->store->revoked, &stat));
	if (e == OK && stat.ms_entries >= REVOKED_MAX &&
	    mdb_get(t->txn, t->store->revoked, &key.val, &old) != MDB_SUCCESS)
		return ERR_RANGE;
	if (e == OK)
		e = store_err(
		    mdb_put(t->txn, t->store->revoked, &key.val, &value, 0));
	return e == OK ? changed(t) : e;
}

enum err
revoked_forget(struct table *t, struct text name, bool is_token)
{
	struct store_key key;
	enum err e = key_of(name, is_token, &key);

	if (e == OK)
		e = store_err(
		    mdb_del(t->txn, t->store->revoked, &key.val, NULL));
	return e == OK ? changed(t) : e;
}

enum err
revoked_cleanup(struct table *t, uint64_t keep_ms, uint64_t *removed)
{
	MDB_cursor *cursor;
	MDB_val key, value;
	int code = mdb_cursor_open(t->txn, t->store->revoked, &cursor);

	*removed = 0;
	if (code != MDB_SUCCESS)
		return store_err(code);
	while ((code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) ==
	    MDB_SUCCESS) {
		uint64_t at_ms = 0;

		if (value.mv_size == sizeof(at_ms))
			memcpy(&at_ms, value.mv_data, sizeof(at_ms));
		if (keep_ms == 0 || t->now_ms < at_ms + keep_ms)
			continue;
		code = mdb_cursor_del(cursor, 0);
		if (code != MDB_SUCCESS)
			break;
		*removed += 1;
	}
	mdb_cursor_close(cursor);
	if (code != MDB_NOTFOUND)
		return store_err(code);
	return *removed > 0 ? changed(t) : OK;
}

/* Packing, one after the other. */
struct listing {
	struct packer *p;
	uint64_t keep_ms;
	uint32_t count;
};

static enum err
list_one(void *ctx, const struct store_revocation *r)
{
	struct listing *l = ctx;

	l->count++;
	pack_map(l->p, 3);
	pack_string(l->p, r->is_token ? "jti" : "user");
	pack_text(l->p, r->name);
	pack_field_u64(l->p, "at_ms", r->at_ms);
	pack_string(l->p, "until_ms");
	if (l->keep_ms > 0)
		pack_u64(l->p, r->at_ms + l->keep_ms);
	else
		pack_nil(l->p);
	return OK;
}

enum err
revoked_list(struct store *s, uint64_t keep_ms, struct packer *p)
{
	struct listing l = {.p = p, .keep_ms = keep_ms};
	MDB_txn *txn;
	enum err e = store_begin(s, false, &txn);

	if (e != OK)
		return e;
	size_t place = pack_open(p);
	e = store_walk_revoked(s, txn, list_one, &l);
	pack_close_array(p, place, l.count);
	mdb_txn_abort(txn);
	return e;
}
