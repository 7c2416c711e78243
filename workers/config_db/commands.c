// SPDX-License-Identifier: MIT
/* commands - what operators and the puller may ask of config_db. */

#include "protocol/base/clock.h"
#include "protocol/json.h"
#include "protocol/pack.h"
#include "protocol/settings.h"
#include "protocol/unpack.h"
#include "workers/config_db/config_db.h"
#include "workers/config_db/revoked.h"
#include "workers/config_db/show.h"

enum {
	FUNCTION_BYTES = 1 << 20
};

/* --- what writes --- */

void
config_db_on_add(struct worker *w, struct command *command)
{
	config_db_ask(w, command, CHANGE_ADD, command->args);
}

void
config_db_on_batch_add(struct worker *w, struct command *command)
{
	config_db_ask(w, command, CHANGE_BATCH_ADD, command->args);
}

void
config_db_on_failed(struct worker *w, struct command *command)
{
	config_db_ask(w, command, CHANGE_FAILED, command->args);
}

/* pack_function writes {function: map} from an argument that is the map, or
 * its JSON. */
static enum err
pack_function(struct command *command, struct buffer *to)
{
	struct json_error error = {0};
	struct text value, json;
	struct unpacker u;
	struct packer p;

	pack_init(&p, to);
	pack_map(&p, 1);
	pack_string(&p, "function");
	if (command_value(command, "json", &value) != OK) {
		command_fail(command, CLASS_INVALID, NULL,
		    "a function is wanted, as JSON");
		return ERR_MISSING;
	}
	unpack_init(&u, value);
	if (unpack_text(&u, &json) != OK) {
		pack_raw(&p, value);
		return pack_finish(&p);
	}
	enum err e = json_to_pack(json, to, JSON_LIMITS, &error);

	if (e != OK)
		command_fail(command, CLASS_INVALID, NULL,
		    "no JSON: %s at byte %u", err_name(e),
		    (unsigned)error.offset);
	return e;
}

static void
ask_with_function(struct worker *w, struct command *command, enum change_op op)
{
	struct buffer args;

	buffer_init(&args, FUNCTION_BYTES);
	if (pack_function(command, &args) == OK)
		config_db_ask(w, command, op, buffer_text(&args));
	buffer_finish(&args);
}

void
config_db_cmd_functions_add(struct worker *w, struct command *command)
{
	ask_with_function(w, command, CHANGE_OPERATOR_ADD);
}

void
config_db_cmd_functions_update(struct worker *w, struct command *command)
{
	ask_with_function(w, command, CHANGE_OPERATOR_UPDATE);
}

void
config_db_cmd_functions_disable(struct worker *w, struct command *command)
{
	config_db_ask(w, command, CHANGE_DISABLE, command->args);
}

void
config_db_cmd_functions_enable(struct worker *w, struct command *command)
{
	config_db_ask(w, command, CHANGE_ENABLE, command->args);
}

void
config_db_cmd_functions_delete(struct worker *w, struct command *command)
{
	config_db_ask(w, command, CHANGE_DELETE, command->args);
}

void
config_db_cmd_functions_clear(struct worker *w, struct command *command)
{
	config_db_ask(w, command, CHANGE_CLEAR, command->args);
}

void
config_db_cmd_config_db_persist(struct worker *w, struct command *command)
{
	config_db_ask(w, command, CHANGE_PERSIST, command->args);
}

void
config_db_cmd_failed_cleanup(struct worker *w, struct command *command)
{
	config_db_ask(w, command, CHANGE_FAILED_CLEANUP, command->args);
}

void
config_db_cmd_failed_clear(struct worker *w, struct command *command)
{
	config_db_ask(w, command, CHANGE_FAILED_CLEAR, command->args);
}

void
config_db_cmd_revoke(struct worker *w, struct command *command)
{
	config_db_ask(w, command, CHANGE_REVOKE, command->args);
}

void
config_db_cmd_revoke_forget(struct worker *w, struct command *command)
{
	config_db_ask(w, command, CHANGE_REVOKE_FORGET, command->args);
}

/* --- what reads --- */

/* store_of gives the store, or answers that there is none. */
static struct store *
store_of(struct worker *w, struct command *command)
{
	struct config_db *db = worker_state(w);

	if (db->store == NULL)
		config_db_unavailable(command, ERR_CLOSED);
	return db->store;
}

