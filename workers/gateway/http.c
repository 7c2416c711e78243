// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * Smuggling needs two parties that disagree where a request ends. We end the
 * conversation at the first head whatever it says: 101 turns the connection
 * into frames, everything else closes it. On top of that each pair two
 * readers could disagree about (two lengths, a length and a coding, a second
 * Host or key, folded lines, bare line feeds, blanks before a colon) is a
 * 400, so that a proxy in front of us cannot be the disagreeing party.
 */

#include "workers/gateway/http.h"

#include <string.h>

#include "workers/gateway/origin.h"

#define BEARER "base64url.bearer.phx."

/* Headers that may come once; a bit of `seen` each. */
enum single {
	SINGLE_HOST,
	SINGLE_KEY,
	SINGLE_VERSION,
	SINGLE_ORIGIN,
	SINGLE_LENGTH,
	SINGLE_AUTHORIZATION
};

/* What the header lines said. */
struct heard {
	struct http_upgrade *to;
	struct text version;
	struct text length;
	uint32_t seen; /* bits of enum single */
	bool upgrades;
	bool connects;
	bool has_coding;
};

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static bool
same_word(struct text a, struct text b)
{
	if (a.len != b.len)
		return false;
	for (uint32_t i = 0; i < a.len; i++) {
		if (lower(a.at[i]) != lower(b.at[i]))
			return false;
	}
	return true;
}

static struct text
part(struct text t, uint32_t from, uint32_t to)
{
	return (struct text){.at = t.at + from, .len = to - from};
}

static struct text
trim(struct text t)
{
	while (t.len > 0 && (*t.at == ' ' || *t.at == '\t'))
		t = part(t, 1, t.len);
	while (t.len > 0 && (t.at[t.len - 1] == ' ' || t.at[t.len - 1] == '\t'))
		t.len--;
	return t;
}

/* split cuts at the first `byte`: `head` is before it, the rest is given. */
static bool
split(struct text t, char byte, struct text *head, struct text *rest)
{
	int64_t at = text_find(t, byte);

	if (at < 0) {
		*head = t;
		*rest = (struct text){.at = NULL, .len = 0};
		return false;
	}
	*head = part(t, 0, (uint32_t)at);
	*rest = part(t, (uint32_t)at + 1, t.len);
	return true;
}

