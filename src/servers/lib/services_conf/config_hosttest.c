/* SPDX-License-Identifier: MIT */
/* LINK: lib/services_conf/config.c lib/services_conf/keys.c lib/services_conf/order.c lib/services_conf/values.c */
/* services.conf: what is accepted, and for every kind of wrong line its line number and words of the complaint. */
#include "config.h"
#include "values.h"
#include "../check.h"

#include <raeen/caps.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct config config;

static int parse(const char *text)
{
	config_free(&config);
	return config_parse(&config, text, strlen(text));
}

static const struct service_config *find(const char *name)
{
	for (unsigned i = 0; i < config.service_count; i++) {
		if (strcmp(config.services[i].name, name) == 0)
			return &config.services[i];
	}
	return NULL;
}

static void test_design_example(void)
{
	int valid = parse("service ahci {\n"
			  "    exec      /sbin/drivers/ahci\n"
			  "    caps      HW_DISK IPC_SEND IPC_RECV\n"
			  "    class     high        cpus 0\n"
			  "    watchdog  2s\n"
			  "    restart   always backoff=10ms..5s give-up=20/min   # comment\n"
			  "}\n"
			  "service ext2 {\n"
			  "    exec      /sbin/fs/ext2 --device LABEL=raeen --mount /\n"
			  "    after     ahci\n"
			  "    port      fs.root persistent replay\n"
			  "    caps      FILE_READ FILE_WRITE IPC_SEND IPC_RECV\n"
			  "}\n");
	const struct service_config *ahci = find("ahci"), *ext2 = find("ext2");

	CHECK(valid == 2 && config.error_count == 0, "%d valid, %u errors", valid, config.error_count);
	if (!ahci || !ext2)
		return;
	CHECK(ahci->line == 1 && ext2->line == 8, "lines");
	CHECK(strcmp(ahci->argv[0], "/sbin/drivers/ahci") == 0 && !ahci->argv[1], "argv");
	CHECK(ahci->class == CLASS_HIGH && ahci->cpus == 1, "class and cpus");
	CHECK(ahci->watchdog_ns == 2 * NS_PER_S, "watchdog");
	CHECK(ahci->caps == (1 << 6 | 1 << 10 | 1 << 11), "caps %llx", (unsigned long long)ahci->caps);
	CHECK(ahci->restart.policy == RESTART_ALWAYS && ahci->restart.backoff_min_ns == 10 * NS_PER_MS &&
	      ahci->restart.backoff_max_ns == 5 * NS_PER_S && ahci->restart.give_up_count == 20 &&
	      ahci->restart.give_up_ns == 60 * NS_PER_S, "restart");
	CHECK(strcmp(ext2->argv[4], "/") == 0 && !ext2->argv[5], "argv of ext2");
	CHECK(ext2->after_count == 1 && &config.services[ext2->after_index[0]] == ahci, "after");
	CHECK(ext2->port_count == 1 && ext2->ports[0].persistent && ext2->ports[0].replay, "port");
}

/* What the root file system needs can be taken out of one file and put into another. */
static void test_mount(void)
{
	static const char text[] = "# text\nservice disk {\n exec /d\n}\nservice fs { # of the root\n exec /f }\n\tafter disk\n port fs.root\n"
				   " watchdog 1s\n mount / served ro,disk=ram0\n  } # end\n"
				   "service data {\n exec /x\n port d\n watchdog 1s\n mount /data served\n}\nservice open {\n exec /y\n";
	char block[sizeof(text)];
	size_t length;

	CHECK(parse(text) == 4 - 1 && find("fs") && find("data"), "%u errors", config.error_count);
	CHECK(strcmp(find("fs")->mount.directory, "/") == 0 && strcmp(find("fs")->mount.type, "served") == 0, "directory and type");
	CHECK(strcmp(find("data")->mount.options, "") == 0, "no options");
	CHECK(config_mounts_root(find("fs"), "ram0") && !config_mounts_root(find("fs"), "ram") && !config_mounts_root(find("fs"), "ram01"), "its disk");
	CHECK(!config_mounts_root(find("fs"), "") && !config_mounts_root(find("data"), "ram0") && !config_mounts_root(find("disk"), "ram0"), "not the root");
	length = config_copy_block(find("fs"), text, strlen(text), block);
	block[length] = '\0';
	CHECK(strncmp(block, "service fs {", 12) == 0 && strcmp(block + length - 10, "  } # end\n") == 0, "a block: %s", block);
	CHECK(config_copy_block(find("open"), text, strlen(text), block) == 0, "one without an end");
	length = config_copy_block(find("disk"), text, strlen(text), block);
	block[length] = '\0';
	CHECK(strcmp(block, "service disk {\n exec /d\n}\n") == 0, "a block: %s", block);
	CHECK(parse(block) == 1 && config.error_count == 0, "it is one");
	CHECK(parse("service a {\nexec /a\nmount /a served\n}") == 0 && config.errors[0].line == 4, "nothing is served without a port");
	CHECK(parse("service a {\nexec /a\nport a\nmount /a served\n}") == 0 && config.errors[0].line == 5, "nobody waits for what is not watched");
	CHECK(strstr(config.errors[0].text, "expected a watchdog line") != NULL, "and why");
}

