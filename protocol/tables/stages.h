// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_TABLES_STAGES_H
#define PROTOCOL_TABLES_STAGES_H
// clang-format off

/*
 * stages - the hops of one request, in the order they can come, one row each.
 *
 * G(stage, flag, event, keys, meaning)
 *   flag   of TRACE_FLAGS that records it; `always` is recorded whatever the
 *          flags
 *   event  of the request tracer's files (gateway.md 11.9); "" is not in them
 *   keys   what a line of that file says besides the common keys
 *   meaning  for people
 * Used as: trace_hop(…, STAGE_decode, "status=ok").
 */
#define TRACE_STAGES(G) \
	G(start,         always,    "request_start",   "args",                             "the message is read") \
	G(config_lookup, call,      "config_lookup",   "status version",                   "the function is looked up") \
	G(hook_before,   call,      "hook_before",     "status reason",                    "before-hooks have run") \
	G(permission,    call,      "permission",      "permission permission_mode",       "may the caller?") \
	G(rate_limit,    call,      "rate_limit",      "status retry_after_ms error",      "is it within the limits?") \
	G(arguments,     call,      "arguments",       "status count error",               "the arguments are converted") \
	G(node,          call,      "",                "node",                             "a node is chosen") \
	G(dispatch,      call,      "execution",       "mode mfa",                         "the call is in the node's batch") \
	G(queued,        procs,     "",                "pool",                             "worker_pool has it") \
	G(run,           procs,     "",                "pool runner",                      "a runner has it") \
	G(ran,           procs,     "",                "pool",                             "the runner has answered") \
	G(served,        procs,     "",                "queue_us run_us",                  "what the service says of its own time") \
	G(result,        return_to, "",                "bytes",                            "the node has answered") \
	G(error,         always,    "error",           "kind error",                       "it went wrong") \
	G(retry,         always,    "retry",           "attempt mode backoff_ms type result", "it will be tried again") \
	G(retry_exhausted, always,  "retry_exhausted", "mode type result",                 "the last attempt has failed") \
	G(fallback,      always,    "rpc_fallback",    "node reason error",                "the node was not to be had: the next one") \
	G(async,         always,    "async",           "status",                           "an async call is accepted, or not") \
	G(stream,        always,    "stream",          "status",                           "a stream begins, or not") \
	G(part,          return_to, "",                "bytes",                            "a part of a stream") \
	G(hook_after,    return_to, "hook_after",      "status",                           "after-hooks have run") \
	G(encode,        return_to, "",                "bytes",                            "the answer is JSON") \
	G(write,         return_to, "",                "bytes",                            "the answer is in the client's buffer") \
	G(log,           always,    "log",             "level pid mfa message",            "a line logged on the way") \
	G(end,           always,    "request_end",     "success async duration_us error",  "it is over")

// clang-format on
#endif /* PROTOCOL_TABLES_STAGES_H */
