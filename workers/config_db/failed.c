// SPDX-License-Identifier: MIT
#include "workers/config_db/failed.h"

#include <string.h>

#include "protocol/base/big_endian.h"
#include "protocol/base/memory.h"
#include "protocol/pack.h"
#include "protocol/unpack.h"

enum {
	NAME_BYTES = 160, /* of a name quoted in a record */
	RECORD_BYTES = 96 * 1024,
	SERVICES_MAX = 1024, /* told apart in a summary */
};

static struct text
cut(struct text t)
{
	if (t.len > NAME_BYTES)
		t.len = NAME_BYTES;
	while (t.len > 0 && !text_is_utf8(t))
		t.len--;
	return t;
}

static uint64_t
read_id(MDB_val v)
{
	return big_endian_read(
	    v.mv_data, v.mv_size < 8 ? (unsigned)v.mv_size : 8);
}

static MDB_val
write_id(uint64_t id, uint8_t bytes[8])
{
	big_endian_write(bytes, id, 8);
	return (MDB_val){8, bytes};
}

/* A record on its way in. */
struct draft {
	uint64_t id;
	uint64_t times; /* it was refused, this one included */
	uint64_t first_ms;
	uint64_t now_ms;
};

static void
pack_record(struct packer *p, const struct failed *f, const struct draft *draft)
{
	pack_map(p, 12);
	pack_string(p, "id");
	pack_u64(p, draft->id);
	pack_field_filled(p, "service", cut(f->names.service));
	pack_field_filled(p, "request_type", cut(f->names.request_type));
	pack_field_filled(p, "version", cut(f->names.version));
	pack_field_filled(p, "source", cut(f->source));
	pack_field_filled(p, "node", cut(f->node));
	pack_string(p, "reason");
	pack_array(p, f->reasons->count);
	for (uint32_t i = 0; i < f->reasons->count; i++)
		pack_text(p, f->reasons->at[i]);
	pack_string(p, "config");
	if (f->config.len > 0 && f->config.len <= FAILED_CONFIG_BYTES)
		pack_raw(p, f->config);
	else
		pack_nil(p);
	pack_string(p, "inserted_at_ms");
	pack_u64(p, draft->now_ms);
	pack_string(p, "expires_at_ms");
	pack_u64(p, draft->now_ms + FAILED_KEEP_MS);
	pack_string(p, "first_at_ms");
	pack_u64(p, draft->first_ms);
	pack_string(p, "times");
	pack_u64(p, draft->times);
}

/* seen_key is built from cut names: it only needs to tell records apart. */
static struct store_key
seen_key(const struct failed *f)
{
	struct text parts[] = {cut(f->names.service),
	    cut(f->names.request_type), cut(f->names.version), f->source,
	    f->node};
	struct store_key key = {.val = {0, NULL}};
	size_t at = 0;

	for (size_t i = 0; i < COUNT_OF(parts); i++) {
		size_t room = sizeof(key.bytes) - at - COUNT_OF(parts);
		size_t len = parts[i].len < room ? parts[i].len : room;

		if (len > 0)
			memcpy(key.bytes + at, parts[i].at, len);
		key.bytes[at + len] = '\0';
		at += len + 1;
	}
	key.val.mv_size = at;
	return key;
}

static struct text
span_of(MDB_val v)
{
	return (struct text){v.mv_data, (uint32_t)v.mv_size};
}

/* renew removes the record of the same sender and keeps its history. */
static enum err
renew(struct table *t, struct store_key *key, struct draft *draft)
{
	struct store *s = t->store;
	uint64_t times = 0, first = draft->first_ms;
	uint8_t bytes[8];
	MDB_val id, old;

	key->val.mv_data = key->bytes;
	if (mdb_get(t->txn, s->failed_seen, &key->val, &id) != MDB_SUCCESS)
		return OK;
	id = write_id(read_id(id), bytes);
	if (mdb_get(t->txn, s->failed, &id, &old) != MDB_SUCCESS)
		return OK;
	if (unpack_field_u64(span_of(old), "times", &times) == OK)
		draft->times = times + 1;
	if (unpack_field_u64(span_of(old), "first_at_ms", &first) == OK)
		draft->first_ms = first;
	return store_err(mdb_del(t->txn, s->failed, &id, NULL));
}

