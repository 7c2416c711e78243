// SPDX-License-Identifier: MIT
#include "protocol/telemetry.h"

#include <string.h>

static const struct telemetry_row rows[EVENT_IDS] = {
#define T(event, name, category, measurements, metadata) \
	[EVENT_##event] = {name, TELEMETRY_##category, measurements, metadata},
    TELEMETRY(T)
#undef T
};

static const char *const categories[] = {
#define C(name) #name,
    TELEMETRY_CATEGORIES(C)
#undef C
};

const struct telemetry_row *
telemetry_row(enum event id)
{
	return (unsigned)id < EVENT_IDS && rows[id].name != NULL ? &rows[id]
								 : NULL;
}

const char *
telemetry_name(enum event id)
{
	const struct telemetry_row *row = telemetry_row(id);

	return row != NULL ? row->name : event_name(id);
}

const char *
telemetry_category_name(enum telemetry_category category)
{
	return (unsigned)category < TELEMETRY_CATEGORY_COUNT
	    ? categories[category]
	    : "unknown";
}

enum event
telemetry_find(struct text name)
{
	for (int id = 0; id < EVENT_IDS; id++)
		if (rows[id].name != NULL && text_is(name, rows[id].name))
			return (enum event)id;
	return EVENT_IDS;
}

bool
telemetry_matches(const char *name, struct text pattern)
{
	if (text_find(pattern, '*') >= 0)
		return text_matches(text_of(name), pattern);
	return text_starts_with(text_of(name), pattern);
}

void
telemetry_add(struct telemetry_choice *choice, enum event id)
{
	choice->words[id / 64] |= (uint64_t)1 << (id % 64);
}

static bool
is_meant(
    const struct telemetry_row *row, enum telemetry_by by, struct text word)
{
	switch (by) {
	case TELEMETRY_BY_MATCH:
		return telemetry_matches(row->name, word);
	case TELEMETRY_BY_EVENT:
		return text_matches(text_of(row->name), word);
	case TELEMETRY_BY_CATEGORY:
	default:
		return text_matches(text_of(categories[row->category]), word);
	}
}

/* cut takes the part before `byte` off the text, and the byte with it. */
static struct text
cut(struct text *text, char byte)
{
	int64_t at = text_find(*text, byte);
	uint32_t len = at < 0 ? text->len : (uint32_t)at;
	uint32_t gone = at < 0 ? len : len + 1;
	struct text part = {.at = text->at, .len = len};

	text->at = gone > 0 ? text->at + gone : text->at;
	text->len -= gone;
	return part;
}

enum err
telemetry_choose(struct telemetry_choice *choice, enum telemetry_by by,
    struct text list, struct text *wrong)
{
	while (list.len > 0) {
		struct text word = cut(&list, ',');
		bool is_any = false;

		for (int id = 0; id < EVENT_IDS; id++) {
			if (rows[id].name == NULL ||
			    !is_meant(&rows[id], by, word))
				continue;
			telemetry_add(choice, (enum event)id);
			is_any = true;
		}
		if (!is_any) {
			*wrong = word;
			return ERR_MISSING;
		}
	}
	return OK;
}

/* find_key looks a key up in a list of the table; its mark, or -1. */
static int
find_key(const char *list, struct text key)
{
	struct text rest = text_of(list);

	while (rest.len > 0) {
		struct text word = cut(&rest, ' ');
		char last = word.len > 0 ? word.at[word.len - 1] : '\0';
		bool is_marked = last == '?' || last == '#';

		word.len -= is_marked ? 1 : 0;
		if (text_eq(word, key))
			return is_marked ? last : 0;
	}
	return -1;
}

static void
as_number(struct telemetry_pair *pair, bool is_measurement)
{
	if (text_to_i64(pair->value, &pair->number) != OK)
		return;
	pair->is_measurement = is_measurement;
	pair->type = TELEMETRY_NUMBER;
}

static void
sort_pair(enum event id, struct telemetry_pair *pair)
{
	const struct telemetry_row *row = telemetry_row(id);
	int mark;

	pair->is_measurement = false;
	pair->type = TELEMETRY_TEXT;
	pair->number = 0;
	if (row == NULL)
		return;
	if (find_key(row->measurements, pair->key) >= 0) {
		as_number(pair, true);
		return;
	}
	mark = find_key(row->metadata, pair->key);
	if (mark == '#')
		as_number(pair, false);
	if (mark != '?')
		return;
	pair->number =
	    text_is(pair->value, "true") || text_is(pair->value, "yes");
	if (pair->number != 0 || text_is(pair->value, "false") ||
	    text_is(pair->value, "no"))
		pair->type = TELEMETRY_FLAG;
}

/* take_value reads behind the `=`: up to a blank, or between quotes. */
static struct text
take_value(struct text *rest)
{
	if (rest->len == 0 || rest->at[0] != '"')
		return cut(rest, ' ');
	rest->at++;
	rest->len--;
	struct text value = cut(rest, '"');
	(void)cut(rest, ' ');
	return value;
}

/* key_length: letters, digits and _ up to a `=`; 0 when this is no key. */
static uint32_t
key_length(struct text text)
{
	for (uint32_t i = 0; i < text.len; i++) {
		char c = text.at[i];

		if (c == '=')
			return i;
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
			(c >= 'A' && c <= 'Z') || c == '_'))
			return 0;
	}
	return 0;
}

bool
telemetry_next(enum event id, struct text *rest, struct telemetry_pair *pair)
{
	while (rest->len > 0) {
		uint32_t length = key_length(*rest);

		if (length == 0) {
			(void)cut(rest, ' ');
			continue;
		}
		pair->key = (struct text){.at = rest->at, .len = length};
		rest->at += length + 1;
		rest->len -= length + 1;
		pair->value = take_value(rest);
		sort_pair(id, pair);
		return true;
	}
	return false;
}
