/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What we read in unit files against what systemd itself reads in them: units are made from a pool
 * of lines, also odd ones, spread over a fragment and drop-ins; "systemd --test" dumps what it
 * makes of them; each setting is compared. What differs on purpose is not in the pool: inline
 * comments, and PIDFile= with a "..", which systemd says it ignores and then fails by.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <ftw.h>
#include <sys/stat.h>

#include "lib/hostfacts.h"
#include "lib/oracle.h"

#define N_UNITS 300

TestSuite(oracle, .timeout = 120);

static const char *const pool[] = {
	"RuntimeDirectory=a",
	"RuntimeDirectory=b/c a-b a/b a",
	"RuntimeDirectory=",
	"RuntimeDirectory=/abs ../x x/../y . ./z z//z/ ok",
	"RuntimeDirectory=%N-%p \"with space\"",
	"RuntimeDirectory=a:link a:link2/deep",
	"RuntimeDirectory=private/x privateer",
	"RuntimeDirectoryMode=2755",
	"RuntimeDirectoryMode=9",
	"RuntimeDirectoryPreserve=restart",
	"RuntimeDirectoryPreserve=yes",
	"RuntimeDirectoryPreserve=maybe",
	"StateDirectory=s t",
	"StateDirectoryMode=0700",
	"CacheDirectory=c:d",
	"LogsDirectory=l",
	"LogsDirectory=\"l",
	"ConfigurationDirectory=x:y k",
	"ConfigurationDirectoryMode=",
	"CPUSchedulingPolicy=rr",
	"CPUSchedulingPolicy=batch",
	"CPUSchedulingPolicy=",
	"CPUSchedulingPolicy=2",
	"CPUSchedulingPolicy=best",
	"CPUSchedulingPriority=9",
	"CPUSchedulingPriority=0",
	"CPUSchedulingPriority=100",
	"CPUSchedulingPriority=",
	"CPUSchedulingResetOnFork=yes",
	"IOSchedulingClass=idle",
	"IOSchedulingClass=2",
	"IOSchedulingClass=",
	"IOSchedulingClass=none",
	"IOSchedulingPriority=3",
	"IOSchedulingPriority=8",
	"IOSchedulingPriority=",
	"TimerSlackNSec=50",
	"TimerSlackNSec=3us",
	"TimerSlackNSec=1ms 7us",
	"TimerSlackNSec=",
	"CoredumpFilter=default",
	"CoredumpFilter=1 0x40 shared-dax",
	"CoredumpFilter=nothing",
	"CoredumpFilter=",
	"Personality=x86",
	"Personality=",
	"Personality=vax",
	"StandardInputText=text",
	"KillMode=mixed",
	"KillMode=process",
	"KillMode=none",
	"KillMode=control-group",
	"KillMode=",
	"KillMode=all",
	"KillMode = mixed ",
	"KillSignal=SIGINT",
	"KillSignal=QUIT",
	"KillSignal=10",
	"KillSignal=",
	"KillSignal=term",
	"KillSignal=0",
	"KillSignal=65",
	"KillSignal=RTMIN+2",
	"RestartKillSignal=SIGHUP",
	"RestartKillSignal=",
	"FinalKillSignal=SIGQUIT",
	"FinalKillSignal=ABRT",
	"SendSIGKILL=no",
	"SendSIGKILL=Yes",
	"SendSIGKILL=maybe",
	"SendSIGHUP=1",
	"SendSIGHUP=off",
	"SendSIGHUP=",
	"TimeoutStopSec=2s",
	"TimeoutStopSec=1min 500ms",
	"TimeoutStopSec=0",
	"TimeoutStopSec=",
	"TimeoutStopSec=infinity",
	"TimeoutStopSec=-3",
	"TimeoutStopSec=1.5h 2",
	"TimeoutStopSec=3 parsecs",
	"TimeoutStartSec=7",
	"TimeoutStartSec=0",
	"TimeoutSec=9",
	"TimeoutSec=5m",
	"TimeoutAbortSec=4",
	"TimeoutAbortSec=",
	"TimeoutAbortSec=x",
	"TimeoutStartFailureMode=abort",
	"TimeoutStopFailureMode=kill",
	"TimeoutStopFailureMode=",
	"RuntimeMaxSec=2d",
	"RestartSec=5 s 3 ms",
	"RestartSec=",
	"Restart=on-failure",
	"Restart=on-abort",
	"Restart=",
	"Restart=sometimes",
	"Type=simple",
	"Type=exec",
	"Type=oneshot",
	"Type=notify",
	"Type=idle",
	"Type=",
	"RemainAfterExit=true",
	"PIDFile=foo.pid",
	"PIDFile=/run/./x//y.pid",
	"PIDFile=",
	"UMask=077",
	"UMask=8",
	"UMask=",
	"WorkingDirectory=/srv",
	"WorkingDirectory=-/srv//a/",
	"WorkingDirectory=-rel",
	"WorkingDirectory=",
	"User=nobody",
	"User=12",
	"User=",
	"Group=a b",
	"SupplementaryGroups=x y",
	"SupplementaryGroups=",
	"Environment=A=1 B=2",
	"Environment=\"C=x y\" A=3",
	"Environment=D=%n 1bad=3 E=",
	"Environment=",
	"Environment=F=\\x41\\tz",
	"LimitNOFILE=5:6",
	"LimitNOFILE=7",
	"LimitNOFILE=9:8",
	"LimitNOFILE=",
	"LimitNOFILE=5k",
	"LimitCORE=1M:infinity",
	"LimitCPU=1500ms",
	"LimitRTTIME=5",
	"LimitNICE=+5",
	"LimitNICE=-5",
	"LimitNICE=41",
	"LimitRSS=5:",
	"Nice=5",
	"Nice=20",
	"Nice=",
	"StandardOutput=null",
	"StandardOutput=file:/tmp/%N//x",
	"StandardOutput=append:/tmp/x",
	"StandardOutput=inherit",
	"StandardOutput=",
	"StandardError=journal",
	"StandardError=bogus",
	"StandardInput=null",
	"ExecStart=/bin/true a  b",
	"ExecStart=",
	"ExecStart=-/bin/false 'x y'",
	"ExecStartPre=+/bin/true %i",
	"ExecStop=/bin/kill -TERM $MAINPID",
	"ExecStop=/bin/a \\\n# dropped\n  b \\\n; dropped\n c",
	"ExecStop=",
	"ExecStop=/bin/a ; /bin/b",
	"ExecStopPost=@/bin/sh sh -c \"exit 3\"",
	"ExecReload=:/bin/kill -HUP $MAINPID",
	"NotifyAccess=all",
	"NotifyAccess=none",
	"NotifyAccess=",
	"GuessMainPID=no",
	"OOMPolicy=kill",
	"OOMPolicy=",
	"Delegate=yes",
	"Delegate=no",
	"Delegate=",
	"Delegate=cpu memory",
	"MemoryMax=12M",
	"MemoryHigh=1.5G",
	"MemorySwapMax=0",
	"MemoryLow=infinity",
	"TasksMax=7",
	"TasksMax=0",
	"CPUWeight=7",
	"CPUWeight=0",
	"CPUQuota=150%",
	"IOWeight=7",
	"AllowedCPUs=0 2-3",
	"WatchdogSec=3min",
	"WatchdogSec=0",
	"WatchdogSec=x",
	"RuntimeRandomizedExtraSec=9",
	"FileDescriptorStoreMax=7",
	"FileDescriptorStoreMax=-1",
	"BusName=org.example.%p",
	"OOMScoreAdjust=-900",
	"OOMScoreAdjust=1001",
	"IgnoreSIGPIPE=no",
	"PassEnvironment=A B 1bad",
	"PassEnvironment=",
	"UnsetEnvironment=A B=c",
	"UnsetEnvironment=",
	"EnvironmentFile=-/etc/default/%p",
	"EnvironmentFile=/etc/e\nEnvironmentFile=-/etc/f",
	"EnvironmentFile=relative",
	"EnvironmentFile=",
	"ExecCondition=/bin/true",
	"ExecStartPost=-/bin/true 'a\"b' c\\\\d \"e$f\" `g`",
	"[Unit]\nAfter=a.service b.target\nBefore=c.socket\n[Service]",
	"[Unit]\nRequires=a.service\nBindsTo=%p.device\n[Service]",
	"[Unit]\nPartOf=a.service a.service\nConflicts=bad/name.service d.service\n[Service]",
	"[Unit]\nOnFailure=f@%n.service\nOnSuccess=\nUpholds=u.service\n[Service]",
	"[Unit]\nPropagatesStopTo=p.service\nRequisite=r.service\n[Service]",
	"[Unit]\nStopPropagatedFrom=q.service\n[Service]",
	"[Unit]\nDocumentation=man:a(1) http://x nonsense\n[Service]",
	"[Unit]\nDocumentation=\nRefuseManualStart=yes\nDefaultDependencies=no\n[Service]",
	"[Unit]\nConditionPathExists=|!/etc//a b\nConditionHost=%p # x\nAssertUser=root\n[Service]",
	"[Unit]\nConditionACPower=maybe\nConditionCPUs=!x\nAssertMemory=>= 1G\n[Service]",
	"[Unit]\nConditionPathExists=relative\nAssertPathIsMountPoint=| /a\n[Service]",
	"[Unit]\nConditionPathExistsGlob=/a/../b\nConditionUser=! a\nAssertGroup=|\n[Service]",
	"[Unit]\nConditionSecurity=\n[Service]",
	"[Unit]\nAssertFirstBoot=\n[Service]",
	"NoSuchKey=1",
	"X-Own=1",
	"nonsense",
	"=nothing",
	"# KillMode=mixed",
	";KillMode=mixed",
	"[X-Own]\nKillMode=mixed\n[Service]",
	"[Nowhere]\nKillMode=mixed\n[Service]",
	"[Unit]\nDescription=of %n\n[Service]",
	"[Unit]\nDescription=\n[Service]",
	"Description=misplaced",
	"KillMode=mixed\\\\",
	"KillMode=mixed\r",
	"SendSIGHUP=\\\nyes",
};