/* is_token_char follows RFC 9110, 5.6.2. */
static bool
is_token_char(char c)
{
	if ((c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z'))
		return true;
	return c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

static bool
is_token(struct text t)
{
	for (uint32_t i = 0; i < t.len; i++) {
		if (!is_token_char(t.at[i]))
			return false;
	}
	return t.len > 0;
}

static bool
has_control(struct text t)
{
	for (uint32_t i = 0; i < t.len; i++) {
		unsigned char c = (unsigned char)t.at[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return true;
	}
	return false;
}

/* list_has looks for a word in a comma-separated list. */
static bool
list_has(struct text list, struct text word)
{
	struct text item;

	for (bool more = true; more;) {
		more = split(list, ',', &item, &list);
		if (same_word(trim(item), word))
			return true;
	}
	return false;
}

static void
hear_protocols(struct heard *h, struct text list)
{
	struct text item;

	for (bool more = true; more;) {
		more = split(list, ',', &item, &list);
		item = trim(item);
		if (text_is(item, "phoenix"))
			h->to->offers_phoenix = true;
		else if (text_starts_with(item, TEXT(BEARER)))
			h->to->bearer =
			    part(item, sizeof(BEARER) - 1, item.len);
	}
}

/* once keeps the value of a header that must not come twice. */
static int
once(struct heard *h, enum single which, struct text *to, struct text value)
{
	uint32_t bit = 1u << which;

	if ((h->seen & bit) != 0)
		return 400;
	h->seen |= bit;
	*to = value;
	return 101;
}

/* hear_authorization takes a bearer token; other schemes are not for us. */
static int
hear_authorization(struct heard *h, struct text value)
{
	struct text scheme, token, whole;
	int status = once(h, SINGLE_AUTHORIZATION, &whole, value);

	if (status == 101 && split(value, ' ', &scheme, &token) &&
	    same_word(scheme, TEXT("bearer")))
		h->to->authorization = trim(token);
	return status;
}

static int
hear(struct heard *h, struct text name, struct text value)
{
	if (same_word(name, TEXT("host")))
		return once(h, SINGLE_HOST, &h->to->host, value);
	if (same_word(name, TEXT("sec-websocket-key")))
		return once(h, SINGLE_KEY, &h->to->key, value);
	if (same_word(name, TEXT("sec-websocket-version")))
		return once(h, SINGLE_VERSION, &h->version, value);
	if (same_word(name, TEXT("origin")))
		return once(h, SINGLE_ORIGIN, &h->to->origin, value);
	if (same_word(name, TEXT("content-length")))
		return once(h, SINGLE_LENGTH, &h->length, value);
	if (same_word(name, TEXT("authorization")))
		return hear_authorization(h, value);
	if (same_word(name, TEXT("transfer-encoding")))
		h->has_coding = true;
	else if (same_word(name, TEXT("upgrade")))
		h->upgrades |= list_has(value, TEXT("websocket"));
	else if (same_word(name, TEXT("connection")))
		h->connects |= list_has(value, TEXT("upgrade"));
	else if (same_word(name, TEXT("sec-websocket-protocol")))
		hear_protocols(h, value);
	return 101;
}

/* hear_line takes one header line without its CR LF. */
static int
hear_line(struct heard *h, struct text line)
{
	struct text name, value;

	/* a line that opens with a blank continues the last one: obsolete,
	   and a classic disagreement; it is no token, so it ends here */
	if (!split(line, ':', &name, &value) || !is_token(name))
		return 400;
	value = trim(value);
	return has_control(value) ? 400 : hear(h, name, value);
}

/* next_line cuts one line ended by CR LF; a lone CR or LF is malformed. */
static bool
next_line(struct text *head, struct text *line)
{
	for (uint32_t i = 0; i + 1 < head->len; i++) {
		if (head->at[i] == '\n')
			return false;
		if (head->at[i] != '\r')
			continue;
		if (head->at[i + 1] != '\n')
			return false;
		*line = part(*head, 0, i);
		*head = part(*head, i + 2, head->len);
		return true;
	}
	return false;
}

static int
read_request_line(struct text line, struct http_upgrade *to)
{
	struct text method, version, rest;

	if (!split(line, ' ', &method, &rest) ||
	    !split(rest, ' ', &to->target, &version))
		return 400;
	if (!is_token(method) || !text_is(version, "HTTP/1.1"))
		return 400;
	if (to->target.len == 0 || to->target.at[0] != '/' ||
	    has_control(to->target))
		return 400;
	split(to->target, '?', &to->path, &to->query);
	return text_is(method, "GET") ? 101 : 400;
}

static int
read_headers(struct text head, struct heard *h)
{
	struct text line;
	uint32_t count = 0;

	while (head.len > 2) {
		if (!next_line(&head, &line))
			return 400;
		if (++count > HTTP_HEADERS)
			return 431;
		int status = hear_line(h, line);
		if (status != 101)
			return status;
	}
	return 101;
}

/* is_key: 22 letters of base64 and "==". */
static bool
is_key(struct text key)
{
	if (key.len != HTTP_KEY_CHARS || key.at[22] != '=' || key.at[23] != '=')
		return false;
	for (uint32_t i = 0; i < 22; i++) {
		char c = key.at[i];

		if (!(c >= '0' && c <= '9') &&
		    !(lower(c) >= 'a' && lower(c) <= 'z') && c != '+' &&
		    c != '/')
			return false;
	}
	return true;
}

static bool
is_our_path(struct text mount, struct text path)
{
	return text_starts_with(path, mount) &&
	    text_is(part(path, mount.len, path.len), "/websocket");
}

/* read_vsn: absent means 1.0.0, as Phoenix has it; false for a stranger. */
static bool
read_vsn(struct http_upgrade *u)
{
	char vsn[16];
	enum err e = http_query(u->query, "vsn", vsn, sizeof(vsn));

	if (e == ERR_MISSING) {
		u->vsn = HTTP_VSN_1;
		return true;
	}
	if (e != OK || strlen(vsn) != 5 || vsn[4] < '0' || vsn[4] > '9')
		return false;
	if (memcmp(vsn, "1.0.", 4) != 0 && memcmp(vsn, "2.0.", 4) != 0)
		return false;
	u->vsn = vsn[0] == '1' ? HTTP_VSN_1 : HTTP_VSN_2;
	return true;
}

/* judge is reached by well-formed heads only: is it for us, and allowed? */
static int
judge(const struct http_rules *rules, const struct heard *h)
{
	struct http_upgrade *u = h->to;
	uint64_t length = 0;

	if (h->has_coding || u->host.len == 0)
		return 400;
	if ((h->seen & (1u << SINGLE_LENGTH)) != 0 &&
	    text_to_u64(h->length, &length) != OK)
		return 400;
	if (length > 0)
		return 413;
	if (!is_our_path(rules->mount, u->path))
		return 404;
	if (!h->upgrades || !h->connects || !text_is(h->version, "13"))
		return 426;
	if (!is_key(u->key))
		return 400;
	return origin_is_welcome(rules, u->origin, u->host) && read_vsn(u)
	    ? 101
	    : 403;
}

/* find_end gives the bytes up to and with the empty line, or 0. */
static size_t
find_end(struct text bytes)
{
	size_t size = bytes.len < HTTP_HEAD_BYTES ? bytes.len : HTTP_HEAD_BYTES;
	const char *end =
	    size > 0 ? memmem(bytes.at, size, "\r\n\r\n", 4) : NULL;

	return end == NULL ? 0 : (size_t)(end - bytes.at) + 4;
}

/* opens_badly sees at once what can never become a request line. */
static bool
opens_badly(struct text bytes)
{
	uint32_t look = bytes.len < 16 ? bytes.len : 16;

	for (uint32_t i = 0; i < look && bytes.at[i] != ' '; i++) {
		if (!is_token_char(bytes.at[i]))
			return true;
	}
	return false;
}

enum err
http_read(const struct http_rules *rules, struct text bytes,
    struct http_upgrade *to, size_t *used, int *status)
{
	struct heard h = {.to = to};
	struct text line, head;

	*used = 0;
	*to = (struct http_upgrade){.vsn = HTTP_VSN_1};
	if (bytes.len == 0)
		return ERR_AGAIN;
	*status = 400;
	if (opens_badly(bytes))
		return OK;
	size_t end = find_end(bytes);
	if (end == 0) {
		*status = 431;
		return bytes.len < HTTP_HEAD_BYTES ? ERR_AGAIN : OK;
	}
	*used = end;
	head = part(bytes, 0, (uint32_t)end);
	if (next_line(&head, &line))
		*status = read_request_line(line, to);
	to->headers = head;
	if (*status == 101)
		*status = read_headers(head, &h);
	if (*status == 101)
		*status = judge(rules, &h);
	return OK;
}

enum err
http_unescape(struct text from, char *to, size_t size)
{
	size_t n = 0;

	for (uint32_t i = 0; i < from.len; i++) {
		char c = from.at[i] == '+' ? ' ' : from.at[i];

		if (n + 1 >= size)
			return ERR_TOO_BIG;
		if (c == '%') {
			bool is_cut = from.len - i < 3;
			int high = is_cut ? -1 : text_hex_digit(from.at[i + 1]);
			int low = is_cut ? -1 : text_hex_digit(from.at[i + 2]);

			if (high < 0 || low < 0)
				return ERR_MALFORMED;
			c = (char)(high * 16 + low);
			i += 2;
		}
		to[n++] = c;
	}
	to[n] = '\0';
	return OK;
}

bool
http_query_next(struct text *query, struct text *name, struct text *value)
{
	struct text pair;

	while (query->len > 0) {
		split(*query, '&', &pair, query);
		if (pair.len == 0)
			continue;
		split(pair, '=', name, value);
		return true;
	}
	return false;
}

bool
http_header_next(struct text *headers, struct text *name, struct text *value)
{
	struct text line;

	if (headers->len <= 2 || !next_line(headers, &line) ||
	    !split(line, ':', name, value))
		return false;
	*value = trim(*value);
	return true;
}

bool
http_is_same_name(struct text a, struct text b)
{
	return same_word(a, b);
}

enum err
http_query(struct text query, const char *name, char *to, size_t size)
{
	struct text pair, key, value;

	for (bool more = query.len > 0; more;) {
		more = split(query, '&', &pair, &query);
		split(pair, '=', &key, &value);
		if (text_is(key, name))
			return http_unescape(value, to, size);
	}
	return ERR_MISSING;
}