static void test_other_keys(void)
{
	const struct service_config *a;
	int valid = parse("service a { # head\r\n\texec /bin/a x#y -- {\r\n"
			  "\tclass idle\n\tcpus 0-2,5,63\n"
			  " console ttyS0 when-shown\nuser raeen\n"
			  "restart on-failure give-up=never backoff=1s..1s\n}\n\nservice b {\nexec /b\n}");

	a = find("a");
	CHECK(valid == 2 && config.error_count == 0 && a, "%d valid, %u errors", valid, config.error_count);
	if (!a)
		return;
	CHECK(strcmp(a->argv[1], "x#y") == 0 && strcmp(a->argv[3], "{") == 0 && !a->argv[4], "argv");
	CHECK(a->class == CLASS_IDLE && a->cpus == (7 | 1 << 5 | 1ull << 63), "cpus %llx", (unsigned long long)a->cpus);
	CHECK(strcmp(a->console, "ttyS0") == 0 && a->when_shown && strcmp(a->user, "raeen") == 0, "console and user");
	CHECK(a->restart.policy == RESTART_ON_FAILURE && a->restart.give_up_count == 0, "restart");
	CHECK(find("b")->restart.give_up_count == 20 && find("b")->class == CLASS_NORMAL, "defaults");
}

/* One wrong line (line 3 unless said) inside a block, and words that its complaint must have. */
static const struct bad_line {
	const char *line, *words;
} bad_lines[] = {
	{ "exce /bin/x", "found 'exce', expected one of exec, match" },
	{ "restart alwys", "found 'alwys', expected always, on-failure or never" },
	{ "restart", "found the end of the line, expected always" },
	{ "restart never backoff=1s..2s", "found 'backoff=1s..2s', expected nothing" },
	{ "restart always backoff=5s..10ms", "found 'backoff=5s..10ms', expected backoff=MIN..MAX" },
	{ "restart always backoff=10..5s", "expected backoff=MIN..MAX" },
	{ "restart always backoff=1ms.5s", "expected backoff=MIN..MAX" },
	{ "restart always give-up=0/min", "expected give-up=never or give-up=N/UNIT" },
	{ "restart always give-up=101/min", "expected give-up=never" },
	{ "restart always give-up=5/ms", "expected give-up=never" },
	{ "restart always give-up=5", "expected give-up=never" },
	{ "restart always give-up=5/min give-up=never", "once each" },
	{ "restart always soon", "found 'soon', expected backoff=" },
	{ "caps", "expected capability names" },
	{ "caps FILE_READ FILE_RAED", "found 'FILE_RAED', expected a capability name" },
	{ "caps FILE_READ FILE_READ", "each capability once" },
	{ "class urgent", "found 'urgent', expected real-time, high, normal, low or idle" },
	{ "class high 0", "found '0', expected cpus LIST" },
	{ "class high cpus", "found the end of the line, expected a list of CPUs" },
	{ "class high cpus 0 1", "found '1', expected the end of the line" },
	{ "cpus 64", "found '64', expected a list of CPUs" },
	{ "cpus 3-1", "expected a list of CPUs" },
	{ "cpus 0,", "expected a list of CPUs" },
	{ "cpus 0,,1", "expected a list of CPUs" },
	{ "cpus 99999999999999999999", "expected a list of CPUs" },
	{ "watchdog 2", "found '2', expected a duration" },
	{ "watchdog 0s", "expected a duration" },
	{ "watchdog 25h", "expected a duration" },
	{ "watchdog 2s 3s", "expected the end of the line" },
	{ "watchdog -1s", "expected a duration" },
	{ "match pci class=01 subclass=06", "found 'match', expected no match line: this version gives devices to no service" },
	{ "port", "expected the name of a port" },
	{ "port 9p", "found '9p', expected the name of a port" },
	{ "port fs.root replay replay", "persistent or replay, each once" },
	{ "port fs.root replay", "found the end of the line, expected persistent beside replay" },
	{ "port fs.root persistent always", "found 'always', expected persistent or replay" },
	{ "port manager", "found 'manager', expected another name" },
	{ "caps all FILE_READ", "found 'all', expected a capability name" },
	{ "view", "found the end of the line, expected ro:/PATH or rw:/PATH" },
	{ "view /etc", "found '/etc', expected ro:/PATH" },
	{ "view ro:etc", "expected ro:/PATH" },
	{ "view rx:/etc", "expected ro:/PATH" },
	{ "view ro:/etc/../x", "expected ro:/PATH" },
	{ "view ro:/./x", "expected ro:/PATH" },
	{ "view ro:/etc/", "expected ro:/PATH" },
	{ "view ro://etc", "expected ro:/PATH" },
	{ "view ro:/etc rw:/etc", "found 'rw:/etc', expected each path once" },
	{ "view ro:/a ro:/b ro:/c ro:/d ro:/e ro:/f ro:/g ro:/h ro:/i ro:/j ro:/k ro:/l ro:/m ro:/n ro:/o ro:/p ro:/q",
	  "found 'ro:/q', expected at most 16 paths" },
	{ "ports", "expected names of ports that it may open, or all" },
	{ "ports a/b", "found 'a/b', expected names of ports" },
	{ "ports a b c d e f g h i j k l m n o p q", "found 'q', expected at most 16 ports to open" },
	{ "mount", "expected an absolute path" },
	{ "mount / ", "found the end of the line, expected a type of file system" },
	{ "mount mnt served", "found 'mnt', expected an absolute path" },
	{ "mount /a/../b served", "found '/a/../b', expected an absolute path" },
	{ "mount / 9p", "found '9p', expected a type" },
	{ "mount / served disk=a ro", "found 'ro', expected the end of the line: options are one word" },
	{ "memory", "expected a size such as 512KiB" },
	{ "memory 64", "found '64', expected a size" },
	{ "memory 64MB", "expected a size" },
	{ "memory 0KiB", "expected a size" },
	{ "memory 1025GiB", "expected a size" },
	{ "memory 64MiB 1", "found '1', expected the end of the line" },
	{ "files 7", "found '7', expected a number of descriptors from 8 to 65536" },
	{ "files 65537", "from 8 to 65536" },
	{ "files 10x", "from 8 to 65536" },
	{ "files 10 20", "expected the end of the line" },
	{ "state", "expected a size such as 512KiB" },
	{ "state 8192", "found '8192', expected a size" },
	{ "state 8KiB 8KiB", "found '8KiB', expected the end of the line" },
	{ "pinned yes", "found 'yes', expected the end of the line" },
	{ "after", "expected names of services" },
	{ "after b/c", "found 'b/c', expected the name of a service" },
	{ "after nobody", "found 'nobody', expected a service of this file" },
	{ "console /dev/tty1", "found '/dev/tty1', expected a terminal of /dev" },
	{ "console tty1 tty2", "found 'tty2', expected when-shown or the end of the line" },
	{ "console tty2 when-shown now", "found 'now', expected the end of the line" },
	{ "user", "expected a login name" },
	{ "exec /bin/y", "found a second exec, expected one" },
	{ "} }", "found '}', expected nothing behind a }" },
	{ "\x01\x1b[31m", "found '\\x01\\x1b[31m', expected one of" },
	{ "0123456789012345678901234567890123456789toolong", "'0123456789012345678901234567890123456789...'" },
	{ "after b b b b b b b b b b b b b b b b b", "expected at most 16" },
	{ "user x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x",
	  "found more than 47 words" },
};

