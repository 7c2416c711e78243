// SPDX-License-Identifier: MIT
#ifndef SUPERVISOR_CLI_OPTIONS_H
#define SUPERVISOR_CLI_OPTIONS_H

/*
 * options - from argv to a command of the table and a map of its arguments.
 *
 * The arguments column of protocol/tables/commands.h is the grammar:
 * "SERVICE FUNCTION [--version V]" makes {"service":…, "function":…,
 * "version":…}. So help, completion and parsing cannot disagree.
 *
 * Trust:  argv is the operator's own.
 * Owner:  all in cli->arena.
 */

#include "protocol/base/buffer.h"
#include "supervisor/cli/cli.h"

enum {
	OPTIONS_WORDS = 24 /* arguments one command may have */
};

/* One word of the arguments column. */
struct option_word {
	char key[32];  /* "max_memory" */
	char name[32]; /* as typed: "--max-memory", or "SERVICE" */
	bool is_option;
	bool is_required;
	bool takes_value;
};

/* options_words reads an arguments column; gives the number of words. */
uint32_t options_words(
    const char *arguments, struct option_word to[OPTIONS_WORDS]);

/*
 * options_parse finds command and arguments, taking the options every command
 * has (--json, --watch …) out of argv. CLI_OK, or what to exit with after it
 * has complained. `command` stays NULL when nothing was typed.
 */
enum cli_exit options_parse(struct cli *, int argc, char **argv);

/*
 * options_expand makes `-c` the one option of the command that begins so
 * (`--cluster`); what two options begin with stays as it was typed.
 */
void options_expand(struct cli *);

/* options_pack writes the arguments as a msgpack map; CLI_OK or CLI_USAGE. */
enum cli_exit options_pack(struct cli *, struct buffer *out);

/* options_find gives the command of these two words, or NULL; options_implied
 * the one that a noun alone means if it has none of its own. */
const struct command_info *options_find(const char *noun, const char *verb);
const struct command_info *options_implied(const char *noun);

/* options_unknown complains of a noun, or of a verb of it, that there is not,
 * and says which was meant. */
void options_unknown(const char *noun, const char *verb);

/* options_value gives the value of `--name` in argv, or NULL; for cli rows. */
const char *options_value(const struct cli *, const char *name);

#endif /* SUPERVISOR_CLI_OPTIONS_H */
