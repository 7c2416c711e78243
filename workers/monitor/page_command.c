// SPDX-License-Identifier: MIT
#include "workers/kit/route.h"
#include "workers/kit/worker.h"
#include "workers/monitor/page.h"

static const char *
class_of(enum page_status status)
{
	switch (status) {
	case PAGE_BAD:
		return CLASS_INVALID;
	case PAGE_NOT_FOUND:
		return CLASS_NOT_FOUND;
	case PAGE_TOO_MANY:
		return CLASS_REFUSED;
	case PAGE_UNAVAILABLE:
		return CLASS_UNAVAILABLE;
	case PAGE_INTERNAL:
	case PAGE_PARKED:
	case PAGE_OK:
	default:
		return CLASS_INTERNAL;
	}
}

/* settle turns what the handler made into the command's reply. */
static void
settle(struct command *command, struct page *page, enum page_status status)
{
	if (status != PAGE_OK && page->message.len > 0)
		command_fail(command, class_of(status), NULL, "%.*s",
		    TEXT_ARG(page->message));
	else if (page->plain != NULL)
		pack_text(page->out, buffer_text(page->plain));
	page_close(page);
}

static void
finished(struct page *page, enum page_status status)
{
	struct command *command = page->asker;

	settle(command, page, status);
	command_finish(command);
}

void
page_answer_command(
    struct worker *w, struct command *command, page_handler *handler)
{
	struct page *page = ARENA_NEW(command->arena, struct page);
	enum page_status status;

	page_init(page, worker_state(w), command->arena, command->result,
	    command->args);
	page->finished = finished;
	page->asker = command;
	status = page_run(page, handler);
	if (status == PAGE_PARKED)
		command_park(command);
	else
		settle(command, page, status);
}