static void test_bad_lines(void)
{
	for (unsigned i = 0; i < sizeof(bad_lines) / sizeof(bad_lines[0]); i++) {
		const struct bad_line *bad = &bad_lines[i];
		char text[512];
		int valid;

		snprintf(text, sizeof(text), "service a {\nexec /a\n%s\n}\nservice b {\nexec /b\n}\n", bad->line);
		valid = parse(text);
		CHECK(config.error_count == 1 && config.errors[0].line == 3,
		      "%s: %u errors, the first in line %u: %s", bad->line, config.error_count,
		      config.errors[0].line, config.errors[0].text);
		CHECK(strstr(config.errors[0].text, bad->words), "%s: %s", bad->line, config.errors[0].text);
		CHECK(valid == 1 && find("b") && find("b")->valid && !find("a")->valid, "%s: %d valid", bad->line,
		      valid);
	}
}

/* The fuzzer believes this of every service, also of those that never run. */
static void test_refused_values_change_nothing(void)
{
	const struct restart_rule *rule;

	parse("service a {\nexec /a\nrestart always backoff=100s..5s\nrestart always give-up=7/ms\ncpus 3,64\n}\n");
	rule = &find("a")->restart;
	CHECK(config.error_count > 0 && !find("a")->valid, "refused");
	CHECK(rule->backoff_min_ns == 10 * NS_PER_MS && rule->backoff_max_ns == 5 * NS_PER_S, "backoff %llu to %llu",
	      (unsigned long long)rule->backoff_min_ns, (unsigned long long)rule->backoff_max_ns);
	CHECK(rule->give_up_count == 20 && rule->give_up_ns == 60 * NS_PER_S, "give-up %u", rule->give_up_count);
	CHECK(find("a")->cpus == 0, "cpus %llx", (unsigned long long)find("a")->cpus);
}

