// SPDX-License-Identifier: MIT
#include "supervisor/cli/options.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/json.h"
#include "protocol/pack.h"

enum {
	WATCH_DEFAULT_MS = 2000,
	VALUE_BYTES = 4 << 20
};

/* --- the arguments column --- */

/* key_of turns "--max-memory" and "ROLE[/N]" into "max_memory" and "role". */
static void
key_of(const char *word, char *to, size_t size)
{
	size_t n = 0;

	while (*word == '-')
		word++;
	for (; *word != '\0' && *word != '[' && n < size - 1; word++)
		to[n++] = *word == '-' ? '_' : (char)tolower(*word);
	to[n] = '\0';
	if (strchr(to, '|') != NULL) /* bash|zsh: one of these */
		snprintf(to, size, "choice");
}

static uint32_t
add_word(struct option_word *to, const char *text, bool is_required)
{
	char name[64];
	char value[64] = "";
	int words = sscanf(text, "%63s %63s", name, value);

	if (words < 1)
		return 0;
	*to = (struct option_word){.is_option = name[0] == '-',
	    .is_required = is_required,
	    .takes_value = name[0] != '-' || value[0] != '\0'};
	snprintf(to->name, sizeof(to->name), "%.31s", name);
	key_of(name, to->key, sizeof(to->key));
	return 1;
}

/* end_of finds the end of one word: a bracket to its partner, else a space */
static const char *
end_of(const char *at)
{
	int depth = 0;

	for (; *at != '\0'; at++) {
		if (*at == '[')
			depth++;
		if (*at == ']')
			depth--;
		if (depth == 0 && at[1] == ' ')
			return at + 1;
	}
	return at;
}

uint32_t
options_words(const char *arguments, struct option_word to[OPTIONS_WORDS])
{
	uint32_t count = 0;

	while (*arguments != '\0' && count < OPTIONS_WORDS) {
		char text[128];
		const char *end = end_of(arguments);
		bool is_optional = *arguments == '[';
		size_t skip = is_optional ? 1 : 0;

		/* a required option is two words: its name and its value */
		if (arguments[0] == '-' && *end == ' ')
			end = end_of(end + 1);
		size_t len = (size_t)(end - arguments) - 2 * skip;

		snprintf(
		    text, sizeof(text), "%.*s", (int)len, arguments + skip);
		count += add_word(&to[count], text, !is_optional);
		arguments = *end == ' ' ? end + 1 : end;
	}
	return count;
}

/* --- the options every command has --- */

static bool
is_number(const char *s)
{
	char *end;

	if (s == NULL || *s == '\0')
		return false;
	double value = strtod(s, &end);
	return *end == '\0' && value > 0 && value < 1e6;
}

static uint32_t
milliseconds(const char *seconds)
{
	double ms = strtod(seconds, NULL) * 1000;

	return ms < 1 ? 1 : (uint32_t)ms;
}

/*
 * take_common handles one option that every command has; gives how many words
 * it took, 0 if it is none, -1 after a complaint. --timeout of `call` and
 * `observe bench` is in milliseconds and their own.
 */
static int
take_common(struct cli *cli, char **at, bool is_call)
{
	const char *word = at[0];

	if (strcmp(word, "--json") == 0) {
		cli->wants_json = true;
	} else if (strcmp(word, "--no-color") == 0) {
		cli->wants_colour = false;
	} else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
		cli->wants_help = true;
	} else if (strcmp(word, "--watch") == 0) {
		bool has_number = is_number(at[1]);

		cli->watch_ms =
		    has_number ? milliseconds(at[1]) : WATCH_DEFAULT_MS;
		return has_number ? 2 : 1;
	} else if (strcmp(word, "--timeout") == 0 && !is_call) {
		if (!is_number(at[1])) {
			cli_complain("--timeout 10", "--timeout wants seconds");
			return -1;
		}
		cli->timeout_ms = milliseconds(at[1]);
		return 2;
	} else if (strcmp(word, "--runtime-dir") == 0) {
		if (at[1] == NULL || at[1][0] == '\0') {
			cli_complain("--runtime-dir /run/banyan",
			    "--runtime-dir wants a folder");
			return -1;
		}
		cli->runtime_dir = at[1];
		return 2;
	} else {
		return 0;
	}
	return 1;
}

/* --- the command --- */

const struct command_info *
options_find(const char *noun, const char *verb)
{
	for (size_t i = 0; i < command_count; i++)
		if (strcmp(command_infos[i].noun, noun) == 0 &&
		    strcmp(command_infos[i].verb, verb) == 0)
			return &command_infos[i];
	return NULL;
}

/* `banyan functions` means `functions list`, if there is one. */
const struct command_info *
options_implied(const char *noun)
{
	static const char *const verbs[] = {"list", "show", "config"};
	const struct command_info *found = NULL;

	for (size_t i = 0; i < COUNT_OF(verbs) && found == NULL; i++)
		found = options_find(noun, verbs[i]);
	return found;
}

