// SPDX-License-Identifier: MIT
#include "protocol/pack.h"
#include "workers/worker_pool/worker_pool.h"

/* worker_pool_cmd_pools answers `banyan pools`: one map a pool. */
void
worker_pool_cmd_pools(struct worker *w, struct command *command)
{
	struct packer *p = command->result;

	(void)w;
	pack_map(p, 1);
	pack_string(p, "pools");
	pack_array(p, 0); /* pools.list is refused by the settings program */
}
