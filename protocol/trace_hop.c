// SPDX-License-Identifier: MIT
#include "protocol/trace_hop.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "protocol/base/clock.h"
#include "protocol/base/log.h"
#include "protocol/events.h"
#include "protocol/trace_counts.h"
#include "protocol/trace_filter.h"

enum {
	LOG_BYTES = 40 /* of a line logged on the way */
};

#define TRACE_FLAG_always 0
static const struct stage_info infos[STAGES] = {
#define G(name, flag, event, keys, meaning) \
	[STAGE_##name] = {#name, TRACE_FLAG_##flag, event, keys, meaning},
    TRACE_STAGES(G)
#undef G
};

const struct stage_info *
stage_info(enum stage s)
{
	return &infos[(unsigned)s < STAGES ? s : STAGE_end];
}

bool
stage_by_name(struct text name, enum stage *s)
{
	for (int i = 0; i < STAGES; i++) {
		if (text_is(name, infos[i].name)) {
			*s = (enum stage)i;
			return true;
		}
	}
	return false;
}

/* --- writing --- */

static uint64_t
cpu_us(void)
{
	struct timespec t;

	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) != 0)
		return 0;
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

void
trace_hop(const struct trace_span *s, enum stage stage, const char *fmt, ...)
{
	const struct stage_info *info = stage_info(stage);
	char trace[TRACE_ID_HEX + 1];
	char more[160];
	char cpu[32] = "";
	va_list args;

	/* a silent trace only counts */
	if (((s->flags & TRACE_FLAG_silent) != 0 && stage != STAGE_start) ||
	    (info->flag != 0 && (s->flags & info->flag) == 0))
		return;
	va_start(args, fmt);
	vsnprintf(more, sizeof(more), fmt, args);
	va_end(args);
	trace_id_write(&s->at, trace);
	trace_counts_add(s->counts, s->places, 0, 1);
	if ((s->flags & TRACE_FLAG_cpu_timestamp) != 0)
		snprintf(cpu, sizeof(cpu), " cpu_us=%" PRIu64, cpu_us());
	uint64_t now = clock_mono_us();
	event_record(EVENT_trace_hop,
	    "trace=%s span=%016" PRIx64 " stage=%s us=%" PRIu64 "%s%s%s", trace,
	    s->at.span, info->name,
	    now > s->arrived_us ? now - s->arrived_us : 0, cpu,
	    more[0] != '\0' ? " " : "", more);
}

void
trace_facts(const struct trace_span *s, struct text facts)
{
	char trace[TRACE_ID_HEX + 1];
	uint32_t of =
	    facts.len < TRACE_FACTS_BYTES ? facts.len : TRACE_FACTS_BYTES;

	if ((s->flags & TRACE_FLAG_silent) != 0)
		return;
	trace_id_write(&s->at, trace);
	for (uint32_t at = 0; at < of; at += TRACE_PIECE_BYTES) {
		uint32_t left = of - at;
		int n =
		    (int)(left < TRACE_PIECE_BYTES ? left : TRACE_PIECE_BYTES);

		trace_counts_add(s->counts, s->places, 0, 1);
		event_record(EVENT_trace_facts,
		    "trace=%s span=%016" PRIx64 " at=%u of=%u text=%.*s", trace,
		    s->at.span, at, of, n, facts.at + at);
	}
}

/* Whose lines are hops; of the one traced request in hand. */
static struct {
	const struct trace_span *span;
	const char *who;
} heard;

static void
on_note(void *ctx, enum event id, const char *fields)
{
	static const char *const levels[] = {
	    [LOG_DEBUG] = "debug",
	    [LOG_INFO] = "info",
	    [LOG_WARN] = "warn",
	    [LOG_ERROR] = "error",
	    [LOG_FATAL] = "fatal",
	};
	char safe[LOG_FIELDS_BYTES];
	struct buffer quoted;

	(void)ctx;
	snprintf(safe, sizeof(safe), "%s", fields);
	log_hidden(safe);
	struct text message = text_of(safe);
	if (message.len > LOG_BYTES)
		message.len = LOG_BYTES;
	buffer_init(&quoted, 4 * LOG_BYTES);
	facts_put(&quoted, "message", message);
	struct text words = buffer_text(&quoted);
	trace_hop(heard.span, STAGE_log, "level=%s pid=%d mfa=%s.%s %.*s",
	    levels[event_level(id)], (int)getpid(), heard.who, event_name(id),
	    TEXT_ARG(words));
	buffer_finish(&quoted);
}

void
trace_listen(const struct trace_span *span, const char *who)
{
	heard.span = span;
	heard.who = who;
	event_listen(span != NULL ? on_note : NULL, NULL);
}

static bool
needs_quotes(struct text t)
{
	if (t.len == 0)
		return true;
	for (uint32_t i = 0; i < t.len; i++)
		if ((unsigned char)t.at[i] <= ' ' || t.at[i] == '=' ||
		    t.at[i] == '"' || t.at[i] == '\\' || t.at[i] == 0x7f)
			return true;
	return false;
}

