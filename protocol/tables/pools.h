// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_TABLES_POOLS_H
#define PROTOCOL_TABLES_POOLS_H
// clang-format off

/*
 * pools - every key of an item of pools.list, one row each.
 *
 * R(of, key, type, default, min, max, error, unit, meaning)
 *   of       pool: of the item itself; heartbeat, crash_barrier: of that map
 *   type     U64, BOOL, TEXT, WORD (unit has the words, upper and lower case
 *            alike), TEXTS, NUMBERS (a list), SPAN (infinity, or a number
 *            and its unit; kept in ms), FINITE (infinity, or a number)
 *   default  as it would be written; "" for what the meaning explains
 *   min max  of the number, of a text's bytes, of a list's items
 *   error    the word an operator finds in the message
 * Each row is a member of the struct in protocol/pool_spec.h of its own name.
 */
#define POOL_KEYS(R) \
	R(pool, name,           TEXT, "", 1, 32, invalid_name, "", "required; small letters, digits, _ and -; runners are called <name>/1, <name>/2 …") \
	R(pool, worker_profile, WORD, "process", 0, 0, invalid_profile, "process|thread", "many runners with one call each, or few with several each") \
	R(pool, pool_size,      U64,  "", 1, 100000, invalid_pool_size, "runners", "absent: twice the processors; never more than max_workers") \
	R(pool, max_workers,    U64,  "150", 1, 1000, invalid_pool_size, "runners", "no pool starts more, whatever pool_size asks") \
	R(pool, threads_per_worker,     U64,  "10", 1, 1024, invalid_threads_per_worker, "threads", "of a runner of the thread profile: so many calls at once") \
	R(pool, thread_safety_checks,   BOOL, "false", 0, 0, invalid_thread_safety_checks, "", "told to runners of the thread profile as BANYAN_THREAD_CHECKS=1") \
	R(pool, startup_batch_size,     U64,  "10", 1, 1000, invalid_startup_batch_size, "runners", "of the process profile started together") \
	R(pool, startup_batch_delay_ms, U64,  "500", 0, 60000, invalid_startup_batch_delay_ms, "ms", "between two such batches") \
	R(pool, min_ready,      U64,  "", 0, 1000, invalid_min_ready, "runners", "that recycling leaves ready; absent: half of the pool") \
	R(pool, capacity_strategy, WORD, "pool", 0, 0, invalid_capacity_strategy, "pool|profile|hybrid", "how many calls a runner gets: as many as it has threads; one; as many as threads, with events") \
	R(pool, affinity,       WORD, "hint", 0, 0, invalid_affinity, "hint|strict_queue|strict_fail_fast", "when the runner of a session is busy: any other; wait for it; refuse") \
	R(pool, worker_ttl,     SPAN, "infinity", 1, 0, invalid_worker_ttl, "seconds|minutes|hours|days", "a runner this old is replaced; [30, minutes], or seconds, or infinity") \
	R(pool, worker_max_requests, FINITE, "infinity", 1, 0, invalid_worker_max_requests, "calls", "a runner that served so many is replaced") \
	R(pool, memory_threshold_mb, U64, "0", 0, 1048576, invalid_memory_threshold_mb, "MB", "a runner whose resident memory reaches this is replaced; 0: never") \
	R(pool, memory_bytes,   U64,  "0", 0, 1099511627776, invalid_memory_bytes, "bytes", "RLIMIT_AS of a runner; 0: no limit") \
	R(pool, adapter,        WORD, "native", 0, 0, invalid_adapter, "native|python|program", "what a runner is") \
	R(pool, plugin_dir,     TEXT, "\"\"", 0, 255, invalid_plugin_dir, "path", "of native plug-ins; empty: those installed with banyan") \
	R(pool, modules,        TEXTS, "[]", 0, 64, invalid_modules, "module", "of Python whose functions can be called; adapter python needs one") \
	R(pool, python_path,    TEXT, "\"\"", 0, 1024, invalid_python_path, "path", "folders where those modules are, a colon between; empty: those installed with banyan") \
	R(pool, program,        TEXTS, "[]", 0, 64, invalid_program, "argument", "the program and its arguments; adapter program needs it") \
	R(pool, adapter_args,   TEXTS, "[]", 0, 64, invalid_adapter_args, "argument", "more arguments, behind ours") \
	R(pool, adapter_env,    TEXTS, "[]", 0, 64, invalid_adapter_env, "NAME=value", "environment of the runners; beats every default") \
	R(pool, max_queue_size, U64,  "", 0, 1000000, invalid_max_queue_size, "calls", "that may wait; absent: pools.max_queue_size") \
	R(pool, queue_timeout_ms, U64, "", 1, 3600000, invalid_queue_timeout_ms, "ms", "that a call may wait; absent: pools.queue_timeout_ms") \
	R(pool, circuit_breaker_threshold, U64, "", 1, 100000, invalid_circuit_breaker_threshold, "failures", "in a row that open a breaker; absent: 5 for a runner, 10 for the pool") \
	R(pool, circuit_breaker_cooldown_ms, U64, "60000", 1, 86400000, invalid_circuit_breaker_cooldown_ms, "ms", "until an open breaker lets one call try") \
	\
	R(heartbeat, enabled,          BOOL, "true", 0, 0, invalid_heartbeat, "", "runners are asked whether they live") \
	R(heartbeat, ping_interval_ms, U64, "500", 50, 600000, invalid_heartbeat, "ms", "from one question to the next") \
	R(heartbeat, timeout_ms,       U64, "500", 50, 600000, invalid_heartbeat, "ms", "without an answer it counts as missed") \
	R(heartbeat, max_missed_heartbeats, U64, "3", 1, 1000, invalid_heartbeat, "heartbeats", "missed in a row: the runner has failed") \
	R(heartbeat, initial_delay_ms, U64, "0", 0, 600000, invalid_heartbeat, "ms", "from ready to the first question") \
	R(heartbeat, dependent,        BOOL, "true", 0, 0, invalid_heartbeat, "", "a runner that failed is replaced; false: it is only said") \
	\
	R(crash_barrier, enabled,      BOOL, "false", 0, 0, invalid_crash_barrier, "", "crashes taint a runner, and its calls may be tried again") \
	R(crash_barrier, mark_on,      TEXTS, "[segfault, oom, gpu]", 0, 8, invalid_crash_barrier, "segfault|abort|oom|gpu|unknown", "kinds of death that taint") \
	R(crash_barrier, exit_codes,   NUMBERS, "[]", 0, 32, invalid_crash_barrier, "", "exit codes that taint too") \
	R(crash_barrier, taint_ms,     U64, "60000", 0, 86400000, invalid_crash_barrier, "ms", "that a tainted runner gets no calls") \
	R(crash_barrier, retry,        WORD, "idempotent", 0, 0, invalid_crash_barrier, "idempotent|always|never", "lost calls tried on another runner; always is no more than idempotent: others run once") \
	R(crash_barrier, max_restarts, U64, "1", 0, 10, invalid_crash_barrier, "tries", "of one call, after the first") \
	R(crash_barrier, backoff_ms,   NUMBERS, "[50, 100, 200]", 1, 16, invalid_crash_barrier, "ms", "before each of these tries")

// clang-format on
#endif /* PROTOCOL_TABLES_POOLS_H */
