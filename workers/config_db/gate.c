// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * What is kept is function_write's form, not what was sent: two services that
 * spell a default differently keep equal bytes, and a refresh that changes
 * nothing changes no revision, so no gateway compiles again.
 */

#include "workers/config_db/gate.h"

#include "protocol/inspect.h"
#include "protocol/pack.h"
#include "protocol/unpack.h"

enum {
	FUNCTION_BYTES = 1 << 20 /* of one function as kept */
};

struct store_names
gate_names(const struct function *f)
{
	return (struct store_names){f->service, f->request_type, f->version};
}

static bool
is_url(struct text node)
{
	for (uint32_t i = 0; i + 3 <= node.len; i++)
		if (node.at[i] == ':')
			return node.at[i + 1] == '/' && node.at[i + 2] == '/';
	return false;
}

static bool
may_be_dialled(const struct gate_rules *rules, struct text url)
{
	for (uint32_t i = 0; i < rules->node_url_count; i++)
		if (text_matches(url, rules->node_urls[i]))
			return true;
	return false;
}

static void
check_nodes(const struct gate *g, const struct function *f, struct problems *p)
{
	for (uint32_t i = 0; i < f->node_count; i++)
		if (is_url(f->nodes[i]) &&
		    !may_be_dialled(g->rules, f->nodes[i]))
			problems_add(p,
			    inspect_printf(g->arena,
				"node %q is not allowed by security.node_urls",
				&f->nodes[i]));
}

/*
 * check_own: what runs in our own tree is the operator's to offer. A service
 * that could name `local` would bind its requests to our own code.
 */
static void
check_own(const struct gate *g, const struct function *f, struct problems *p)
{
	bool is_service =
	    g->sender->source == STORE_PULL || g->sender->source == STORE_PUSH;

	if (is_service && function_is_own(f))
		problems_add(p,
		    TEXT("nodes local and relay, resolvers and choosers are "
			 "for operators only: `banyan functions add`"));
}

/* borrow_nodes gives a function without `nodes` those it was sent from. */
static void
borrow_nodes(const struct gate *g, struct function *f)
{
	struct text ignored;
	struct unpacker u;
	uint32_t count;

	if (g->sender->nodes.len == 0 ||
	    unpack_map_find(f->span, TEXT("nodes"), &ignored) != ERR_NOT_FOUND)
		return;
	unpack_init(&u, g->sender->nodes);
	if (unpack_array(&u, &count) != OK || count == 0 ||
	    count > FUNCTION_NODES)
		return;
	f->nodes = ARENA_ARRAY(g->arena, struct text, count);
	for (uint32_t i = 0; i < count; i++)
		if (unpack_text(&u, &f->nodes[i]) != OK)
			return;
	f->node_count = count;
	f->nodes_kind = FUNCTION_NODES_LIST;
}

static enum err
keep(const struct gate *g, struct gate_verdict *v)
{
	struct buffer buffer;
	struct packer p;
	enum err e;

	buffer_init(&buffer, FUNCTION_BYTES);
	pack_init(&p, &buffer);
	function_write(&p, &v->function);
	e = pack_finish(&p) == OK ? table_put(g->table, &v->function,
					g->sender->source, buffer_text(&buffer))
				  : ERR_RANGE;
	buffer_finish(&buffer);
	if (e == ERR_RANGE)
		problems_add(
		    &v->problems, TEXT("the function is larger than 1 MiB"));
	if (e == ERR_TOO_BIG)
		problems_add(&v->problems,
		    TEXT("the table is full: 10000 functions are kept"));
	v->is_kept = e == OK;
	return e == ERR_RANGE || e == ERR_TOO_BIG ? OK : e;
}

static enum err
record(const struct gate *g, struct text span, const struct gate_verdict *v)
{
	const struct failed failed = {
	    .names = gate_names(&v->function),
	    .source = text_of(store_source_name(g->sender->source)),
	    .node = g->sender->node,
	    .reasons = &v->problems,
	    .config = span,
	};

	return failed_record(g->table, g->arena, &failed);
}

enum err
gate_pass(const struct gate *g, struct text span, struct gate_verdict *v)
{
	struct function *f = &v->function;
	enum err e = OK;

	*v = (struct gate_verdict){.is_kept = false};
	if (function_read(span, g->arena, f) != OK) {
		f->service = g->sender->service;
		problems_add(&v->problems, TEXT("a function must be a map"));
		return record(g, span, v);
	}
	if (g->sender->service.len > 0) {
		v->is_renamed = f->service.len > 0 &&
		    !text_eq(f->service, g->sender->service);
		f->service = g->sender->service;
	}
	if (g->sender->source == STORE_PULL || g->sender->source == STORE_PUSH)
		function_normalise_version(f);
	borrow_nodes(g, f);
	function_check_all(f, &g->rules->targets, g->arena, &v->problems);
	check_own(g, f, &v->problems);
	if (v->problems.count == 0)
		check_nodes(g, f, &v->problems);
	if (v->problems.count == 0)
		e = keep(g, v);
	return e == OK && !v->is_kept ? record(g, span, v) : e;
}
