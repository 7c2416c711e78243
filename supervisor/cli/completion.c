// SPDX-License-Identifier: MIT
/* completion - words for the shells, made from the table of commands. */

#include <stdio.h>
#include <string.h>

#include "protocol/role.h"
#include "supervisor/cli/local.h"
#include "supervisor/cli/options.h"

static const char common[] =
    "--json --watch --timeout --runtime-dir --no-color --help";

static bool
is_first_of_noun(size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (strcmp(command_infos[i].noun, command_infos[at].noun) == 0)
			return false;
	return true;
}

static void
print_nouns(void)
{
	const char *gap = "";

	for (size_t i = 0; i < command_count; i++)
		if (is_first_of_noun(i)) {
			printf("%s%s", gap, command_infos[i].noun);
			gap = " ";
		}
}

/* print_options prints what may follow a command: its options, and roles
 * where it wants one. */
static void
print_options(const struct command_info *info)
{
	struct option_word words[OPTIONS_WORDS];
	uint32_t count = options_words(info->arguments, words);

	for (uint32_t k = 0; k < count; k++)
		if (words[k].is_option)
			printf("%s ", words[k].name);
		else if (strcmp(words[k].key, "role") == 0 ||
		    strcmp(words[k].key, "component") == 0)
			for (int r = 1; r < ROLE_WORKERS_END; r++)
				printf("%s ", role_name((enum role)r));
		else if (strcmp(words[k].key, "choice") == 0)
			printf("bash zsh ");
}

/* alone gives the command that a noun without a verb means, or NULL. */
static const struct command_info *
alone(const char *noun)
{
	const struct command_info *info = options_find(noun, "");

	return info != NULL ? info : options_implied(noun);
}

/* print_second prints what may follow a noun: its verbs, and what may follow
 * it without one. */
static void
print_second(const char *noun)
{
	for (size_t i = 0; i < command_count; i++)
		if (strcmp(command_infos[i].noun, noun) == 0 &&
		    command_infos[i].verb[0] != '\0')
			printf("%s ", command_infos[i].verb);
	if (alone(noun) != NULL)
		print_options(alone(noun));
	printf("%s", common);
}

/* Each line is one case of a shell: its pattern, what is before and behind
 * its words. */
struct shape {
	const char *before;
	const char *behind;
};

static void
print_seconds(const struct shape *shape)
{
	for (size_t i = 0; i < command_count; i++) {
		if (!is_first_of_noun(i))
			continue;
		printf("      %s) %s", command_infos[i].noun, shape->before);
		print_second(command_infos[i].noun);
		printf("%s ;;\n", shape->behind);
	}
}

/* print_thirds prints what may follow a verb, then what a noun alone. */
static void
print_thirds(const struct shape *shape)
{
	for (size_t i = 0; i < command_count; i++) {
		const struct command_info *info = &command_infos[i];

		if (info->verb[0] == '\0')
			continue;
		printf("      \"%s %s\") %s", info->noun, info->verb,
		    shape->before);
		print_options(info);
		printf("%s%s ;;\n", common, shape->behind);
	}
	for (size_t i = 0; i < command_count; i++) {
		if (!is_first_of_noun(i) ||
		    alone(command_infos[i].noun) == NULL)
			continue;
		printf(
		    "      \"%s \"*) %s", command_infos[i].noun, shape->before);
		print_options(alone(command_infos[i].noun));
		printf("%s%s ;;\n", common, shape->behind);
	}
}

static void
print_bash(void)
{
	static const struct shape shape = {"words=\"", "\""};

	printf("# banyan completion bash; in ~/.bashrc: "
	       "eval \"$(banyan completion bash)\"\n"
	       "_banyan() {\n"
	       "  local word=${COMP_WORDS[COMP_CWORD]} words=\"%s\"\n"
	       "  if [ \"$COMP_CWORD\" = 1 ]; then\n"
	       "    words=\"",
	    common);
	print_nouns();
	printf("\"\n"
	       "  elif [ \"$COMP_CWORD\" = 2 ]; then\n"
	       "    case ${COMP_WORDS[1]} in\n");
	print_seconds(&shape);
	printf("    esac\n"
	       "  else\n"
	       "    case \"${COMP_WORDS[1]} ${COMP_WORDS[2]}\" in\n");
	print_thirds(&shape);
	printf("    esac\n"
	       "  fi\n"
	       "  COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
	       "}\n"
	       "complete -o default -F _banyan banyan\n");
}

static void
print_zsh(void)
{
	static const struct shape shape = {"compadd -- ", ""};

	printf("#compdef banyan\n"
	       "# banyan completion zsh > \"${fpath[1]}/_banyan\"\n"
	       "_banyan() {\n"
	       "  if (( CURRENT == 2 )); then\n"
	       "    compadd -- ");
	print_nouns();
	printf("\n  elif (( CURRENT == 3 )); then\n"
	       "    case $words[2] in\n");
	print_seconds(&shape);
	printf("    esac\n"
	       "  else\n"
	       "    case \"$words[2] $words[3]\" in\n");
	print_thirds(&shape);
	printf("    esac\n"
	       "  fi\n"
	       "}\n"
	       "compdef _banyan banyan\n");
}

enum cli_exit
local_completion(struct cli *cli)
{
	const char *shell = cli->argc > 0 ? cli->argv[0] : "";

	if (strcmp(shell, "bash") == 0) {
		print_bash();
	} else if (strcmp(shell, "zsh") == 0) {
		print_zsh();
	} else {
		cli_complain(
		    "usage: banyan completion bash|zsh", "for which shell?");
		return CLI_USAGE;
	}
	return CLI_OK;
}
