// SPDX-License-Identifier: MIT
/* call_follow - a channel that stays open: lines typed are calls, and what
 * others push is printed as it comes. */

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "protocol/base/clock.h"
#include "protocol/json.h"
#include "supervisor/cli/call.h"

enum {
	ARGUMENT_BYTES = 4 << 20,
	READ_BYTES = 4096,
	LINE_BYTES = (64 << 10) + READ_BYTES,
	HEARTBEAT_MS = 20000
};

static struct text
without_spaces(struct text line)
{
	while (line.len > 0 && *line.at == ' ') {
		line.at++;
		line.len--;
	}
	return line;
}

/* take_word takes the next word off a line. */
static struct text
take_word(struct text *line)
{
	struct text word = without_spaces(*line);
	int64_t end = text_find(word, ' ');
	uint32_t len = end >= 0 ? (uint32_t)end : word.len;

	*line = (struct text){.at = word.at + len, .len = word.len - len};
	word.len = len;
	return word;
}

/* ask_line makes a call of a line: SERVICE FUNCTION [JSON]. */
static enum cli_exit
ask_line(struct call *call, struct text line)
{
	struct text whole = without_spaces(line);
	struct ask ask = {.service = take_word(&line)};
	struct json_error error;
	struct buffer args;
	enum cli_exit code = CLI_USAGE;

	ask.function = take_word(&line);
	line = without_spaces(line);
	if (ask.service.len == 0)
		return CLI_OK;
	if (line.len == 0)
		line = TEXT("{}");
	buffer_init(&args, ARGUMENT_BYTES);
	if (ask.function.len == 0) {
		cli_complain("a line is: SERVICE FUNCTION [JSON]",
		    "not a call: %.*s", TEXT_ARG(whole));
	} else if (json_to_pack(line, &args, JSON_LIMITS, &error) != OK) {
		cli_complain("a line is: SERVICE FUNCTION [JSON]",
		    "not valid JSON at byte %u: %s", error.offset, error.what);
	} else {
		ask.args = buffer_text(&args);
		code = call_ask(call, &ask);
	}
	buffer_finish(&args);
	return code;
}

/* ask_lines makes the calls whose lines are whole; `code` is the last one's. */
static enum cli_exit
ask_lines(
    struct call *call, struct buffer *typed, bool is_over, enum cli_exit code)
{
	if (is_over && buffer_used(typed) > LINE_BYTES) {
		cli_complain("put large arguments into a call of their own",
		    "a line has at most %d bytes", LINE_BYTES);
		return CLI_USAGE;
	}
	if (is_over && buffer_used(typed) > 0) {
		enum err e = buffer_append(typed, "\n", 1);

		INVARIANT(e == OK); /* READ_BYTES are left above LINE_BYTES */
	}
	for (;;) {
		struct text all = buffer_text(typed);
		int64_t end = text_find(all, '\n');

		if (end < 0 || code == CLI_UNREACHABLE)
			return code;
		all.len = (uint32_t)end;
		code = ask_line(call, all);
		fflush(stdout);
		buffer_consume(typed, (size_t)end + 1);
	}
}

/* read_typed: false when nothing more is typed, or fits. */
static bool
read_typed(struct buffer *typed)
{
	uint8_t *to;
	ssize_t n;

	if (buffer_reserve(typed, READ_BYTES, &to) != OK)
		return false;
	n = read(STDIN_FILENO, to, READ_BYTES);
	if (n > 0)
		buffer_commit(typed, (size_t)n);
	return n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN));
}

enum cli_exit
call_follow(struct call *call, enum cli_exit code)
{
	struct pollfd fds[2] = {{.fd = STDIN_FILENO, .events = POLLIN},
	    {.fd = call->talk.wire.dial.fd, .events = POLLIN}};
	struct buffer typed;
	bool is_typing = true;
	enum err e = OK;

	buffer_init(&typed, LINE_BYTES + READ_BYTES);
	while (is_typing && e == OK && code != CLI_UNREACHABLE) {
		fflush(stdout);
		bool is_waiting = buffer_used(&call->talk.wire.dial.in) > 0;
		int ready = is_waiting ? 0 : poll(fds, 2, HEARTBEAT_MS);
		call->talk.wire.dial.until_ms = clock_mono_ms() + call->most_ms;
		if (ready < 0 && errno != EINTR)
			e = ERR_SYSTEM;
		else if (is_waiting || (ready > 0 && fds[1].revents != 0))
			e = call_take(call);
		else if (ready == 0)
			e = talk_heartbeat(&call->talk);
		if (e == OK && ready > 0 && fds[0].revents != 0) {
			is_typing = read_typed(&typed);
			code = ask_lines(call, &typed, !is_typing, code);
		}
	}
	buffer_finish(&typed);
	return e == OK ? code : call_failed(call, "the channel is over at", e);
}