/* verbs_hint names what a noun can. */
static const char *
verbs_hint(const char *noun, char *to, size_t size)
{
	size_t used = (size_t)snprintf(to, size, "banyan %s ", noun);
	const char *between = "";

	for (size_t i = 0; i < command_count && used < size; i++)
		if (strcmp(command_infos[i].noun, noun) == 0) {
			used += (size_t)snprintf(to + used, size - used, "%s%s",
			    between, command_infos[i].verb);
			between = "|";
		}
	return to;
}

void
options_unknown(const char *noun, const char *verb)
{
	const char *names[128];
	size_t count = 0;
	char hint[512] = "`banyan help` lists the commands";
	bool is_noun = false;

	for (size_t i = 0; i < command_count; i++)
		is_noun |= strcmp(command_infos[i].noun, noun) == 0;
	for (size_t i = 0; i < command_count && count < 128; i++)
		if (!is_noun)
			names[count++] = command_infos[i].noun;
		else if (strcmp(command_infos[i].noun, noun) == 0)
			names[count++] = command_infos[i].verb;
	int best = text_closest(text_of(is_noun ? verb : noun), names, count);
	if (best >= 0 && is_noun)
		snprintf(hint, sizeof(hint), "did you mean `banyan %s %s`?",
		    noun, names[best]);
	else if (best >= 0)
		snprintf(hint, sizeof(hint), "did you mean `banyan %s`?",
		    names[best]);
	if (is_noun && (verb[0] == '\0' || verb[0] == '-'))
		cli_complain(verbs_hint(noun, hint, sizeof(hint)),
		    "`%s` wants to know what", noun);
	else if (is_noun)
		cli_complain(hint, "`%s` cannot `%s`", noun, verb);
	else
		cli_complain(hint, "there is no command `%s`", noun);
}

/* name_command takes noun and verb off the words. */
static enum cli_exit
name_command(struct cli *cli)
{
	const char *noun = cli->argv[0];
	const char *verb = cli->argc > 1 ? cli->argv[1] : "";
	int used = 1;

	if (verb[0] != '\0' && verb[0] != '-') {
		cli->command = options_find(noun, verb);
		used = 2;
	}
	if (cli->command == NULL) {
		cli->command = options_find(noun, "");
		used = 1;
	}
	if (cli->command == NULL && (verb[0] == '\0' || verb[0] == '-'))
		cli->command = options_implied(noun);
	if (cli->command == NULL) {
		options_unknown(noun, verb);
		return CLI_USAGE;
	}
	cli->argc -= used;
	cli->argv += used;
	options_expand(cli);
	return CLI_OK;
}

enum cli_exit
options_parse(struct cli *cli, int argc, char **argv)
{
	bool is_call = argc > 1 &&
	    (strcmp(argv[1], "call") == 0 ||
		(strcmp(argv[1], "observe") == 0 && argc > 2 &&
		    strcmp(argv[2], "bench") == 0));

	cli->argv = ARENA_ARRAY(&cli->arena, char *, (size_t)argc + 1);
	for (int i = 1; i < argc;) {
		int taken = take_common(cli, argv + i, is_call);

		if (taken < 0)
			return CLI_USAGE;
		if (taken == 0)
			cli->argv[cli->argc++] = argv[i++];
		i += taken;
	}
	if (cli->argc == 0)
		return CLI_OK;
	if (strcmp(cli->argv[0], "--version") == 0)
		cli->argv[0] = arena_string(&cli->arena, TEXT("version"));
	return name_command(cli);
}

const char *
options_value(const struct cli *cli, const char *name)
{
	for (int i = 0; i + 1 < cli->argc; i++)
		if (strcmp(cli->argv[i], name) == 0)
			return cli->argv[i + 1];
	return NULL;
}

/* --- the arguments of a command --- */

static enum cli_exit
usage(const struct cli *cli, const char *what, const char *word)
{
	char hint[256];

	snprintf(hint, sizeof(hint), "usage: banyan %s%s%s%s%s",
	    cli->command->noun, cli->command->verb[0] != '\0' ? " " : "",
	    cli->command->verb, cli->command->arguments[0] != '\0' ? " " : "",
	    cli->command->arguments);
	cli_complain(hint, "%s%s", what, word);
	return CLI_USAGE;
}

static enum cli_exit
pack_value(struct cli *cli, struct packer *p, const struct option_word *word,
    const char *value)
{
	struct json_error error;

	pack_string(p, word->key);
	if (strcmp(word->key, "json") != 0) {
		pack_string(p, value);
		return CLI_OK;
	}
	if (json_to_pack(text_of(value), p->out, JSON_LIMITS, &error) != OK) {
		char what[160];

		snprintf(what, sizeof(what), "not valid JSON at byte %u: %s",
		    error.offset, error.what);
		return usage(cli, what, "");
	}
	return CLI_OK;
}

static size_t
verbs_of(const char *noun, const char *verbs[], size_t most)
{
	size_t count = 0;

	for (size_t i = 0; i < command_count && count < most; i++)
		if (strcmp(command_infos[i].noun, noun) == 0 &&
		    command_infos[i].verb[0] != '\0')
			verbs[count++] = command_infos[i].verb;
	return count;
}

