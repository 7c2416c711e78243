// SPDX-License-Identifier: MIT
#include "workers/config_db/news.h"

#include "protocol/events.h"
#include "protocol/unpack.h"

struct names {
	struct event_word service;
	struct event_word request_type;
	struct event_word version;
};

/* word_of gives a field of a map as one value; "-" when it is not there. */
static const char *
word_of(struct text map, const char *key, struct event_word *to)
{
	struct text value;

	if (unpack_field_text(map, key, &value) != OK)
		value = (struct text){0};
	return event_word(to, value);
}

static void
tell_one(enum event id, struct text map, const char *function)
{
	struct names n;

	if (event_happens(id))
		event_tell(id, "service=%s request_type=%s version=%s",
		    word_of(map, "service", &n.service),
		    word_of(map, function, &n.request_type),
		    word_of(map, "version", &n.version));
}

static void
tell_batch(const struct change *c)
{
	struct text source = {0};
	struct names n;
	uint64_t count = 0;
	bool is_push;

	(void)!unpack_field_u64(buffer_text(&c->result), "accepted", &count);
	is_push = unpack_field_text(c->args, "source", &source) == OK &&
	    text_is(source, "push");
	if (is_push && event_happens(EVENT_config_push))
		event_tell(EVENT_config_push,
		    "count=%llu service=%s version=%s",
		    (unsigned long long)count,
		    word_of(c->args, "service", &n.service),
		    word_of(c->args, "version", &n.version));
	if (event_happens(EVENT_config_batch_add))
		event_tell(EVENT_config_batch_add, "count=%llu service=%s",
		    (unsigned long long)count,
		    word_of(c->args, "service", &n.service));
}

void
news_of(const struct change *c)
{
	struct text function;

	if (c->class != CHANGE_DONE)
		return;
	switch (c->op) {
	case CHANGE_ADD:
	case CHANGE_OPERATOR_ADD:
	case CHANGE_OPERATOR_UPDATE:
		if (unpack_map_find(c->args, TEXT("function"), &function) == OK)
			tell_one(EVENT_config_add, function, "request_type");
		break;
	case CHANGE_BATCH_ADD:
		tell_batch(c);
		break;
	case CHANGE_DELETE:
		tell_one(EVENT_config_delete, c->args, "function");
		break;
	case CHANGE_DISABLE:
		tell_one(EVENT_config_disable, c->args, "function");
		break;
	case CHANGE_ENABLE:
		tell_one(EVENT_config_enable, c->args, "function");
		break;
	case CHANGE_CLEAR:
		event_note(EVENT_config_clear,
		    "service=all request_type=all version=all");
		break;
	case CHANGE_LOG:
	case CHANGE_PERSIST:
	case CHANGE_FAILED:
	case CHANGE_FAILED_CLEANUP:
	case CHANGE_FAILED_CLEAR:
	case CHANGE_REVOKE:
	case CHANGE_REVOKE_FORGET:
	case CHANGE_REVOKE_CLEANUP:
	case CHANGES:
		break;
	}
}