/* make_room drops the oldest records until one more fits. */
static enum err
make_room(struct table *t)
{
	MDB_cursor *cursor;
	MDB_val key, value;
	MDB_stat stat;
	int code = mdb_stat(t->txn, t->store->failed, &stat);
	size_t held = stat.ms_entries;

	if (code != MDB_SUCCESS || held < FAILED_MAX)
		return store_err(code);
	code = mdb_cursor_open(t->txn, t->store->failed, &cursor);
	if (code != MDB_SUCCESS)
		return store_err(code);
	for (; code == MDB_SUCCESS && held >= FAILED_MAX; held--) {
		code = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
		if (code == MDB_SUCCESS)
			code = mdb_cursor_del(cursor, 0);
	}
	mdb_cursor_close(cursor);
	/* what is seen of a dropped record points nowhere and is harmless; it
	 * is bounded too */
	code = mdb_stat(t->txn, t->store->failed_seen, &stat);
	if (code == MDB_SUCCESS && stat.ms_entries > 4 * FAILED_MAX)
		code = mdb_drop(t->txn, t->store->failed_seen, 0);
	return store_err(code);
}

static enum err
put_record(
    struct table *t, struct store_key *seen, uint64_t id, struct text record)
{
	uint8_t bytes[8];
	MDB_val key = write_id(id, bytes);
	MDB_val value = {record.len, NULL};
	int code = mdb_put(
	    t->txn, t->store->failed, &key, &value, MDB_RESERVE | MDB_APPEND);

	if (code != MDB_SUCCESS)
		return store_err(code);
	memcpy(value.mv_data, record.at, record.len);
	seen->val.mv_data = seen->bytes;
	return store_err(
	    mdb_put(t->txn, t->store->failed_seen, &seen->val, &key, 0));
}

enum err
failed_record(struct table *t, struct arena *arena, const struct failed *f)
{
	struct draft draft = {
	    .times = 1, .first_ms = t->now_ms, .now_ms = t->now_ms};
	struct store_key seen = seen_key(f);
	struct buffer buffer;
	struct packer p;
	enum err e = renew(t, &seen, &draft);

	(void)arena;
	if (e == OK)
		e = make_room(t);
	if (e != OK)
		return e;
	draft.id = store_number(t->store, t->txn, "failed_id") + 1;
	e = store_err(
	    store_number_put(t->store, t->txn, "failed_id", draft.id));
	if (e != OK)
		return e;
	buffer_init(&buffer, RECORD_BYTES);
	pack_init(&p, &buffer);
	pack_record(&p, f, &draft);
	if (pack_finish(&p) == OK)
		e = put_record(t, &seen, draft.id, buffer_text(&buffer));
	buffer_finish(&buffer);
	t->counts.refused++;
	return e;
}

static uint64_t
expiry_of(struct text record)
{
	uint64_t at_ms = 0;

	if (unpack_field_u64(record, "expires_at_ms", &at_ms) != OK)
		return 0;
	return at_ms;
}

enum err
failed_cleanup(struct table *t, uint64_t *removed)
{
	MDB_cursor *cursor;
	MDB_val key, value;
	int code = mdb_cursor_open(t->txn, t->store->failed, &cursor);

	*removed = 0;
	if (code != MDB_SUCCESS)
		return store_err(code);
	while ((code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) ==
	    MDB_SUCCESS) {
		if (expiry_of(span_of(value)) > t->now_ms)
			continue;
		code = mdb_cursor_del(cursor, 0);
		if (code != MDB_SUCCESS)
			break;
		*removed += 1;
	}
	mdb_cursor_close(cursor);
	return code == MDB_NOTFOUND ? OK : store_err(code);
}

enum err
failed_clear(struct table *t, uint64_t *removed)
{
	MDB_stat stat;
	int code = mdb_stat(t->txn, t->store->failed, &stat);

	*removed = code == MDB_SUCCESS ? stat.ms_entries : 0;
	if (code == MDB_SUCCESS)
		code = mdb_drop(t->txn, t->store->failed, 0);
	if (code == MDB_SUCCESS)
		code = mdb_drop(t->txn, t->store->failed_seen, 0);
	return store_err(code);
}

static bool
field_is(struct text record, const char *key, struct text wanted)
{
	struct text value;

	return wanted.len == 0 ||
	    (unpack_field_text(record, key, &value) == OK &&
		text_eq(value, wanted));
}

