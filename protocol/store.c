// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * One map size everywhere: a reader that mapped less than the writer wrote
 * would have to remap in the middle of work. 1 GiB of address space is sparse
 * and costs nothing until it is used.
 *
 * MDB_NOTLS: a reader's slot belongs to its transaction, not to a thread, and
 * is given back with it. No transaction outlives a call, so a process that is
 * killed leaves at most one stale slot, which config_db clears.
 */

#include "protocol/store_layout.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "protocol/base/fd.h"
#include "protocol/base/memory.h"
#include "protocol/lmdb_folder.h"

enum {
	READERS = 126,
	PATH_BYTES = 512
};

static const char *const source_names[STORE_SOURCES] = {
    [STORE_OPERATOR] = "operator",
    [STORE_SETTINGS] = "settings",
    [STORE_PUSH] = "push",
    [STORE_PULL] = "pull",
};

const char *
store_source_name(enum store_source source)
{
	return source_names[source];
}

enum err
store_source_by_name(struct text name, enum store_source *to)
{
	for (int i = 0; i < STORE_SOURCES; i++) {
		if (text_is(name, source_names[i])) {
			*to = i;
			return OK;
		}
	}
	return ERR_NOT_FOUND;
}

enum err
store_err(int code)
{
	switch (code) {
	case MDB_SUCCESS:
		return OK;
	case MDB_NOTFOUND:
		return ERR_NOT_FOUND;
	case MDB_MAP_FULL:
	case MDB_TXN_FULL:
	case MDB_READERS_FULL:
	case ENOSPC:
	case EDQUOT:
		errno = ENOSPC;
		return ERR_FULL;
	case MDB_PANIC:
		return ERR_CLOSED;
	case MDB_VERSION_MISMATCH:
	case MDB_INVALID:
		return ERR_VERSION;
	default:
		errno = code > 0 ? code : EIO;
		return ERR_SYSTEM;
	}
}

static bool
key_add(struct store_key *key, struct text t)
{
	size_t at = key->val.mv_size;

	if (t.len > sizeof(key->bytes) - 1 - at)
		return false;
	if (t.len > 0)
		memcpy(key->bytes + at, t.at, t.len);
	key->bytes[at + t.len] = '\0';
	key->val.mv_size = at + t.len + 1;
	return true;
}

enum err
store_key_of(struct store_key *key, const struct store_names *names)
{
	key->val = (MDB_val){0, key->bytes};
	if (!key_add(key, names->service) ||
	    !key_add(key, names->request_type) || !key_add(key, names->version))
		return ERR_TOO_BIG;
	key->val.mv_size--; /* no zero behind the last */
	return OK;
}

enum err
store_key_with_source(struct store_key *key, const struct store_names *names,
    enum store_source source)
{
	enum err e = store_key_of(key, names);

	if (e != OK || key->val.mv_size + 2 > sizeof(key->bytes))
		return ERR_TOO_BIG;
	key->bytes[key->val.mv_size++] = '\0';
	key->bytes[key->val.mv_size++] = (char)('a' + source);
	return OK;
}

static struct text
cut(struct text *rest)
{
	int64_t at = text_find(*rest, '\0');
	struct text head = *rest;

	if (at < 0) {
		rest->len = 0;
		return head;
	}
	head.len = (uint32_t)at;
	rest->at += at + 1;
	rest->len -= head.len + 1;
	return head;
}

bool
store_key_read(
    MDB_val val, struct store_names *names, enum store_source *source)
{
	struct text rest = {val.mv_data, (uint32_t)val.mv_size};

	names->service = cut(&rest);
	names->request_type = cut(&rest);
	names->version = cut(&rest);
	if (rest.len != 1 || *rest.at < 'a' || *rest.at >= 'a' + STORE_SOURCES)
		return false;
	*source = (enum store_source)(*rest.at - 'a');
	return true;
}

enum err
store_begin(struct store *s, bool is_write, MDB_txn **txn)
{
	unsigned flags = is_write ? 0 : MDB_RDONLY;
	int code = mdb_txn_begin(s->env, NULL, flags, txn);

	if (code == MDB_MAP_RESIZED) {
		code = mdb_env_set_mapsize(s->env, 0);
		if (code == MDB_SUCCESS)
			code = mdb_txn_begin(s->env, NULL, flags, txn);
	}
	return store_err(code);
}

static enum err
open_tables(struct store *s, enum store_mode mode)
{
	const struct {
		const char *name;
		MDB_dbi *dbi;
	} tables[] = {
	    {"functions", &s->functions},
	    {"overrides", &s->overrides},
	    {"failed", &s->failed},
	    {"failed_seen", &s->failed_seen},
	    {"revoked", &s->revoked},
	    {"log", &s->log},
	    {"meta", &s->meta},
	};
	bool is_write = mode == STORE_WRITE;
	int code = MDB_SUCCESS;
	MDB_txn *txn;
	enum err e = store_begin(s, false, &txn);

	if (e != OK)
		return e;
	for (size_t i = 0; code == MDB_SUCCESS && i < COUNT_OF(tables); i++)
		code = mdb_dbi_open(txn, tables[i].name, 0, tables[i].dbi);
	if (code != MDB_NOTFOUND || !is_write) {
		int done = mdb_txn_commit(txn);
		return store_err(code != MDB_SUCCESS ? code : done);
	}
	/* only a store that is new is written: opening an old one must work
	 * on a full disk */
	mdb_txn_abort(txn);
	e = store_begin(s, true, &txn);
	code = MDB_SUCCESS;
	if (e != OK)
		return e;
	for (size_t i = 0; code == MDB_SUCCESS && i < COUNT_OF(tables); i++)
		code = mdb_dbi_open(
		    txn, tables[i].name, MDB_CREATE, tables[i].dbi);
	if (code == MDB_SUCCESS)
		return store_err(mdb_txn_commit(txn));
	mdb_txn_abort(txn);
	return store_err(code);
}

