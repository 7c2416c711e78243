// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * The text grows in the caller's buffer through a packer: its room check is
 * inline and its first error stays, which is all a writer needs.
 *
 * Recursion is bounded by JSON_DEPTH here too, although pack_check has looked:
 * a caller who forgot it gets an error, not a full stack.
 */

#include "protocol/json_out.h"

#include <math.h>
#include <string.h>

#include "protocol/json.h"
#include "protocol/json_keys.h"
#include "protocol/json_number.h"
#include "protocol/json_scan.h"
#include "protocol/pack.h"

struct writer {
	struct packer out;
	struct text span; /* all of what is converted */
	uint32_t depth_left;
	struct json_keys keys;
	struct json_stats *stats;
};

static enum err write_value(struct writer *, struct unpacker *);

static inline void
put(struct packer *p, const void *bytes, size_t count)
{
	uint8_t *to = pack_room(p, count);

	if (to == NULL)
		return;
	memcpy(to, bytes, count);
	p->out->end += count;
}

static inline void
put_literal(struct packer *p, const char *word)
{
	put(p, word, strlen(word));
}

/* put_escape writes one byte that JSON does not allow as it is. */
static void
put_escape(struct packer *p, uint8_t byte)
{
	static const char hex[] = "0123456789abcdef";
	static const char shorts[32] = {
	    ['\b'] = 'b',
	    ['\t'] = 't',
	    ['\n'] = 'n',
	    ['\f'] = 'f',
	    ['\r'] = 'r',
	};
	char escape[6] = {'\\', 'u', '0', '0', hex[byte >> 4], hex[byte & 15]};

	if (byte >= 0x20)
		escape[1] = (char)byte;
	else if (shorts[byte] != 0)
		escape[1] = shorts[byte];
	put(p, escape, escape[1] == 'u' ? 6 : 2);
}

/* put_odd writes what ended a plain run and gives the bytes it took. */
static unsigned
put_odd(struct packer *p, const uint8_t *at, const uint8_t *end,
    struct json_stats *stats)
{
	unsigned bytes = json_utf8(at, end);

	if (*at < 0x80) {
		put_escape(p, *at);
		return 1;
	}
	if (bytes > 0) {
		put(p, at, bytes);
		return bytes;
	}
	put_literal(p, "\xef\xbf\xbd"); /* U+FFFD */
	if (stats != NULL)
		stats->replaced++;
	return 1;
}

static void
put_text(struct packer *p, struct text t, struct json_stats *stats)
{
	const uint8_t *at = (const uint8_t *)t.at;
	const uint8_t *end = t.len > 0 ? at + t.len : at;

	pack_byte(p, '"');
	while (at < end) {
		const uint8_t *plain = at;

		at = json_plain(plain, end);
		if (at > plain)
			put(p, plain, (size_t)(at - plain));
		if (at < end)
			at += put_odd(p, at, end, stats);
	}
	pack_byte(p, '"');
}

static void
put_u64(struct packer *p, uint64_t value)
{
	char digits[JSON_NUMBER_ROOM];

	put(p, digits, json_number_put_u64(digits, value));
}