enum err
failed_list(struct store *s, MDB_txn *txn, const struct failed_filter *filter,
    struct packer *p)
{
	MDB_cursor_op step = filter->is_oldest_first ? MDB_NEXT : MDB_PREV;
	size_t place = pack_open(p);
	uint32_t count = 0;
	MDB_cursor *cursor;
	MDB_val key, value;
	enum err e = store_err(mdb_cursor_open(txn, s->failed, &cursor));

	if (e != OK)
		return e;
	while (count < filter->limit &&
	    mdb_cursor_get(cursor, &key, &value, step) == MDB_SUCCESS) {
		struct text record = span_of(value);

		if (expiry_of(record) <= filter->now_ms ||
		    !field_is(record, "source", filter->source) ||
		    !field_is(record, "service", filter->service))
			continue;
		pack_raw(p, record);
		count++;
	}
	mdb_cursor_close(cursor);
	pack_close_array(p, place, count);
	return OK;
}

enum err
failed_count(struct store *s, MDB_txn *txn, uint64_t now_ms, uint64_t *count)
{
	MDB_cursor *cursor;
	MDB_val key, value;
	enum err e = store_err(mdb_cursor_open(txn, s->failed, &cursor));

	*count = 0;
	if (e != OK)
		return e;
	while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == MDB_SUCCESS)
		*count += expiry_of(span_of(value)) > now_ms;
	mdb_cursor_close(cursor);
	return OK;
}

/* What a summary counts on its walk. */
struct tally {
	uint64_t total;
	uint64_t by_source[STORE_SOURCES];
	uint64_t oldest_ms, newest_ms;
	struct {
		struct text service;
		uint64_t count;
	} services[SERVICES_MAX];
	uint32_t service_count;
};

static void
tally_one(struct tally *tally, struct text record)
{
	struct text source = {0}, service = {0};
	enum store_source known;
	uint64_t at_ms = 0;
	uint32_t i = 0;

	if (unpack_field_text(record, "source", &source) == OK &&
	    store_source_by_name(source, &known) == OK)
		tally->by_source[known]++;
	if (unpack_field_u64(record, "inserted_at_ms", &at_ms) == OK) {
		if (tally->total == 0)
			tally->oldest_ms = at_ms;
		tally->newest_ms = at_ms;
	}
	tally->total++;
	if (unpack_field_text(record, "service", &service) != OK)
		return;
	while (i < tally->service_count &&
	    !text_eq(tally->services[i].service, service))
		i++;
	if (i == tally->service_count && i < SERVICES_MAX) {
		tally->services[i].service = service;
		tally->service_count++;
	}
	if (i < SERVICES_MAX)
		tally->services[i].count++;
}

static void
pack_time_or_nil(struct packer *p, const char *key, uint64_t at_ms)
{
	pack_string(p, key);
	if (at_ms > 0)
		pack_u64(p, at_ms);
	else
		pack_nil(p);
}

static void
pack_tally(struct packer *p, const struct tally *tally)
{
	pack_map(p, 4 + STORE_SOURCES);
	pack_string(p, "total");
	pack_u64(p, tally->total);
	for (int s = 0; s < STORE_SOURCES; s++) {
		pack_string(p, store_source_name(s));
		pack_u64(p, tally->by_source[s]);
	}
	pack_string(p, "by_service");
	pack_map(p, tally->service_count);
	for (uint32_t i = 0; i < tally->service_count; i++) {
		pack_text(p, tally->services[i].service);
		pack_u64(p, tally->services[i].count);
	}
	pack_time_or_nil(p, "oldest", tally->oldest_ms);
	pack_time_or_nil(p, "newest", tally->newest_ms);
}

enum err
failed_summary(struct store *s, MDB_txn *txn, uint64_t now_ms, struct packer *p)
{
	struct tally *tally;
	MDB_cursor *cursor;
	MDB_val key, value;
	enum err e = store_err(mdb_cursor_open(txn, s->failed, &cursor));

	if (e != OK)
		return e;
	tally = MEMORY_NEW(struct tally);
	while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == MDB_SUCCESS)
		if (expiry_of(span_of(value)) > now_ms)
			tally_one(tally, span_of(value));
	mdb_cursor_close(cursor);
	pack_tally(p, tally);
	memory_free(tally);
	return OK;
}
