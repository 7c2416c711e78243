// SPDX-License-Identifier: MIT
/* store_revoked - what operators took back, as gateways read it. */

#include <string.h>

#include "protocol/store_layout.h"

enum err
store_walk_revoked(
    struct store *s, MDB_txn *txn, store_visit_revoked *visit, void *ctx)
{
	MDB_cursor *cursor;
	MDB_val key, value;
	enum err e = store_err(mdb_cursor_open(txn, s->revoked, &cursor));

	if (e != OK)
		return e;
	while (e == OK &&
	    mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == MDB_SUCCESS) {
		const char *at = key.mv_data;
		struct store_revocation r = {.is_token = at[0] == 'j'};

		if (value.mv_size != sizeof(r.at_ms))
			continue;
		memcpy(&r.at_ms, value.mv_data, sizeof(r.at_ms));
		r.name = (struct text){at + 1, (uint32_t)key.mv_size - 1};
		e = visit(ctx, &r);
	}
	mdb_cursor_close(cursor);
	return e;
}

enum err
store_read_revoked(
    struct store *s, store_visit_revoked *visit, void *ctx, uint64_t *mark)
{
	MDB_txn *txn;
	enum err e = store_begin(s, false, &txn);

	if (e != OK)
		return e;
	uint64_t now = store_number(s, txn, "revoked");
	if (now == *mark)
		e = ERR_EXISTS;
	else
		e = store_walk_revoked(s, txn, visit, ctx);
	if (e == OK)
		*mark = now;
	mdb_txn_abort(txn);
	return e;
}
