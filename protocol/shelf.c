// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * LMDB checks no page: a damaged one can end the process that reads it. So
 * the number of lives that began to read and did not end is kept in a file
 * beside the store; at the third the store counts as damaged.
 */

#include "protocol/shelf.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "protocol/base/big_endian.h"
#include "protocol/base/fd.h"
#include "protocol/base/memory.h"
#include "protocol/hash.h"
#include "protocol/lmdb_folder.h"

enum {
	MAP_BYTES = 1 << 30, /* sparse; the same in every life */
	PATH_BYTES = 512,
	LIVES_MOST = 3
};

struct shelf {
	MDB_env *env;
	const struct shelf_shape *shape;
	MDB_dbi tables[SHELF_TABLES_MOST];
	MDB_dbi meta;
	char attempts[PATH_BYTES + 16]; /* the file that counts lives */
};

/* One change of a batch; `bytes` of value follow. */
struct step {
	uint64_t number;
	uint32_t table;
	uint32_t bytes;
	bool is_drop;
};

static enum err
err_of(int code)
{
	switch (code) {
	case MDB_SUCCESS:
		return OK;
	case MDB_MAP_FULL:
	case MDB_TXN_FULL:
	case ENOSPC:
	case EDQUOT:
		errno = ENOSPC;
		return ERR_FULL;
	case MDB_INVALID:
	case MDB_VERSION_MISMATCH:
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
	case MDB_INCOMPATIBLE:
	case MDB_BAD_VALSIZE:
	case MDB_BAD_DBI:
		return ERR_MALFORMED;
	default:
		errno = code > 0 ? code : EIO;
		return ERR_SYSTEM;
	}
}

/* --- the folder --- */

/* count_life says that a life begins to read; false: too many did not end.
 * A disk that takes no byte cannot count, and is no reason not to read. */
static bool
count_life(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	struct stat at = {.st_size = 0};
	bool is_fine = true;

	if (fd < 0)
		return true;
	if (fstat(fd, &at) == 0)
		is_fine = at.st_size < LIVES_MOST;
	if (is_fine && write(fd, "x", 1) != 1)
		is_fine = true;
	fd_close(&fd);
	return is_fine;
}

enum err
shelf_set_aside(
    const char *state_dir, const struct shelf_shape *shape, uint64_t wall_ms)
{
	char from[PATH_BYTES], to[PATH_BYTES];

	if (snprintf(from, sizeof(from), "%s/%s", state_dir, shape->folder) >=
		(int)sizeof(from) ||
	    snprintf(to, sizeof(to), "%s/%s.damaged-%llu", state_dir,
		shape->folder, (unsigned long long)wall_ms) >= (int)sizeof(to))
		return ERR_TOO_BIG;
	return rename(from, to) == 0 ? OK : ERR_SYSTEM;
}

/* --- opening --- */

static int
open_tables(struct shelf *s)
{
	MDB_txn *txn;
	int code = mdb_txn_begin(s->env, NULL, 0, &txn);

	if (code != MDB_SUCCESS)
		return code;
	for (uint32_t i = 0; code == MDB_SUCCESS && i < s->shape->table_count;
	     i++)
		code = mdb_dbi_open(
		    txn, s->shape->tables[i], MDB_CREATE, &s->tables[i]);
	if (code == MDB_SUCCESS)
		code = mdb_dbi_open(txn, "meta", MDB_CREATE, &s->meta);
	if (code == MDB_SUCCESS)
		return mdb_txn_commit(txn);
	mdb_txn_abort(txn);
	return code;
}

enum err
shelf_open(const char *state_dir, const struct shelf_shape *shape,
    bool is_first, struct shelf **to)
{
	char folder[PATH_BYTES];
	struct shelf *s;
	enum err e;
	int code;

	INVARIANT(shape->table_count <= SHELF_TABLES_MOST);
	if (snprintf(folder, sizeof(folder), "%s/%s", state_dir,
		shape->folder) >= (int)sizeof(folder))
		return ERR_TOO_BIG;
	e = lmdb_folder_prepare(folder);
	if (e != OK)
		return e;
	s = MEMORY_NEW(struct shelf);
	s->shape = shape;
	snprintf(s->attempts, sizeof(s->attempts), "%s/attempts", folder);
	if (is_first && !count_life(s->attempts)) {
		shelf_close(&s);
		return ERR_MALFORMED;
	}
	code = mdb_env_create(&s->env);
	if (code == MDB_SUCCESS)
		code = mdb_env_set_maxdbs(s->env, shape->table_count + 1);
	if (code == MDB_SUCCESS)
		code = mdb_env_set_mapsize(s->env, MAP_BYTES);
	if (code == MDB_SUCCESS)
		code = mdb_env_open(s->env, folder, MDB_NOTLS, 0600);
	if (code == MDB_SUCCESS)
		code = open_tables(s);
	if (code != MDB_SUCCESS) {
		unlink(s->attempts);
		shelf_close(&s);
		return err_of(code);
	}
	*to = s;
	return OK;
}

void
shelf_close(struct shelf **s)
{
	if (*s == NULL)
		return;
	if ((*s)->env != NULL)
		mdb_env_close((*s)->env);
	memory_free(*s);
	*s = NULL;
}

/* --- reading --- */

