/* SPDX-License-Identifier: MIT */
/*
 * services.conf: lines, blocks and complaints (config.h). What a key takes is in keys.c.
 *
 * A parser error names what was found and what was expected there, and never stops the parser: the text goes on with
 * the next line.
 */
#include "config.h"
#include "keys.h"
#include "values.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum place {
	PLACE_OUTSIDE,       /* between blocks */
	PLACE_BLOCK,         /* in parser.block */
	PLACE_REFUSED,       /* in a block whose head was wrong: its lines are skipped, one complaint is enough */
};

struct parser {
	struct config *config;
	struct service_config *block;
	enum place place;
	unsigned keys_seen;  /* one bit an entry of the key table, for the current block */
	unsigned line;
};

void config_complain(struct config *config, unsigned line, const char *format, ...)
{
	va_list arguments;

	if (config->error_count < CONFIG_MAX_ERRORS) {
		struct config_error *error = &config->errors[config->error_count];

		error->line = line;
		va_start(arguments, format);
		vsnprintf(error->text, sizeof(error->text), format, arguments);
		va_end(arguments);
	}
	config->error_count++;
}

/* A word from the file as it may be shown: quoted, cut at 40 characters, control bytes as \xNN. */
struct shown {
	char text[192];
};

static struct shown show(const char *word)
{
	struct shown shown;
	size_t at = 0;
	unsigned count = 0;

	shown.text[at++] = '\'';
	for (; *word && count < 40; word++, count++) {
		unsigned char c = (unsigned char)*word;

		if (c < ' ' || c == 0x7f)
			at += (size_t)sprintf(shown.text + at, "\\x%02x", c);
		else
			shown.text[at++] = (char)c;
	}
	strcpy(shown.text + at, *word ? "...'" : "'");
	return shown;
}

static void complain_found(struct parser *parser, const char *found, const char *expected)
{
	if (found)
		config_complain(parser->config, parser->line, "found %s, expected %s", show(found).text, expected);
	else
		config_complain(parser->config, parser->line, "found the end of the line, expected %s", expected);
	if (parser->block)
		parser->block->valid = false;
}

static void refuse_line(struct parser *parser, const char *complaint)
{
	config_complain(parser->config, parser->line, "%s", complaint);
	if (parser->block)
		parser->block->valid = false;
}

_Static_assert(CONFIG_MAX_WORDS == 48, "refuse_line() of too many words says 47");

/* Splits @line in place at blanks, up to a '#' that begins a word. Returns the number of words, all of them counted. */
static unsigned split(char *line, char *words[CONFIG_MAX_WORDS])
{
	unsigned count = 0;

	for (;;) {
		line += strspn(line, " \t\r");
		if (*line == '\0' || *line == '#')
			return count;
		if (count < CONFIG_MAX_WORDS)
			words[count] = line;
		count++;
		line += strcspn(line, " \t\r");
		if (*line)
			*line++ = '\0';
	}
}

static const struct service_config *find_service(const struct config *config, const char *name)
{
	for (unsigned i = 0; i < config->service_count; i++) {
		if (strcmp(config->services[i].name, name) == 0)
			return &config->services[i];
	}
	return NULL;
}

static void open_block(struct parser *parser, const char *name)
{
	struct config *config = parser->config;
	struct service_config *block = &config->services[config->service_count++];

	memset(block, 0, sizeof(*block));
	block->name = name;
	block->line = parser->line;
	block->valid = true;
	block->class = CLASS_NORMAL;
	block->restart = restart_default;
	block->caps = config_caps_default;
	parser->block = block;
	parser->keys_seen = 0;
	parser->place = PLACE_BLOCK;
}

/* service NAME { */
static void block_head(struct parser *parser, char **words, unsigned count)
{
	static const char syntax[] = "service NAME {";
	const struct service_config *twin;

	parser->place = PLACE_REFUSED;
	if (count < 2 || !value_name(words[1], CONFIG_MAX_NAME)) {
		complain_found(parser, count < 2 ? NULL : words[1],
			       "a service name: a letter, then at most 30 letters, digits, '.', '_' or '-'");
	} else if (count != 3 || strcmp(words[2], "{") != 0) {
		complain_found(parser, count < 3 ? NULL : count > 3 ? words[3] : words[2], syntax);
	} else if ((twin = find_service(parser->config, words[1]))) {
		config_complain(parser->config, parser->line,
				"found a second service %s, expected one: line %u has the first", words[1], twin->line);
	} else if (parser->config->service_count == CONFIG_MAX_SERVICES) {
		config_complain(parser->config, parser->line, "found service number %u, expected at most %u",
				CONFIG_MAX_SERVICES + 1, CONFIG_MAX_SERVICES);
	} else {
		open_block(parser, words[1]);
	}
}

/* Who uses what a service mounts waits for it, and has only its watchdog to end that. */
static void check_mount(struct parser *parser)
{
	const struct service_config *block = parser->block;

	if (!block->mount.directory || !block->valid)
		return;
	if (block->port_count == 0)
		refuse_line(parser, "found mount without a port, expected a port line before the end of the service");
	else if (block->watchdog_ns == 0)
		refuse_line(parser, "found mount without a watchdog, expected a watchdog line before the end of the service");
}