/* Reproducible: the same units every time. */
static unsigned next_random(void)
{
	static uint64_t state = 1;

	state = state * 6364136223846793005U + 1442695040888963407U;
	return (unsigned)(state >> 33);
}

static FILE *create(const char *dir, const char *name)
{
	cleanup_free char *path = NULL;
	FILE *f;

	cr_assert_geq(asprintf(&path, "%s/%s", dir, name), 0);
	f = fopen(path, "w");
	cr_assert_not_null(f);
	return f;
}

static void add_lines(FILE *f, unsigned max)
{
	fputs("[Service]\n", f);
	for (unsigned n = next_random() % (max + 1); n > 0; n--)
		fprintf(f, "%s\n", pool[next_random() % ARRAY_SIZE(pool)]);
	fclose(f);
}

static void unit_name(unsigned i, char name[static 64])
{
	snprintf(name, 64, i % 3 ? "oracle%u.service" : "oracle%u@inst.service", i);
}

static void create_units(const char *dir)
{
	FILE *target = create(dir, "oracle.target");

	fputs("[Unit]\n", target);
	for (unsigned i = 0; i < N_UNITS; i++) {
		cleanup_free char *dropins = NULL;
		char name[64];
		FILE *f;

		unit_name(i, name);
		fprintf(target, "Wants=%s\n", name);
		f = create(dir, name);
		if (next_random() % 8)
			fputs("[Service]\nExecStart=/bin/sleep 1\n", f);
		add_lines(f, 8);
		if (next_random() % 2)
			continue;
		cr_assert_geq(asprintf(&dropins, "%s/%s.d", dir, name), 0);
		cr_assert_eq(mkdir(dropins, 0755), 0);
		add_lines(create(dropins, "10-a.conf"), 3);
		add_lines(create(dropins, "20-b.conf"), 3);
	}
	fclose(target);
}