static enum err
visit_one(uint32_t table, const MDB_val *key, const MDB_val *value,
    shelf_visit *visit, void *ctx)
{
	struct text bytes;
	uint64_t sum;

	if (key->mv_size != 8 || value->mv_size < sizeof(sum) ||
	    value->mv_size > UINT32_MAX)
		return ERR_MALFORMED;
	memcpy(&sum, value->mv_data, sizeof(sum));
	bytes.at = (const char *)value->mv_data + sizeof(sum);
	bytes.len = (uint32_t)(value->mv_size - sizeof(sum));
	if (sum != hash_name(bytes))
		return ERR_MALFORMED;
	return visit(ctx, table, big_endian_read(key->mv_data, 8), bytes);
}

static enum err
read_table(struct shelf *s, MDB_txn *txn, uint32_t table, shelf_visit *visit,
    void *ctx)
{
	MDB_cursor *cursor;
	MDB_val key, value;
	enum err e = OK;
	int code = mdb_cursor_open(txn, s->tables[table], &cursor);

	if (code != MDB_SUCCESS)
		return err_of(code);
	while (e == OK &&
	    (code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) ==
		MDB_SUCCESS)
		e = visit_one(table, &key, &value, visit, ctx);
	mdb_cursor_close(cursor);
	return e == OK && code != MDB_NOTFOUND ? err_of(code) : e;
}

enum err
shelf_read(struct shelf *s, shelf_visit *visit, void *ctx)
{
	MDB_txn *txn;
	enum err e = err_of(mdb_txn_begin(s->env, NULL, MDB_RDONLY, &txn));

	if (e != OK)
		return e;
	for (uint32_t i = 0; e == OK && i < s->shape->table_count; i++)
		e = read_table(s, txn, i, visit, ctx);
	mdb_txn_abort(txn);
	unlink(s->attempts); /* whatever came of it, this life goes on */
	return e;
}

/* --- writing --- */

static enum err
add_step(struct buffer *batch, const struct step *step, struct text value)
{
	size_t before = buffer_used(batch);
	enum err e = buffer_append(batch, step, sizeof(*step));

	if (e == OK && value.len > 0)
		e = buffer_append_text(batch, value);
	if (e != OK)
		buffer_truncate(batch, before);
	return e;
}

enum err
shelf_put(
    struct buffer *batch, uint32_t table, uint64_t number, struct text value)
{
	const struct step step = {
	    .table = table, .number = number, .bytes = value.len};

	return add_step(batch, &step, value);
}

enum err
shelf_drop(struct buffer *batch, uint32_t table, uint64_t number)
{
	const struct step step = {
	    .table = table, .number = number, .is_drop = true};

	return add_step(batch, &step, (struct text){.at = NULL, .len = 0});
}

void
shelf_batch_each(struct text batch, shelf_change *change, void *ctx)
{
	struct step step;

	for (uint32_t at = 0; at < batch.len;
	     at += (uint32_t)sizeof(step) + step.bytes) {
		memcpy(&step, batch.at + at, sizeof(step));
		change(ctx, step.table, step.number);
	}
}

static int
take_step(
    struct shelf *s, MDB_txn *txn, const struct step *step, const char *at)
{
	uint8_t bytes[8];
	MDB_val key = {sizeof(bytes), bytes};
	MDB_val value = {sizeof(uint64_t) + step->bytes, NULL};
	struct text text = {.at = at, .len = step->bytes};
	uint64_t sum = hash_name(text);
	int code;

	big_endian_write(bytes, step->number, 8);
	if (step->is_drop) {
		code = mdb_del(txn, s->tables[step->table], &key, NULL);
		return code == MDB_NOTFOUND ? MDB_SUCCESS : code;
	}
	code = mdb_put(txn, s->tables[step->table], &key, &value, MDB_RESERVE);
	if (code != MDB_SUCCESS)
		return code;
	memcpy(value.mv_data, &sum, sizeof(sum));
	memcpy((char *)value.mv_data + sizeof(sum), at, step->bytes);
	return MDB_SUCCESS;
}

/* probe writes something, or it would prove nothing. */
static int
probe(struct shelf *s, MDB_txn *txn)
{
	uint8_t name[] = {'p'};
	MDB_val key = {sizeof(name), name}, old, value;
	uint64_t count = 0;

	if (mdb_get(txn, s->meta, &key, &old) == MDB_SUCCESS &&
	    old.mv_size == sizeof(count))
		memcpy(&count, old.mv_data, sizeof(count));
	count++;
	value = (MDB_val){sizeof(count), &count};
	return mdb_put(txn, s->meta, &key, &value, 0);
}

enum err
shelf_apply(struct shelf *s, struct text batch, bool is_anew)
{
	MDB_txn *txn;
	struct step step;
	int code = mdb_txn_begin(s->env, NULL, 0, &txn);

	if (code != MDB_SUCCESS)
		return err_of(code);
	for (uint32_t i = 0;
	     is_anew && code == MDB_SUCCESS && i < s->shape->table_count; i++)
		code = mdb_drop(txn, s->tables[i], 0);
	if (batch.len == 0 && code == MDB_SUCCESS)
		code = probe(s, txn);
	for (uint32_t at = 0; code == MDB_SUCCESS && at < batch.len;
	     at += (uint32_t)sizeof(step) + step.bytes) {
		memcpy(&step, batch.at + at, sizeof(step));
		code = take_step(s, txn, &step, batch.at + at + sizeof(step));
	}
	if (code == MDB_SUCCESS)
		return err_of(mdb_txn_commit(txn));
	mdb_txn_abort(txn);
	return err_of(code);
}
