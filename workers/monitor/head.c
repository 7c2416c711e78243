// SPDX-License-Identifier: MIT
#include "workers/monitor/head.h"

#include <string.h>
#include <strings.h>

struct fields {
	uint32_t count, hosts, lengths, codings;
};

static bool
is_token(struct text t)
{
	static const char signs[] = "!#$%&'*+-.^_`|~";

	for (uint32_t i = 0; i < t.len; i++) {
		char c = t.at[i];

		if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
			(c >= 'a' && c <= 'z') ||
			(c != '\0' && strchr(signs, c) != NULL)))
			return false;
	}
	return t.len > 0;
}

/* is_target: printable, each % with two digits, and none of them NUL. */
static bool
is_target(struct text t)
{
	if (t.len == 0 || (t.at[0] != '/' && !text_is(t, "*")))
		return false;
	for (uint32_t i = 0; i < t.len; i++) {
		if (t.at[i] < 0x21 || t.at[i] > 0x7e)
			return false;
		if (t.at[i] != '%')
			continue;
		if (t.len - i < 3 || text_hex_digit(t.at[i + 1]) < 0 ||
		    text_hex_digit(t.at[i + 2]) < 0 ||
		    (t.at[i + 1] == '0' && t.at[i + 2] == '0'))
			return false;
	}
	return true;
}

/* cut gives what stands before `byte` and moves behind it. */
static bool
cut(struct text *from, char byte, struct text *part)
{
	int64_t at = text_find(*from, byte);

	if (at < 0)
		return false;
	*part = (struct text){from->at, (uint32_t)at};
	from->at += at + 1;
	from->len -= (uint32_t)at + 1;
	return true;
}

static bool
is_probe(struct text method, struct text target)
{
	static const char *const probes[] = {"/livez", "/readyz", "/startupz"};
	struct text path;

	if (!text_is(method, "GET") && !text_is(method, "HEAD"))
		return false;
	if (!cut(&target, '?', &path))
		path = target;
	for (size_t i = 0; i < sizeof(probes) / sizeof(probes[0]); i++)
		if (text_is(path, probes[i]))
			return true;
	return false;
}

/* read_request: "GET /path HTTP/1.1" */
static enum head_verdict
read_request(struct text line, struct head *head, bool *needs_host)
{
	struct text method, target;

	head->what = "the first line must be METHOD /path HTTP/1.1";
	if (!cut(&line, ' ', &method) || !is_token(method) || method.len > 32 ||
	    !cut(&line, ' ', &target))
		return HEAD_BAD;
	if (target.len > HEAD_MOST_TARGET) {
		head->what = "the path and query have more than 4096 bytes";
		return HEAD_TOO_BIG;
	}
	if (!text_is(line, "HTTP/1.1") && !text_is(line, "HTTP/1.0"))
		return HEAD_BAD;
	if (!is_target(target)) {
		head->what =
		    "the path must begin with / and be percent-encoded";
		return HEAD_BAD;
	}
	*needs_host = text_is(line, "HTTP/1.1");
	head->is_probe = is_probe(method, target);
	return HEAD_MORE;
}

static bool
is_name(struct text name, const char *wanted)
{
	return name.len == strlen(wanted) &&
	    strncasecmp(name.at, wanted, name.len) == 0;
}

static bool
is_number(struct text t)
{
	uint64_t value;

	return text_to_u64(t, &value) == OK && t.at[0] != '+';
}

/* read_field judges one line; what two parsers could read two ways is bad. */
static enum head_verdict
read_field(struct text line, struct head *head, struct fields *fields)
{
	struct text name;

	head->what = "a header field must be Name: value";
	if (++fields->count > HEAD_MOST_FIELDS) {
		head->what = "there are more than 100 header fields";
		return HEAD_TOO_BIG;
	}
	if (!cut(&line, ':', &name) || !is_token(name))
		return HEAD_BAD;
	for (uint32_t i = 0; i < line.len; i++)
		if (((unsigned char)line.at[i] < 0x20 && line.at[i] != '\t') ||
		    line.at[i] == 0x7f)
			return HEAD_BAD;
	while (line.len > 0 && (line.at[0] == ' ' || line.at[0] == '\t')) {
		line.at++;
		line.len--;
	}
	while (line.len > 0 &&
	    (line.at[line.len - 1] == ' ' || line.at[line.len - 1] == '\t'))
		line.len--;
	fields->hosts += is_name(name, "Host");
	if (is_name(name, "Content-Length")) {
		fields->lengths++;
		head->what = "Content-Length must be a number";
		return is_number(line) ? HEAD_MORE : HEAD_BAD;
	}
	if (is_name(name, "Transfer-Encoding")) {
		fields->codings++;
		head->what = "Transfer-Encoding can only be chunked";
		return is_name(line, "chunked") ? HEAD_MORE : HEAD_BAD;
	}
	return HEAD_MORE;
}

static enum head_verdict
read_end(const struct fields *fields, bool needs_host, struct head *head)
{
	head->what = "HTTP/1.1 needs one Host field";
	if (fields->hosts > 1 || (needs_host && fields->hosts == 0))
		return HEAD_BAD;
	head->what = "the length of the body must be said in one way";
	if (fields->lengths + fields->codings > 1)
		return HEAD_BAD;
	head->what = "";
	return HEAD_WHOLE;
}

/* take_line gives one line without its CRLF; HEAD_MORE when it is not over. */
static enum head_verdict
take_line(struct text *rest, struct text *line, struct head *head)
{
	if (!cut(rest, '\n', line))
		return HEAD_MORE;
	head->what = "lines end with CR LF";
	if (line->len == 0 || line->at[line->len - 1] != '\r')
		return HEAD_BAD;
	line->len--;
	return HEAD_WHOLE;
}

/* unfinished: who speaks TLS or JSON here need not wait for the deadline. */
static enum head_verdict
unfinished(struct text bytes, struct head *head)
{
	if (bytes.len > 0 && !is_token((struct text){bytes.at, 1})) {
		head->what = "this port speaks HTTP/1.1 without TLS";
		return HEAD_BAD;
	}
	if (bytes.len < HEAD_MOST_BYTES)
		return HEAD_MORE;
	head->what = "the head has more than 16384 bytes";
	return HEAD_TOO_BIG;
}

enum head_verdict
head_read(struct text bytes, struct head *head)
{
	struct text rest = bytes, line;
	struct fields fields = {0};
	bool needs_host = true;
	enum head_verdict v;

	if (bytes.len > HEAD_MOST_BYTES)
		bytes.len = rest.len = HEAD_MOST_BYTES;
	*head = (struct head){.what = ""};
	for (uint32_t lines = 0;; lines++) {
		v = take_line(&rest, &line, head);
		if (v == HEAD_MORE)
			return unfinished(bytes, head);
		if (v == HEAD_BAD)
			return v;
		if (lines == 0)
			v = read_request(line, head, &needs_host);
		else if (line.len == 0)
			v = read_end(&fields, needs_host, head);
		else
			v = read_field(line, head, &fields);
		head->bytes = (uint32_t)(rest.at - bytes.at);
		if (v != HEAD_MORE)
			return v;
	}
}
