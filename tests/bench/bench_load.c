/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What it costs to load a unit, of a thousand that lie in one directory:
 *
 *	text	unit_load() of texts in memory
 *	files	the same with its files: unitdir_read() over the search path of a host, with a drop-in for each tenth unit
 *	links	NAME.wants, .requires and .upholds of it: unitdir_links()
 *	list	unitdir_list(), once for all
 *
 * bench_load [PERCENT], as bench/table.h has it
 */
#include <errno.h>
#include <math.h>
#include <sys/stat.h>

#include "bench/stand.h"
#include "bench/table.h"
#include "core/load.h"
#include "lib/hostfacts.h"
#include "sys/unitdir.h"
#include "util/strv.h"

/* As long and as varied as those of daemons are. */
static const char text[] =
	"[Unit]\n"
	"Description=A daemon that serves %p\n"
	"Documentation=man:daemond(8) https://example.org/daemon\n"
	"After=network-online.target remote-fs.target nss-lookup.target\n"
	"Wants=network-online.target\n"
	"\n"
	"[Service]\n"
	"# stopped with time to write its data\n"
	"Type=notify\n"
	"User=daemon\n"
	"Group=daemon\n"
	"EnvironmentFile=-/etc/default/daemond\n"
	"Environment=\"OPTIONS=-a -b\" LANG=C.UTF-8\n"
	"ExecStartPre=/usr/bin/install -d -o daemon -g daemon /run/daemond\n"
	"ExecStart=/usr/sbin/daemond --foreground --config /etc/daemond/%N.conf \\\n"
	"	--pid-file /run/daemond/%N.pid $OPTIONS\n"
	"ExecReload=/bin/kill -HUP $MAINPID\n"
	"ExecStop=-/usr/sbin/daemond --stop --wait=\"10 s\"\n"
	"KillMode=mixed\n"
	"TimeoutStopSec=1min 30s\n"
	"Restart=on-failure\n"
	"RestartSec=5s\n"
	"LimitNOFILE=65535\n"
	"OOMScoreAdjust=-900\n"
	"NoNewPrivileges=yes\n"
	"PrivateTmp=yes\n"
	"ProtectSystem=full\n"
	"RuntimeDirectory=daemond\n"
	"\n"
	"[Install]\n"
	"WantedBy=multi-user.target\n";

static struct samples from_text, from_files, of_links, of_list;
static char **path;
static char **names; /* of our own units */

static void create_units(const char *dir)
{
	cleanup_free char *wants = text_of("%s/multi-user.target.wants", dir);

	if (mkdir(wants, 0755) < 0)
		die("mkdir");
	for (unsigned i = 0; i < MANY; i++) {
		cleanup_free char *name = text_of("many%u.service", i), *dropins = NULL;
		cleanup_free char *link = text_of("%s/%s", wants, name),
				  *target = text_of("../%s", name);

		write_file(dir, name, text);
		if (strv_push(&names, name) < 0)
			die("memory");
		if (symlink(target, link) < 0)
			die("symlink");
		if (i % 10 > 0)
			continue;
		dropins = text_of("%s/%s.d", dir, name);
		if (mkdir(dropins, 0755) < 0)
			die("mkdir");
		write_file(dropins, "10.conf", "[Service]\nTimeoutStopSec=10s\n");
	}
}

static void load_texts(const char *name, const struct unit_text *texts, size_t n)
{
	cleanup_diags struct diags diags = DIAGS_INIT;
	struct unit *u;

	errno = -unit_load(&u, name, texts, n, &test_host, &diags);
	if (errno)
		die(name);
	unit_free(u);
}

static void load_text(const char *name)
{
	load_texts(name, &(struct unit_text){ "/u", text, strlen(text) }, 1);
}

static void load_files(const char *name)
{
	cleanup_diags struct diags diags = DIAGS_INIT;
	struct unit_text texts[4];
	struct unit_files files;

	errno = -unitdir_read(path, name, &files, &diags);
	if (errno)
		die(name);
	for (size_t i = 0; i < files.n; i++)
		texts[i] = (struct unit_text){ files.v[i].path, files.v[i].data, files.v[i].len };
	load_texts(name, texts, files.n);
	unit_files_deinit(&files);
}

static void read_links(const char *name)
{
	static const char *const suffixes[] = { ".wants", ".requires", ".upholds" };

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		cleanup_diags struct diags diags = DIAGS_INIT;
		char **links;

		errno = -unitdir_links(path, name, suffixes[i], &links, &diags);
		if (errno)
			die(name);
		strv_free(links);
	}
}

static double per_unit(void (*load)(const char *name))
{
	double begin = now_us();

	for (size_t i = 0; names[i]; i++)
		load(names[i]);
	return (now_us() - begin) / MANY;
}

static void measure(void)
{
	cleanup_strv char **all = NULL;
	double begin = now_us();

	errno = -unitdir_list(path, &all);
	if (errno || strv_len(all) < MANY)
		die("the units");
	sample(&of_list, "list", "all", now_us() - begin, "us");
	sample(&from_text, "text", "unit", per_unit(load_text), "us");
	sample(&from_files, "files", "unit", per_unit(load_files), "us");
	sample(&of_links, "links", "unit", per_unit(read_links), "us");
}

/* The units come first; behind them is what a host has. */
static char **make_path(const char *dir)
{
	cleanup_free char *with_rest = text_of("%s:", dir);
	char **made = unitdir_search_path(with_rest, false);

	if (!made)
		die("the search path");
	return made;
}

int main(int argc, char **argv)
{
	const char *dir;

	table_begin(argc, argv);
	dir = stand_shelter();
	create_units(dir);
	path = make_path(dir);
	for (unsigned i = 0; i < scaled(40); i++)
		measure();
	row(text_of("loading a unit, its files and links, of %d", MANY), 1000,
	    median(&from_files) + median(&of_links), "us");
	row(text_of("  its text alone"), NAN, median(&from_text), "us");
	row(text_of("  its text and files"), NAN, median(&from_files), "us");
	row(text_of("  its links"), NAN, median(&of_links), "us");
	row(text_of("  finding the names of all"), NAN, median(&of_list), "us");
	strv_free(names);
	strv_free(path);
	table_end();
	return 0;
}
