// SPDX-License-Identifier: MIT
#include "workers/config_db/show.h"

#include "protocol/arguments.h"
#include "protocol/hash.h"
#include "protocol/pack.h"
#include "protocol/unpack.h"
#include "protocol/version.h"

struct walk {
	struct store *store;
	struct text service; /* len 0: all */
	struct packer *out;
	uint32_t count;
};

static void
pack_field_of(struct packer *p, const char *key, struct text span)
{
	struct text value;

	pack_string(p, key);
	if (unpack_map_find(span, text_of(key), &value) == OK)
		pack_raw(p, value);
	else
		pack_nil(p);
}

static void
pack_facts(struct packer *p, const struct store_record *r)
{
	pack_string(p, "source");
	pack_string(p, store_source_name(r->source));
	pack_string(p, "disabled");
	pack_bool(p, r->is_disabled);
	pack_string(p, "overridden");
	pack_bool(p, r->is_overridden);
	pack_string(p, "revision");
	pack_u64(p, r->revision);
}

static enum err
list_one(void *ctx, const struct store_record *r)
{
	struct walk *walk = ctx;
	struct packer *p = walk->out;

	if (walk->service.len > 0 && !text_eq(walk->service, r->service))
		return OK;
	pack_map(p, 9);
	pack_field_filled(p, "service", r->service);
	pack_field_filled(p, "request_type", r->request_type);
	pack_field_filled(p, "version", r->version);
	pack_facts(p, r);
	pack_field_of(p, "nodes", r->span);
	pack_field_of(p, "response_type", r->span);
	walk->count++;
	return pack_finish(p);
}

enum err
show_list(struct store *s, struct text service, struct packer *p)
{
	struct walk walk = {s, service, p, 0};
	size_t place = pack_open(p);
	uint64_t generation;
	enum err e = store_read_functions(s, list_one, &walk, &generation);

	pack_close_array(p, place, walk.count);
	return e;
}

/* What a search holds between records; spans are good until its end. */
struct search {
	const struct store_names *wanted;
	struct store_record best;
	bool is_found;
};

/* is_better: a call without a version takes enabled before disabled, versioned
 * before unversioned, high before low. */
static bool
is_better(const struct store_record *a, const struct store_record *b)
{
	if (a->is_disabled != b->is_disabled)
		return !a->is_disabled;
	if ((a->version.len > 0) != (b->version.len > 0))
		return a->version.len > 0;
	return version_compare(a->version, b->version) > 0;
}

static enum err
search_one(void *ctx, const struct store_record *r)
{
	struct search *search = ctx;
	const struct store_names *wanted = search->wanted;

	if (!text_eq(r->service, wanted->service) ||
	    !text_eq(r->request_type, wanted->request_type))
		return OK;
	if (wanted->version.len > 0 && !text_eq(r->version, wanted->version))
		return OK;
	if (!search->is_found || is_better(r, &search->best))
		search->best = *r;
	search->is_found = true;
	return OK;
}

/* pack_whole writes the stored map with the facts in force behind it. */
static enum err
pack_whole(struct packer *p, const struct store_record *r)
{
	struct unpacker u;
	struct text key, value;
	uint32_t count, written = 0;
	size_t place = pack_open(p);

	unpack_init(&u, r->span);
	if (unpack_map(&u, &count) != OK)
		return ERR_MALFORMED;
	for (uint32_t i = 0; i < count; i++) {
		if (unpack_text(&u, &key) != OK || unpack_raw(&u, &value) != OK)
			return ERR_MALFORMED;
		if (text_is(key, "disabled"))
			continue;
		pack_text(p, key);
		pack_raw(p, value);
		written++;
	}
	pack_facts(p, r);
	pack_close_map(p, place, written + 4);
	return pack_finish(p);
}

enum err
show_one(struct store *s, const struct store_names *wanted, struct packer *p)
{
	struct search search = {.wanted = wanted};
	MDB_txn *txn;
	enum err e = store_begin(s, false, &txn);

	if (e != OK)
		return e;
	e = store_walk(s, txn, search_one, &search);
	if (e == OK)
		e = search.is_found ? pack_whole(p, &search.best)
				    : ERR_NOT_FOUND;
	mdb_txn_abort(txn);
	return e;
}

enum {
	SAMPLE_CHAINS = 1024 /* a power of two */
};

struct sample_name {
	struct text name;
	const struct sample_name *next;
};

/*
 * Samples are made function by function: records of one come in a row. Two
 * services may each have a function of one name: `names` knows which were told.
 */
struct samples {
	const struct sample_name *names[SAMPLE_CHAINS];
	struct text service;
	struct arena *arena;
	struct packer *out;
	struct store_record best;
	bool has_best;
	uint32_t count;
};