static void compare_units(char *dir)
{
	char *const search_path[] = { dir, NULL };
	cleanup_free char *dump = oracle_ask(dir, "oracle.target");
	size_t loaded = 0;

	cr_assert_not_null(dump);
	for (unsigned i = 0; i < N_UNITS; i++) {
		cleanup_diags struct diags diags = DIAGS_INIT;
		cleanup_buf struct buf wrong = BUF_INIT;
		cleanup_unit struct unit *u = NULL;
		cleanup_free char *block = NULL;
		char name[64];
		int r;

		unit_name(i, name);
		block = oracle_block(dump, name);
		cr_assert_not_null(block, "%s is not in the dump of %zu bytes", name, strlen(dump));
		r = oracle_load(search_path, name, &test_host, &u, &diags);
		cr_expect_eq(r == 0, oracle_loaded(block), "%s: %d %s\n%s", name, r,
			     diags.n > 0 ? diags.v[diags.n - 1].text : "", block);
		if (r < 0 || !oracle_loaded(block))
			continue;
		loaded++;
		oracle_compare(u, block, search_path, &wrong);
		cr_expect_eq(wrong.len, 0, "%s%s", wrong.data, block);
	}
	cr_assert_gt(loaded, N_UNITS / 2, "only %zu units could be compared", loaded);
}

static int remove_entry(const char *path, const struct stat *st unused, int type unused,
			struct FTW *ftw unused)
{
	return remove(path);
}

Test(oracle, settings)
{
	char dir[] = "/tmp/cgkill-oracle.XXXXXX";

	if (!oracle_is_there())
		cr_skip_test("SKIP: there is no systemd 252");
	cr_assert_not_null(mkdtemp(dir));
	cr_assert_eq(chmod(dir, 0755), 0);
	create_units(dir);
	compare_units(dir);
	nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}