static void
put_i64(struct packer *p, int64_t value)
{
	if (value < 0)
		pack_byte(p, '-');
	put_u64(p, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

static void
put_f64(struct packer *p, double value)
{
	char digits[JSON_NUMBER_ROOM];

	if (isfinite(value))
		put(p, digits, json_number_put_f64(digits, value));
	else
		put_literal(p, "null");
}

static void
put_base64(struct packer *p, struct text t)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const uint8_t *at = (const uint8_t *)t.at;

	pack_byte(p, '"');
	for (uint32_t i = 0; i < t.len; i += 3) {
		uint32_t left = t.len - i;
		uint32_t bits = (uint32_t)at[i] << 16;

		if (left > 1)
			bits |= (uint32_t)at[i + 1] << 8;
		if (left > 2)
			bits |= at[i + 2];
		char four[4] = {letters[bits >> 18], letters[bits >> 12 & 63],
		    left > 1 ? letters[bits >> 6 & 63] : '=',
		    left > 2 ? letters[bits & 63] : '='};
		put(p, four, sizeof four);
	}
	pack_byte(p, '"');
}

/* digits writes a number with leading zeros and gives the place behind it. */
static char *
digits(char *to, uint64_t value, int count)
{
	for (int i = count - 1; i >= 0; i--) {
		to[i] = (char)('0' + value % 10);
		value /= 10;
	}
	return to + count;
}

/* civil turns days since 1970 into a date (the proleptic Gregorian one). */
static void
civil(int64_t days, uint64_t *year, uint64_t *month, uint64_t *day)
{
	/* 400 years more, so that January of year 0 is not below zero */
	uint64_t from_march_0 = (uint64_t)(days + 719468 + 146097);
	uint64_t era = from_march_0 / 146097;
	uint64_t of_era = from_march_0 % 146097;
	uint64_t years =
	    (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	uint64_t of_year = of_era - (365 * years + years / 4 - years / 100);
	uint64_t shifted = (5 * of_year + 2) / 153; /* months from March */

	*day = of_year - (153 * shifted + 2) / 5 + 1;
	*month = shifted < 10 ? shifted + 3 : shifted - 9;
	*year = era * 400 + years + (*month <= 2) - 400;
}

/* put_time writes RFC 3339 in UTC: milliseconds always, more if there are. */
static enum err
put_time(struct packer *p, int64_t seconds, uint32_t nanoseconds)
{
	const int64_t year_0 = -62167219200, year_10000 = 253402300800;
	uint64_t year, month, day;
	char text[40], *at = text;

	if (seconds < year_0 || seconds >= year_10000)
		return ERR_RANGE;
	uint64_t of_day = (uint64_t)(seconds - year_0) % 86400;

	/* year_0 is a whole number of days before 1970 */
	civil((seconds - (int64_t)of_day) / 86400, &year, &month, &day);
	at = digits(at, year, 4);
	*at++ = '-';
	at = digits(at, month, 2);
	*at++ = '-';
	at = digits(at, day, 2);
	*at++ = 'T';
	at = digits(at, of_day / 3600, 2);
	*at++ = ':';
	at = digits(at, of_day / 60 % 60, 2);
	*at++ = ':';
	at = digits(at, of_day % 60, 2);
	*at++ = '.';
	at = digits(at, nanoseconds, 9);
	for (int i = 0; i < 6 && at[-1] == '0'; i++)
		at--;
	*at++ = 'Z';
	put_text(p, (struct text){text, (uint32_t)(at - text)}, NULL);
	return OK;
}

static enum err
write_array(struct writer *w, struct unpacker *u)
{
	uint32_t count;
	enum err e = unpack_array(u, &count);

	pack_byte(&w->out, '[');
	for (uint32_t i = 0; e == OK && i < count; i++) {
		if (i > 0)
			pack_byte(&w->out, ',');
		e = write_value(w, u);
	}
	pack_byte(&w->out, ']');
	return e;
}

/* write_key also notes the key: the last of equal ones counts. */
static enum err
write_key(struct writer *w, struct unpacker *u, struct json_object_end *o)
{
	const uint8_t *from = u->at;
	struct text key;
	enum err e = unpack_text(u, &key);

	if (e != OK)
		return e;
	o->may_repeat |= json_keys_add(&w->keys, o->base,
	    (struct json_key){
		.hash = json_keys_hash(key),
		.key = (uint32_t)(from - (const uint8_t *)w->span.at),
		.from = (uint32_t)buffer_used(w->out.out),
	    });
	put_text(&w->out, key, w->stats);
	pack_byte(&w->out, ':');
	return OK;
}

static enum err
write_map(struct writer *w, struct unpacker *u)
{
	struct json_object_end o = {
	    .base = w->keys.count,
	    .packed = w->span,
	    .out = w->out.out,
	    .separator = 1,
	};
	uint32_t count;
	enum err e = unpack_map(u, &count);

	pack_byte(&w->out, '{');
	for (uint32_t i = 0; e == OK && i < count; i++) {
		if (i > 0)
			pack_byte(&w->out, ',');
		e = write_key(w, u, &o);
		if (e == OK)
			e = write_value(w, u);
	}
	if (e == OK)
		e = w->out
			.err; /* offsets mean nothing when bytes are missing */
	if (e == OK)
		json_keys_end(&w->keys, o);
	pack_byte(&w->out, '}');
	return e;
}

/* write_container keeps the depth of both. */
static enum err
write_container(struct writer *w, struct unpacker *u, enum pack_type type)
{
	if (w->depth_left == 0)
		return ERR_TOO_DEEP;
	w->depth_left--;
	enum err e = type == PACK_MAP ? write_map(w, u) : write_array(w, u);

	w->depth_left++;
	return e;
}

static enum err
write_int(struct writer *w, struct unpacker *u)
{
	int64_t below;
	uint64_t value;

	if (unpack_u64(u, &value) == OK) {
		put_u64(&w->out, value);
		return OK;
	}
	enum err e = unpack_i64(u, &below);

	if (e == OK)
		put_i64(&w->out, below);
	return e;
}

static enum err
write_float(struct writer *w, struct unpacker *u)
{
	double value;
	enum err e = unpack_f64(u, &value);

	if (e == OK)
		put_f64(&w->out, value);
	return e;
}

static enum err
write_text(struct writer *w, struct unpacker *u)
{
	struct text t;
	enum err e = unpack_text(u, &t);

	if (e == OK)
		put_text(&w->out, t, w->stats);
	return e;
}

static enum err
write_bin(struct writer *w, struct unpacker *u)
{
	struct text t;
	enum err e = unpack_bin(u, &t);

	if (e == OK)
		put_base64(&w->out, t);
	return e;
}

static enum err
write_timestamp(struct writer *w, struct unpacker *u)
{
	int64_t seconds;
	uint32_t nanoseconds;
	enum err e = unpack_timestamp(u, &seconds, &nanoseconds);

	return e == OK ? put_time(&w->out, seconds, nanoseconds) : e;
}

static enum err
write_value(struct writer *w, struct unpacker *u)
{
	enum pack_type type = unpack_peek(u);

	switch (type) {
	case PACK_NIL:
		put_literal(&w->out, "null");
		return unpack_nil(u);
	case PACK_BOOL:
		put_literal(&w->out, *u->at == 0xc3 ? "true" : "false");
		u->at++;
		return OK;
	case PACK_INT:
		return write_int(w, u);
	case PACK_FLOAT:
		return write_float(w, u);
	case PACK_TEXT:
		return write_text(w, u);
	case PACK_BIN:
		return write_bin(w, u);
	case PACK_ARRAY:
	case PACK_MAP:
		return write_container(w, u, type);
	case PACK_EXT:
		return write_timestamp(w, u);
	case PACK_END:
	case PACK_BROKEN:
	default:
		return ERR_MALFORMED;
	}
}

enum err
pack_to_json(struct text span, struct buffer *out, struct json_stats *stats)
{
	struct writer w;
	struct unpacker u;
	size_t used = buffer_used(out);

	pack_init(&w.out, out);
	w.span = span;
	w.depth_left = JSON_DEPTH;
	w.stats = stats;
	json_keys_init(&w.keys);
	unpack_init(&u, span);
	enum err e = write_value(&w, &u);

	if (e == OK)
		e = pack_finish(&w.out);
	if (e == OK && !unpack_is_done(&u))
		e = ERR_MALFORMED;
	json_keys_finish(&w.keys);
	if (e != OK)
		buffer_truncate(out, used);
	return e;
}

/* The single writers: whole or not at all. */
static enum err
whole(const struct packer *p, size_t used)
{
	if (p->err != OK)
		buffer_truncate(p->out, used);
	return p->err;
}

enum err
json_put_text(struct buffer *out, struct text t, struct json_stats *stats)
{
	struct packer p;
	size_t used = buffer_used(out);

	pack_init(&p, out);
	put_text(&p, t, stats);
	return whole(&p, used);
}

enum err
json_put_f64(struct buffer *out, double value)
{
	struct packer p;
	size_t used = buffer_used(out);

	pack_init(&p, out);
	put_f64(&p, value);
	return whole(&p, used);
}