enum err
store_open(const char *state_dir, enum store_mode mode, struct store **to)
{
	unsigned flags = MDB_NOTLS | (mode == STORE_READ ? MDB_RDONLY : 0);
	char folder[PATH_BYTES];
	struct store *s;
	enum err e = OK;
	int code;

	if (snprintf(folder, sizeof(folder), "%s/config_db", state_dir) >=
	    (int)sizeof(folder))
		return ERR_TOO_BIG;
	if (mode == STORE_WRITE)
		e = lmdb_folder_prepare(folder);
	if (e != OK)
		return e;
	s = memory_new(sizeof(*s));
	code = mdb_env_create(&s->env);
	if (code == MDB_SUCCESS)
		code = mdb_env_set_maxdbs(s->env, 8);
	if (code == MDB_SUCCESS)
		code = mdb_env_set_maxreaders(s->env, READERS);
	if (code == MDB_SUCCESS)
		code = mdb_env_set_mapsize(s->env, STORE_MAP_BYTES);
	if (code == MDB_SUCCESS)
		code = mdb_env_open(s->env, folder, flags, 0600);
	e = code == ENOENT ? ERR_NOT_FOUND : store_err(code);
	if (e == OK)
		e = open_tables(s, mode);
	if (e != OK) {
		int reason = errno;

		store_close(&s);
		errno = reason;
		return e;
	}
	*to = s;
	return OK;
}

void
store_close(struct store **s)
{
	if (*s == NULL)
		return;
	if ((*s)->env != NULL)
		mdb_env_close((*s)->env);
	memory_free(*s);
	*s = NULL;
}

uint64_t
store_number(struct store *s, MDB_txn *txn, const char *name)
{
	MDB_val key = {strlen(name), NULL}, value;
	char bytes[32];
	uint64_t number = 0;

	memcpy(bytes, name, key.mv_size);
	key.mv_data = bytes;
	if (mdb_get(txn, s->meta, &key, &value) == MDB_SUCCESS &&
	    value.mv_size == sizeof(number))
		memcpy(&number, value.mv_data, sizeof(number));
	return number;
}

int
store_number_put(
    struct store *s, MDB_txn *txn, const char *name, uint64_t number)
{
	char bytes[32];
	MDB_val key = {strlen(name), bytes}, value = {sizeof(number), &number};

	memcpy(bytes, name, key.mv_size);
	return mdb_put(txn, s->meta, &key, &value, 0);
}

/* read_record fills what the two tables say; false for what is no record. */
static bool
read_record(struct store *s, MDB_txn *txn, MDB_val key, MDB_val value,
    struct store_record *r)
{
	struct store_names names;
	struct store_head head;
	MDB_val override;

	if (value.mv_size < sizeof(head) ||
	    !store_key_read(key, &names, &r->source))
		return false;
	memcpy(&head, value.mv_data, sizeof(head));
	r->service = names.service;
	r->request_type = names.request_type;
	r->version = names.version;
	r->revision = head.revision;
	r->is_disabled = head.is_disabled != 0;
	r->span = (struct text){(const char *)value.mv_data + sizeof(head),
	    (uint32_t)(value.mv_size - sizeof(head))};
	key.mv_size -= 2; /* the source */
	r->is_overridden =
	    mdb_get(txn, s->overrides, &key, &override) == MDB_SUCCESS &&
	    override.mv_size == 1;
	if (r->is_overridden)
		r->is_disabled = *(const char *) override.mv_data != 0;
	return true;
}

enum err
store_walk(struct store *s, MDB_txn *txn, store_visit *visit, void *ctx)
{
	MDB_val key, value, last = {0, NULL};
	struct store_record record;
	MDB_cursor *cursor;
	enum err e = store_err(mdb_cursor_open(txn, s->functions, &cursor));

	if (e != OK)
		return e;
	while (e == OK &&
	    mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == MDB_SUCCESS) {
		bool is_same = last.mv_size == key.mv_size &&
		    memcmp(last.mv_data, key.mv_data, key.mv_size - 1) == 0;

		last = key;
		if (!is_same && read_record(s, txn, key, value, &record))
			e = visit(ctx, &record);
	}
	mdb_cursor_close(cursor);
	return e;
}

enum err
store_read_functions(
    struct store *s, store_visit *visit, void *ctx, uint64_t *generation)
{
	MDB_txn *txn;
	enum err e = store_begin(s, false, &txn);

	if (e != OK)
		return e;
	*generation = store_number(s, txn, "generation");
	e = store_walk(s, txn, visit, ctx);
	mdb_txn_abort(txn);
	return e;
}

enum err
store_generation(struct store *s, uint64_t *generation)
{
	MDB_txn *txn;
	enum err e = store_begin(s, false, &txn);

	if (e != OK)
		return e;
	*generation = store_number(s, txn, "generation");
	mdb_txn_abort(txn);
	return OK;
}