/* put_quoted escapes what would end the value or forge a line. */
static enum err
put_quoted(struct buffer *b, struct text t)
{
	enum err e = buffer_append_text(b, TEXT("\""));

	for (uint32_t i = 0; e == OK && i < t.len; i++) {
		unsigned char c = (unsigned char)t.at[i];

		if (c == '"' || c == '\\')
			e = buffer_printf(b, "\\%c", c);
		else if (c == '\n')
			e = buffer_append_text(b, TEXT("\\n"));
		else if (c == '\t')
			e = buffer_append_text(b, TEXT("\\t"));
		else if (c < ' ' || c == 0x7f)
			e = buffer_append_text(b, TEXT("?"));
		else
			e = buffer_append_text(b, (struct text){t.at + i, 1});
	}
	return e == OK ? buffer_append_text(b, TEXT("\"")) : e;
}

void
facts_put(struct buffer *b, const char *key, struct text value)
{
	size_t before = buffer_used(b);
	enum err e = buffer_printf(b, "%s%s=", before > 0 ? " " : "", key);

	if (e == OK && value.at == NULL)
		e = buffer_append_text(b, TEXT("nil"));
	else if (e == OK && needs_quotes(value))
		e = put_quoted(b, value);
	else if (e == OK)
		e = buffer_append_text(b, value);
	if (e != OK) /* no half pair */
		buffer_truncate(b, before);
}

/* --- reading --- */

/* unquote reads behind an opening quote, up to the closing one. */
static struct text
unquote(struct text *rest, char *room, size_t bytes)
{
	uint32_t i = 0;
	size_t n = 0;

	while (i < rest->len && rest->at[i] != '"') {
		char c = rest->at[i++];

		if (c == '\\' && i < rest->len) {
			c = rest->at[i++];
			c = (char)(c == 'n' ? '\n' : c == 't' ? '\t' : c);
		}
		if (n < bytes)
			room[n++] = c;
	}
	if (i < rest->len)
		i++;
	rest->at += i;
	rest->len -= i;
	return (struct text){room, (uint32_t)n};
}

static void
step(struct text *t, uint32_t n)
{
	t->at += n;
	t->len -= n;
}

bool
facts_next(struct text *rest, struct text *key, struct text *value, char *room,
    size_t room_bytes)
{
	while (rest->len > 0 && *rest->at == ' ')
		step(rest, 1);
	int64_t equals = text_find(*rest, '=');
	if (equals <= 0)
		return false;
	*key = (struct text){rest->at, (uint32_t)equals};
	step(rest, (uint32_t)equals + 1);
	if (rest->len > 0 && *rest->at == '"') {
		step(rest, 1);
		*value = unquote(rest, room, room_bytes);
		return true;
	}
	int64_t space = text_find(*rest, ' ');
	*value =
	    (struct text){rest->at, space < 0 ? rest->len : (uint32_t)space};
	step(rest, value->len);
	return true;
}

bool
facts_find(struct text facts, const char *key, struct text *value, char *room,
    size_t room_bytes)
{
	struct text name;

	while (facts_next(&facts, &name, value, room, room_bytes))
		if (text_is(name, key))
			return true;
	return false;
}

/* take reads the next pair, which must have this key, without quotes. */
static bool
take(struct text *rest, const char *key, struct text *value)
{
	struct text name;

	return facts_next(rest, &name, value, NULL, 0) && text_is(name, key);
}

static bool
take_u64(struct text *rest, const char *key, uint64_t *to)
{
	struct text value;

	return take(rest, key, &value) && text_to_u64(value, to) == OK;
}

static enum err
read_piece(struct text rest, struct hop *h)
{
	uint64_t at, of;

	if (!take_u64(&rest, "at", &at) || !take_u64(&rest, "of", &of) ||
	    of > TRACE_FACTS_BYTES || at >= of ||
	    !text_starts_with(rest, TEXT(" text=")))
		return ERR_MALFORMED;
	step(&rest, 6);
	if (rest.len > of - at)
		return ERR_MALFORMED;
	h->is_piece = true;
	h->at = (uint32_t)at;
	h->of = (uint32_t)of;
	h->piece = rest;
	return OK;
}

enum err
hop_read(struct text record, struct hop *h)
{
	struct text rest = record, value;

	*h = (struct hop){.is_piece = false};
	if (!take(&rest, "trace", &value) ||
	    trace_id_read(value, h->trace) != OK ||
	    !take(&rest, "span", &value) || span_id_read(value, &h->span) != OK)
		return ERR_MALFORMED;
	if (text_starts_with(rest, TEXT(" at=")))
		return read_piece(rest, h);
	if (!take(&rest, "stage", &value) || !stage_by_name(value, &h->stage) ||
	    !take_u64(&rest, "us", &h->us))
		return ERR_MALFORMED;
	if (rest.len > 0)
		step(&rest, 1);
	h->rest = rest;
	return OK;
}
