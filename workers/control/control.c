// SPDX-License-Identifier: MIT
#include "workers/control/control.h"

#include <stdio.h>
#include <stdlib.h>

#include "protocol/base/buffer.h"
#include "protocol/base/fd.h"
#include "protocol/json.h"
#include "protocol/pack.h"
#include "protocol/settings.h"
#include "workers/kit/worker.h"

enum {
	ENDPOINTS_BYTES = 64 << 10
};

void
control_start(struct worker *w)
{
	struct control *control = worker_state(w);

	control->audit_fd = -1;
	orders_start(w, &control->orders);
}

void
control_cmd_endpoints(struct worker *w, struct command *command)
{
	char *text = arena_alloc(command->arena, ENDPOINTS_BYTES);
	struct text path = arena_printf(
	    command->arena, "%s/endpoints.json", worker_runtime_dir(w));
	struct buffer packed;
	size_t bytes;

	if (fd_read_file(path.at, text, ENDPOINTS_BYTES, &bytes) != OK) {
		command_fail(command, CLASS_UNAVAILABLE,
		    "`banyan tree` shows what is still starting",
		    "the tree is not ready yet: no %s", path.at);
		return;
	}
	buffer_init(&packed, ENDPOINTS_BYTES);
	if (json_to_pack((struct text){.at = text, .len = (uint32_t)bytes},
		&packed, JSON_LIMITS, NULL) == OK)
		pack_raw(command->result, buffer_text(&packed));
	else
		command_fail(
		    command, CLASS_INTERNAL, NULL, "%s is not JSON", path.at);
	buffer_finish(&packed);
}

void
control_cmd_settings_show(struct worker *w, struct command *command)
{
	struct text section = TEXT("");
	enum err e = command_text(command, "section", &section);

	if (e == ERR_TYPE) {
		command_fail(
		    command, CLASS_INVALID, NULL, "`section` must be text");
		return;
	}
	e = settings_pack(worker_settings(w),
	    arena_string(command->arena, section), command->result);
	if (e != OK)
		command_fail(command, CLASS_NOT_FOUND,
		    "leave it out to see all sections",
		    "there is no section `%.*s`", TEXT_ARG(section));
}

void
control_cmd_version(struct worker *w, struct command *command)
{
	struct packer *p = command->result;
	const char *file = getenv(ENV_FILE);

	pack_map(p, 5);
	pack_string(p, "banyan");
	pack_string(p, BANYAN_VERSION);
	pack_string(p, "node");
	pack_text(p, settings_text(worker_settings(w), SETTING_node));
	pack_string(p, "settings_generation");
	pack_u64(p, settings_generation(worker_settings(w)));
	pack_string(p, "file");
	pack_string(p, file != NULL ? file : "");
	pack_string(p, "state_dir");
	pack_string(p, worker_state_dir(w));
}