/* Wrong block structure: text, the line of the first error, words of it, services that stay valid, all errors. */
static const struct bad_text {
	const char *text;
	unsigned line;
	const char *words;
	int valid;
	unsigned errors;
} bad_texts[] = {
	{ "exec /a\nservice b {\nexec /b\n}\n", 1, "found 'exec', expected service NAME {", 1, 1 },
	{ "}\n", 1, "found '}', expected service NAME {", 0, 1 },
	{ "service {\nexec /a\nfoo\n}\nservice b {\nexec /b\n}\n", 1, "found '{', expected a service name", 1, 1 },
	{ "service\n", 1, "found the end of the line", 0, 2 },
	{ "service a\nexec /a\n}\n", 1, "found the end of the line, expected service NAME {", 0, 1 },
	{ "service a{\nexec /a\n}\n", 1, "found 'a{', expected a service name", 0, 1 },
	{ "service a { exec /a }\n}\n", 1, "found 'exec', expected service NAME {", 0, 1 },
	{ "service a {\nexec /a\n}\nservice a {\nexec /a\n}\n", 4, "line 1 has the first", 1, 1 },
	{ "service a {\n}\n", 2, "expected a line exec", 0, 1 },
	{ "service a {\nexec bin/a\n}\n", 2, "found 'bin/a', expected an absolute path", 0, 1 },
	{ "service a {\nexec /bin/sh -c \"x y\"\n}\n", 2, "expected words without quotes", 0, 1 },
	{ "service a {\nexec /a\nservice b {\nexec /b\n}\n", 3, "expected a } that ends service a", 1, 1 },
	{ "service a {\nexec /a\n", 2, "found the end of the file, expected a } that ends service a", 0, 1 },
	{ "service a {\nexec /a\n" CONFIG_FILE_END "\nservice b {\nexec /b\n}\n", 2, "found the end of the file, expected a } that ends service a", 1, 1 },
	{ "service a {\nexec /a\ncaps all\ncaps FILE_READ\n}\n", 4, "found 'FILE_READ', expected all or none once", 0, 1 },
	{ "service a {\nexec /a\ncaps FILE_READ\ncaps none\n}\n", 4, "found 'none', expected all or none once", 0, 1 },
	{ "service a {\nexec /a\nports x\nports all\n}\n", 4, "found 'all', expected all, or names", 0, 1 },
	{ "service a {\nexec /a\nports all\nports x\n}\n", 4, "found 'x', expected all, or names", 0, 1 },
	{ "service a {\nexec /a\nport p1\nport p2\nport p3\nport p4\nport p5\n}\n", 7, "found 'port', expected at most 4", 0, 1 },
	{ "service a {\nexec /a\nport p\n}\nservice b {\nexec /b\nport q\nport p\n}\n", 8,
	  "found port p again, expected one owner: service a has it", 1, 1 },
	{ "service a {\nexec /a\nport p\nport p\n}\n", 4, "found port p again", 0, 1 },
	{ "service a {\nexec /a\nafter a\n}\n", 1, "found the circle a after a", 0, 1 },
	{ "service a {\nexec /a\nafter c\n}\nservice b {\nexec /b\nafter a\n}\nservice c {\nexec /c\nafter b\n}\n"
	  "service d {\nexec /d\nafter c\n}\n", 1, "found the circle a after c after b after a", 1, 2 },
	{ "service a {\nexec /a\nbad\n}\nservice b {\nexec /b\nafter a\n}\n", 3, "found 'bad'", 1, 2 },
};