/* optional_text gives the argument, or an empty text. */
static struct text
optional_text(const struct command *command, const char *key)
{
	struct text value = {0};

	if (command_text(command, key, &value) != OK)
		return (struct text){0};
	return value;
}

static void
end_reading(struct command *command, enum err e)
{
	if (e != OK)
		config_db_unavailable(command, e);
}

void
config_db_cmd_functions_list(struct worker *w, struct command *command)
{
	struct store *store = store_of(w, command);

	if (store != NULL)
		end_reading(command,
		    show_list(store, optional_text(command, "service"),
			command->result));
}

void
config_db_on_services(struct worker *w, struct command *command)
{
	struct store *store = store_of(w, command);

	if (store != NULL)
		end_reading(command,
		    show_services(store, command->arena, command->result));
}

void
config_db_cmd_functions_show(struct worker *w, struct command *command)
{
	struct store *store = store_of(w, command);
	struct store_names names = {.version = {0}};
	enum err e;

	if (store == NULL)
		return;
	if (command_text(command, "service", &names.service) != OK ||
	    command_text(command, "function", &names.request_type) != OK) {
		command_fail(command, CLASS_INVALID, NULL,
		    "SERVICE and FUNCTION are wanted");
		return;
	}
	names.version = optional_text(command, "version");
	e = show_one(store, &names, command->result);
	if (e == ERR_NOT_FOUND)
		command_fail(command, CLASS_NOT_FOUND,
		    "`banyan functions list` shows what there is",
		    "no such function");
	else
		end_reading(command, e);
}

void
config_db_cmd_functions_export(struct worker *w, struct command *command)
{
	struct store *store = store_of(w, command);

	if (store != NULL)
		end_reading(command,
		    show_samples(store, optional_text(command, "service"),
			command->arena, command->result));
}

void
config_db_cmd_revoke_list(struct worker *w, struct command *command)
{
	struct store *store = store_of(w, command);

	if (store != NULL)
		end_reading(command,
		    revoked_list(store,
			settings_u64(
			    worker_settings(w), SETTING_auth_revoked_ms),
			command->result));
}

static bool
read_filter(struct command *command, struct failed_filter *filter)
{
	uint64_t limit = FAILED_LIMIT;
	struct text order = optional_text(command, "order");
	enum err e = command_u64(command, "limit", &limit);

	*filter = (struct failed_filter){
	    .source = optional_text(command, "source"),
	    .service = optional_text(command, "service"),
	    .limit = limit < FAILED_MAX ? (uint32_t)limit : FAILED_MAX,
	    .is_oldest_first = text_is(order, "oldest_first"),
	    .now_ms = clock_wall_ms(),
	};
	if (e != OK && e != ERR_MISSING)
		command_fail(
		    command, CLASS_INVALID, NULL, "limit must be a number");
	else if (order.len > 0 && !filter->is_oldest_first &&
	    !text_is(order, "newest_first"))
		command_fail(command, CLASS_INVALID, NULL,
		    "order must be newest_first or oldest_first");
	else
		return true;
	return false;
}

void
config_db_cmd_failed_list(struct worker *w, struct command *command)
{
	struct store *store = store_of(w, command);
	struct failed_filter filter;
	MDB_txn *txn;
	enum err e;

	if (store == NULL || !read_filter(command, &filter))
		return;
	e = store_begin(store, false, &txn);
	if (e == OK) {
		e = failed_list(store, txn, &filter, command->result);
		mdb_txn_abort(txn);
	}
	end_reading(command, e);
}

void
config_db_cmd_failed_count(struct worker *w, struct command *command)
{
	struct store *store = store_of(w, command);
	uint64_t count = 0;
	MDB_txn *txn;
	enum err e;

	if (store == NULL)
		return;
	e = store_begin(store, false, &txn);
	if (e == OK) {
		e = failed_count(store, txn, clock_wall_ms(), &count);
		mdb_txn_abort(txn);
	}
	if (e == OK) {
		pack_map(command->result, 1);
		pack_string(command->result, "count");
		pack_u64(command->result, count);
	}
	end_reading(command, e);
}

void
config_db_cmd_failed_summary(struct worker *w, struct command *command)
{
	struct store *store = store_of(w, command);
	MDB_txn *txn;
	enum err e;

	if (store == NULL)
		return;
	e = store_begin(store, false, &txn);
	if (e == OK) {
		e = failed_summary(
		    store, txn, clock_wall_ms(), command->result);
		mdb_txn_abort(txn);
	}
	end_reading(command, e);
}
