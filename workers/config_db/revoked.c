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

/* Packing, one after the other. */
struct listing {
	struct packer *p;
	uint32_t count;
};

static enum err
list_one(void *ctx, const struct store_revocation *r)
{
	struct listing *l = ctx;

	l->count++;
	pack_map(l->p, 2);
	pack_string(l->p, r->is_token ? "jti" : "user");
	pack_text(l->p, r->name);
	pack_field_u64(l->p, "at_ms", r->at_ms);
	return OK;
}

enum err
revoked_list(struct store *s, struct packer *p)
{
	struct listing l = {.p = p};
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