static void test_bad_texts(void)
{
	for (unsigned i = 0; i < sizeof(bad_texts) / sizeof(bad_texts[0]); i++) {
		const struct bad_text *bad = &bad_texts[i];
		int valid = parse(bad->text);

		CHECK(config.error_count == bad->errors && config.errors[0].line == bad->line,
		      "text %u: %u errors, the first in line %u: %s", i, config.error_count, config.errors[0].line,
		      config.errors[0].text);
		CHECK(strstr(config.errors[0].text, bad->words), "text %u: %s", i, config.errors[0].text);
		CHECK(valid == bad->valid, "text %u: %d valid", i, valid);
	}
}

static void test_zero_byte(void)
{
	static const char text[] = "service a {\nexec /a\nuser x\0hidden\n}\nservice b {\nexec /b\n}";

	config_free(&config);
	config_parse(&config, text, sizeof(text) - 1);
	CHECK(config.error_count == 1 && config.errors[0].line == 3 && strstr(config.errors[0].text, "zero byte"),
	      "%u errors: %s", config.error_count, config.errors[0].text);
	CHECK(!find("a")->valid && find("b")->valid, "its block must not start");
}

static void test_limits(void)
{
	char *text = malloc(1 << 20);
	size_t length = 0;

	for (unsigned i = 0; i < CONFIG_MAX_SERVICES + 1; i++)
		length += (size_t)sprintf(text + length, "service s%u {\nexec /s\n}\n", i);
	CHECK(parse(text) == CONFIG_MAX_SERVICES && config.error_count == 1, "%u errors", config.error_count);
	length = 0;
	for (unsigned i = 0; i < 1000; i++)
		length += (size_t)sprintf(text + length, "rubbish %u\n", i);
	CHECK(parse(text) == 0 && config.error_count == 1000, "%u errors", config.error_count);
	/* A circle of all services has a name for each, and must not write beyond its complaint. */
	length = 0;
	for (unsigned i = 0; i < CONFIG_MAX_SERVICES; i++)
		length += (size_t)sprintf(text + length,
					  "service service-number-%u {\nexec /s\nafter service-number-%u\n}\n", i,
					  (i + 1) % CONFIG_MAX_SERVICES);
	CHECK(parse(text) == 0 && config.error_count == 1, "%u errors", config.error_count);
	CHECK(parse("") == 0 && config.error_count == 0, "an empty file has no error and no service");
	free(text);
}

/* Whatever bytes come, the parser ends and stays inside its memory (the sanitizers watch). Repeats exactly. */
static void test_random(void)
{
	static const char *const pieces[] = {
		"service", "a", "b", "{", "}", "\n", " ", "exec", "/x", "after", "#", "\t", "restart", "always",
		"backoff=", "1s..", "2s", "give-up=", "1/min", "caps", "FILE_READ", "cpus", "0-", ",", "port", "match pci",
		"class=", "01", "watchdog", "\xff", "console", "\n}\n", "\nservice c {\n",
	};
	unsigned seed = 1;

	for (unsigned round = 0; round < 20000; round++) {
		char text[1024] = "";

		for (unsigned i = 0; i < 40; i++) {
			seed = seed * 1103515245 + 12345;
			strcat(text, pieces[seed / 65536 % (sizeof(pieces) / sizeof(pieces[0]))]);
			if (seed & 0x100000)
				strcat(text, " ");
		}
		parse(text);
	}
	CHECK(1, "still here");
}