/* is_slip: its letters in another order, or one of them more or less. */
static bool
is_slip(const char *typed, const char *verb)
{
	int letters[256] = {0};
	uint32_t more = 0, less = 0;

	for (const char *at = typed; *at != '\0'; at++)
		letters[(uint8_t)*at]++;
	for (const char *at = verb; *at != '\0'; at++)
		letters[(uint8_t)*at]--;
	for (size_t i = 0; i < COUNT_OF(letters); i++)
		if (letters[i] > 0)
			more += (uint32_t)letters[i];
		else
			less += (uint32_t)-letters[i];
	return more + less <= 1;
}

/*
 * check_slip: `banyan revoke lst` would revoke a user of that name. Whoever
 * is really called like that is named behind an option.
 */
static enum cli_exit
check_slip(const struct cli *cli, const struct option_word *words,
    uint32_t count, const char *typed)
{
	const char *noun = cli->command->noun;
	const char *verbs[32];
	size_t verb_count = verbs_of(noun, verbs, COUNT_OF(verbs));
	char hint[256], other[128] = "";

	for (uint32_t i = 0; i < count; i++)
		if (words[i].is_option && words[i].takes_value &&
		    strcmp(words[i].key, words[0].key) == 0)
			snprintf(other, sizeof(other),
			    " If it is a %s: banyan %s %s %s", words[0].name,
			    noun, words[i].name, typed);
	for (size_t i = 0; i < verb_count; i++) {
		if (!is_slip(typed, verbs[i]))
			continue;
		snprintf(hint, sizeof(hint), "did you mean `banyan %s %s`?%s",
		    noun, verbs[i], other);
		cli_complain(hint, "`%s` cannot `%s`", noun, typed);
		return CLI_USAGE;
	}
	return CLI_OK;
}

/* not_understood: a misspelled verb of a noun that also stands alone? */
static enum cli_exit
not_understood(const struct cli *cli, int at)
{
	const char *noun = cli->command->noun;
	const char *typed = cli->argv[at];
	const char *verbs[32];
	char hint[128];
	size_t count = verbs_of(noun, verbs, COUNT_OF(verbs));
	int best = -1;

	if (at == 0 && cli->command->verb[0] == '\0')
		best = text_closest(text_of(typed), verbs, count);
	if (best < 0)
		return usage(cli, "not understood: ", typed);
	snprintf(hint, sizeof(hint), "did you mean `banyan %s %s`?", noun,
	    verbs[best]);
	cli_complain(hint, "`%s` cannot `%s`", noun, typed);
	return CLI_USAGE;
}

static const struct option_word *
find_word(const struct option_word *words, uint32_t count, const char *typed,
    uint32_t *position)
{
	uint32_t seen = 0;

	for (uint32_t i = 0; i < count; i++) {
		/* a number may be below 0; whoever is called "-x" stands
		 * behind an option */
		if (typed[0] == '-' &&
		    (typed[1] == '-' || isalpha((unsigned char)typed[1]))) {
			if (words[i].is_option &&
			    strcmp(words[i].name, typed) == 0)
				return &words[i];
		} else if (!words[i].is_option && seen++ == *position) {
			(*position)++;
			return &words[i];
		}
	}
	return NULL;
}

static enum cli_exit
check_required(const struct cli *cli, const struct option_word *words,
    uint32_t count, uint32_t given)
{
	uint32_t seen = 0;

	for (uint32_t i = 0; i < count; i++) {
		bool is_given = words[i].is_option
		    ? options_value(cli, words[i].name) != NULL
		    : seen++ < given;

		if (!is_given && words[i].is_required)
			return usage(cli, "missing: ", words[i].name);
	}
	return CLI_OK;
}

enum cli_exit
options_pack(struct cli *cli, struct buffer *out)
{
	struct option_word words[OPTIONS_WORDS];
	uint32_t count = options_words(cli->command->arguments, words);
	uint32_t position = 0;
	uint32_t packed = 0;
	struct packer p;
	enum cli_exit code = CLI_OK;

	pack_init(&p, out);
	size_t place = pack_open(&p);
	for (int i = 0; i < cli->argc && code == CLI_OK; i++) {
		const struct option_word *word =
		    find_word(words, count, cli->argv[i], &position);

		if (word == NULL)
			return not_understood(cli, i);
		if (word->is_option && word->takes_value && i + 1 == cli->argc)
			return usage(cli, "needs a value: ", word->name);
		if (word->is_option && !word->takes_value) {
			pack_string(&p, word->key);
			pack_bool(&p, true);
		} else {
			i += word->is_option;
			if (i == 0 && cli->command->verb[0] == '\0')
				code =
				    check_slip(cli, words, count, cli->argv[i]);
			if (code == CLI_OK)
				code = pack_value(cli, &p, word, cli->argv[i]);
		}
		packed++;
	}
	pack_close_map(&p, place, packed);
	if (code != CLI_OK)
		return code;
	if (pack_finish(&p) != OK)
		return usage(cli, "too long", "");
	return check_required(cli, words, count, position);
}