static void block_end(struct parser *parser)
{
	if (parser->place == PLACE_BLOCK)
		check_mount(parser);
	if (parser->place == PLACE_BLOCK && parser->block->argv[0] == NULL && parser->block->valid) {
		config_complain(parser->config, parser->line,
				"found the end of service %s, expected a line exec /PATH [ARGUMENT...]",
				parser->block->name);
		parser->block->valid = false;
	}
	parser->block = NULL;
	parser->place = PLACE_OUTSIDE;
}

static void missing_end(struct parser *parser, const char *found)
{
	const char *name = parser->block ? parser->block->name : "above";

	config_complain(parser->config, parser->line, "found %s, expected a } that ends service %s", found, name);
	if (parser->block)
		parser->block->valid = false;
	parser->block = NULL;
	parser->place = PLACE_OUTSIDE;
}

/* A line KEY VALUE... of a block. */
static void block_line(struct parser *parser, char **words, unsigned count)
{
	int index = key_find(words[0]);
	struct key_fault fault;

	if (index < 0) {
		complain_found(parser, words[0], key_names());
	} else if (!key_repeats(index) && (parser->keys_seen & 1u << index)) {
		config_complain(parser->config, parser->line, "found a second %s, expected one in a service", words[0]);
		parser->block->valid = false;
	} else if (!key_parse(index, parser->block, words, count, parser->line, &fault)) {
		complain_found(parser, fault.found, fault.expected);
	}
	if (index >= 0)
		parser->keys_seen |= 1u << index;
}

static void parse_line(struct parser *parser, char *line)
{
	char *words[CONFIG_MAX_WORDS];
	unsigned count = split(line, words);
	bool is_head;

	if (count == 0)
		return;
	if (count >= CONFIG_MAX_WORDS) {
		refuse_line(parser, "found more than 47 words, expected fewer");
		return;
	}
	is_head = strcmp(words[0], "service") == 0;
	if (is_head && parser->place != PLACE_OUTSIDE)
		missing_end(parser, "the start of another service");
	if (is_head)
		block_head(parser, words, count);
	else if (parser->place == PLACE_OUTSIDE)
		complain_found(parser, words[0], "service NAME {");
	else if (strcmp(words[0], "}") == 0 && count == 1)
		block_end(parser);
	else if (strcmp(words[0], "}") == 0)
		complain_found(parser, words[1], "nothing behind a }");
	else if (parser->place == PLACE_BLOCK)
		block_line(parser, words, count);
}

static void file_end(struct parser *parser)
{
	if (parser->place != PLACE_OUTSIDE)
		missing_end(parser, "the end of the file");
}

static void parse_text(struct config *config, size_t length)
{
	struct parser parser = { .config = config, .place = PLACE_OUTSIDE };
	char *line = config->text, *end = config->text + length;

	while (line < end) {
		char *newline = memchr(line, '\n', (size_t)(end - line));
		char *line_end = newline ? newline : end;

		*line_end = '\0';
		if (strcmp(line, CONFIG_FILE_END) == 0)
			file_end(&parser);
		parser.line++;
		if (strlen(line) == (size_t)(line_end - line))
			parse_line(&parser, line);
		else
			refuse_line(&parser, "found a zero byte, expected text");
		line = line_end + 1;
	}
	file_end(&parser);
}

int config_parse(struct config *config, const char *text, size_t length)
{
	int valid = 0;

	/* Blocks are cleared as they are opened. */
	config->service_count = config->error_count = 0;
	config->text = malloc(length + 1);
	if (!config->text)
		return -1;
	memcpy(config->text, text, length);
	config->text[length] = '\0';
	parse_text(config, length);
	config_resolve_order(config);
	for (unsigned i = 0; i < config->service_count; i++)
		valid += config->services[i].valid;
	return valid;
}

size_t config_copy_block(const struct service_config *service, const char *text, size_t length, char *to)
{
	const char *end = text + length, *begin = NULL;
	unsigned line = 1;

	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text)), *next = newline ? newline + 1 : end;

		if (line++ == service->line)
			begin = text;
		text += strspn(text, " \t\r");
		if (begin && *text == '}') {
			memcpy(to, begin, (size_t)(next - begin));
			return (size_t)(next - begin);
		}
		text = next;
	}
	return 0;
}

bool config_mounts_root(const struct service_config *service, const char *disk)
{
	const char *option = service->mount.options;
	size_t length = strlen(disk);

	if (length == 0 || !service->mount.directory || strcmp(service->mount.directory, "/") != 0)
		return false;
	for (; *option; option += strcspn(option, ","), option += *option == ',') {
		if (strncmp(option, "disk=", 5) == 0 && strncmp(option + 5, disk, length) == 0 && (option[5 + length] == ',' || !option[5 + length]))
			return true;
	}
	return false;
}

void config_free(struct config *config)
{
	free(config->text);
	config->text = NULL;
	config->service_count = 0;
}
