// SPDX-License-Identifier: MIT
#include "workers/monitor/page_ask.h"

#include "workers/kit/ask.h"
#include "workers/kit/route.h"
#include "workers/monitor/monitor.h"

struct asked {
	struct page *page;
	enum role role;
	page_take *take;
	bool is_optional;
};

static enum page_status status_of(struct text class)
{
	if (text_is(class, CLASS_NOT_FOUND))
		return PAGE_NOT_FOUND;
	if (text_is(class, CLASS_INVALID))
		return PAGE_BAD;
	return PAGE_UNAVAILABLE;
}

static void
answered(void *ctx, const struct ask_reply *reply)
{
	struct asked *asked = ctx;
	struct page *page = asked->page;
	enum page_status status;

	if (asked->is_optional && (reply->err != OK || !reply->is_ok))
		status = asked->take(page, TEXT(""));
	else if (reply->err != OK)
		status = page_fail(page, PAGE_UNAVAILABLE,
		    "%s does not answer (%s); see banyan why %s",
		    role_name(asked->role), err_name(reply->err),
		    role_name(asked->role));
	else if (!reply->is_ok)
		status = page_fail(page, status_of(reply->class), "%.*s",
		    TEXT_ARG(reply->message));
	else
		status = asked->take(page, reply->result);
	page_finish(page, status);
}

enum page_status
page_ask(struct page *page, const struct page_question *question)
{
	struct asked *asked = ARENA_NEW(page->arena, struct asked);

	*asked = (struct asked){
	    page, question->role, question->take, question->is_optional};
	ask(page->monitor->worker,
	    &(struct ask_question){.role = question->role,
		.op = question->op,
		.args = question->args,
		.deadline_ms = PAGE_ASK_MS,
		.done = answered,
		.ctx = asked});
	return page_park(page);
}