/* is_told_again: another service's function of that name has its sample. */
static bool
is_told_again(struct samples *samples, struct text name)
{
	uint64_t chain = hash_name(name) & (SAMPLE_CHAINS - 1);
	struct sample_name *mine;

	for (const struct sample_name *n = samples->names[chain]; n != NULL;
	     n = n->next)
		if (text_eq(n->name, name))
			return true;
	mine = ARENA_NEW(samples->arena, struct sample_name);
	*mine = (struct sample_name){.name = arena_text(samples->arena, name),
	    .next = samples->names[chain]};
	samples->names[chain] = mine;
	return false;
}

/* sample_key: no key may come twice, or whoever reads the JSON loses one. */
static struct text
sample_key(struct samples *samples, const struct store_record *r)
{
	if (is_told_again(samples, r->request_type))
		return arena_printf(samples->arena, "%.*s - %.*s (%.*s)",
		    TEXT_ARG(r->request_type), TEXT_ARG(r->request_type),
		    TEXT_ARG(r->service));
	return arena_printf(samples->arena, "%.*s - %.*s",
	    TEXT_ARG(r->request_type), TEXT_ARG(r->request_type));
}

static void
pack_sample(struct samples *samples)
{
	const struct store_record *r = &samples->best;
	struct argument_limits limits = ARGUMENT_LIMITS;
	struct packer *p = samples->out;
	struct arguments *compiled;
	struct text reason;
	struct function f;

	if (!samples->has_best ||
	    function_read(r->span, samples->arena, &f) != OK ||
	    arguments_compile(
		&f, &limits, samples->arena, &compiled, &reason) != OK)
		return;
	pack_text(p, sample_key(samples, r));
	pack_map(p, 2);
	pack_string(p, "event");
	pack_string(p, "phoenix_gen_api");
	pack_string(p, "data");
	pack_map(p, 7);
	pack_string(p, "user_id");
	pack_string(p, "user_1");
	pack_string(p, "device_id");
	pack_string(p, "device_1");
	pack_field_filled(p, "request_type", r->request_type);
	pack_string(p, "request_id");
	pack_string(p, "request_1");
	pack_field_filled(p, "service", r->service);
	pack_field_filled(p, "version", r->version);
	pack_string(p, "args");
	arguments_sample(compiled, p);
	samples->count++;
}

static enum err
sample_one(void *ctx, const struct store_record *r)
{
	struct samples *samples = ctx;
	bool is_same = samples->has_best &&
	    text_eq(samples->best.service, r->service) &&
	    text_eq(samples->best.request_type, r->request_type);

	if (r->is_disabled ||
	    (samples->service.len > 0 &&
		!text_eq(samples->service, r->service)))
		return OK;
	if (!is_same)
		pack_sample(samples);
	if (!is_same || is_better(r, &samples->best))
		samples->best = *r;
	samples->has_best = true;
	return pack_finish(samples->out);
}

enum err
show_samples(
    struct store *s, struct text service, struct arena *arena, struct packer *p)
{
	struct samples samples = {.service = service, .arena = arena, .out = p};
	size_t place = pack_open(p);
	MDB_txn *txn;
	enum err e = store_begin(s, false, &txn);

	if (e != OK)
		return e;
	e = store_walk(s, txn, sample_one, &samples);
	pack_sample(&samples);
	mdb_txn_abort(txn);
	pack_close_map(p, place, samples.count);
	return e == OK ? pack_finish(p) : e;
}

/* One service after the other: the store is walked in their order. */
struct services {
	struct packer *out;
	struct arena *arena;
	struct text service; /* a copy: the last outlives the reading */
	uint64_t functions;
	uint32_t count;
	bool has_one;
};

static void
end_service(struct services *to)
{
	if (!to->has_one)
		return;
	pack_map(to->out, 2);
	pack_string(to->out, "service");
	pack_text(to->out, to->service);
	pack_field_u64(to->out, "functions", to->functions);
	to->count++;
}

static enum err
add_to_service(void *ctx, const struct store_record *r)
{
	struct services *to = ctx;

	if (!to->has_one || !text_eq(to->service, r->service)) {
		end_service(to);
		to->service = arena_text(to->arena, r->service);
		to->functions = 0;
		to->has_one = true;
	}
	to->functions++;
	return pack_finish(to->out);
}

enum err
show_services(struct store *s, struct arena *arena, struct packer *p)
{
	struct services to = {.out = p, .arena = arena};
	uint64_t generation;
	size_t place = pack_open(p);
	enum err e = store_read_functions(s, add_to_service, &to, &generation);

	if (e == OK)
		end_service(&to);
	pack_close_array(p, place, to.count);
	return e;
}
