// SPDX-License-Identifier: MIT
#ifndef WORKERS_MONITOR_DIAG_H
#define WORKERS_MONITOR_DIAG_H

/*
 * diag - glue of the debugger's records: looks at components, keeps what came
 * of it, gathers errors from the rings.
 *
 * Trust:  components are named by operators and strangers of this machine;
 *         they are only looked up.
 * Owner:  open/close; pages reach it through struct monitor.
 */

#include "protocol/base/loop.h"
#include "protocol/events.h"
#include "protocol/role.h"
#include "workers/monitor/analysis.h"
#include "workers/monitor/diagnostics.h"
#include "workers/monitor/page.h"

struct diag {
	struct worker *worker;
	struct diagnostics store;
	struct loop_timer timer;
	struct events_reading told[EVENTS_KINDS][EVENTS_RINGS];
};

struct diag *diag_open(struct worker *);
void diag_close(struct diag **);

/* diag_read takes what is new in the rings; also done every second. */
void diag_read(struct diag *);

/* A component: a role, or one of its instances. */
struct component {
	enum role role;
	uint32_t instance; /* 0: all */
	char name[40];
};

/* diag_component reads the page's parameter; else the page has failed. */
bool diag_component(struct page *, struct component *);

/* diag_look sums up a component's processes. */
void diag_look(
    struct page *, const struct component *, struct component_look *);

/* A record that is being packed into a page. */
struct diag_record {
	enum diagnostics_kind kind;
	size_t at; /* where in the page's bytes it begins */
	char id[DIAGNOSTICS_ID];
};

/* diag_begin_record packs the fields every record begins with: `count` more
 * must follow. diag_end_record keeps the record and answers with it. */
struct packer *diag_begin_record(
    struct page *, enum diagnostics_kind, uint32_t count, struct diag_record *);
enum page_status diag_end_record(struct page *, const struct diag_record *);

#endif /* WORKERS_MONITOR_DIAG_H */