/* What a service may do, as its block says and where it says nothing. */
static void test_profile_keys(void)
{
	const struct service_config *a, *b, *c;
	int valid = parse("service a {\nexec /a\nview ro:/ rw:/var/lib/x\nview ro:/etc\nports disk net.0\nports audio\nmemory 64MiB\nfiles 16\n"
			  "caps all\npinned\nstate 8KiB\nport x persistent\n}\n"
			  "service b {\nexec /b\nports all\ncaps none\n}\nservice c {\nexec /c\nmemory 1024GiB\n}\n");

	a = find("a"), b = find("b"), c = find("c");
	CHECK(valid == 3 && config.error_count == 0, "%d valid, %u errors: %s", valid, config.error_count, config.errors[0].text);
	if (valid != 3)
		return;
	CHECK(a->view_count == 3 && strcmp(a->views[1], "rw:/var/lib/x") == 0 && strcmp(a->views[2], "ro:/etc") == 0, "views");
	CHECK(a->open_port_count == 3 && strcmp(a->open_ports[2], "audio") == 0 && !a->open_any_port, "ports");
	CHECK(a->memory_bytes == 64 << 20 && a->files == 16 && a->pinned && a->state_bytes == 8192 && a->caps == CONFIG_CAPS_ALL, "limits");
	CHECK(b->open_any_port && b->caps == 0 && b->caps_given, "all and none");
	CHECK(c->caps == (1 | 2 | 7 << 10) && !c->caps_given && c->open_port_count == 0 && !c->open_any_port, "caps %llx",
	      (unsigned long long)c->caps);
	CHECK(c->memory_bytes == 1ull << 40 && c->files == 0 && !c->pinned && c->view_count == 0, "defaults");
}

/* Every capability there is can be named, and means its bit. */
static void test_capabilities(void)
{
	for (unsigned i = 0; i < CAPABILITY_COUNT; i++) {
		char text[100];

		snprintf(text, sizeof(text), "service a {\nexec /a\ncaps %s\n}\n", capability_names[i].name);
		CHECK(parse(text) == 1 && find("a")->caps == capability_names[i].bit, "%s", capability_names[i].name);
	}
	CHECK(config_caps_default == CAPABILITIES_SERVICE, "default");
}

static void test_values(void)
{
	uint64_t a, b;
	unsigned count;

	CHECK(value_duration("24h", &a) && a == 24 * 3600 * NS_PER_S, "24h");
	CHECK(value_duration("1min", &a) && a == 60 * NS_PER_S, "1min");
	CHECK(!value_duration("", &a) && !value_duration("ms", &a) && !value_duration("1.5s", &a), "not durations");
	CHECK(!value_duration("9999999999h", &a) && !value_duration("1000000000h", &a), "overflow");
	CHECK(value_duration_range("1ms..1ms", &a, &b) && a == b, "equal ends");
	CHECK(!value_duration_range("1..2", &a, &b) && !value_duration_range("..", &a, &b), "not ranges");
	CHECK(value_rate("3/h", 100, &count, &a) && count == 3 && a == 3600 * NS_PER_S, "rate");
	CHECK(!value_rate("/h", 100, &count, &a) && !value_rate("3/", 100, &count, &a), "not rates");
	CHECK(value_size("3KiB", &a) && a == 3072 && value_size("1MiB", &a) && a == 1 << 20, "sizes");
	CHECK(!value_size("KiB", &a) && !value_size("9999999999KiB", &a) && !value_size("1KiBs", &a), "not sizes");
	CHECK(value_count("8", 8, 9, &count) && count == 8 && !value_count("", 0, 9, &count) && !value_count("-1", 0, 9, &count), "counts");
	CHECK(value_view("ro:/") && value_view("rw:/a/..b/c.d") && !value_view("ro:") && !value_view("ro:/a/..") && !value_view(""), "views");
	CHECK(!value_name("", 5) && value_name("abcde", 5) && !value_name("abcdef", 5), "lengths of names");
	CHECK(!value_name("a b", 5) && !value_name("1a", 5) && value_name("a1", 5), "characters of names");
}

int main(void)
{
	test_design_example();
	test_mount();
	test_other_keys();
	test_bad_lines();
	test_refused_values_change_nothing();
	test_bad_texts();
	test_zero_byte();
	test_limits();
	test_random();
	test_profile_keys();
	test_capabilities();
	test_values();
	config_free(&config);
	return check_result("services_conf");
}
