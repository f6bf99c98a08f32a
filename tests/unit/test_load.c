/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>

#include "core/load.h"
#include "lib/hostfacts.h"
#include "util/buf.h"
#include "util/strv.h"

TestSuite(load, .timeout = 20);

static int load_texts(struct unit **u, const char *fragment, const char *dropin, struct diags *diags)
{
	const struct unit_text texts[] = {
		{ "/u/foo@bar.service", fragment, strlen(fragment) },
		{ "/u/foo@bar.service.d/a.conf", dropin ? dropin : "", dropin ? strlen(dropin) : 0 },
	};

	return unit_load(u, "foo@bar.service", texts, dropin ? 2 : 1, &test_host, diags);
}

#define MINIMAL "[Service]\nExecStart=/bin/true\n"

static struct unit *load_ok(const char *fragment, const char *dropin, struct diags *diags)
{
	struct unit *u = NULL;
	int r = load_texts(&u, fragment, dropin, diags);

	cr_assert_eq(r, 0, "%d: %s", r, diags->n > 0 ? diags->v[0].text : fragment);
	cr_assert_not_null(u);
	return u;
}

static void collect(const char *key, const char *value, void *arg)
{
	buf_printf(arg, "%s=%s\n", key, value);
}

static bool shows(const struct unit *u, const char *line)
{
	cleanup_buf struct buf b = BUF_INIT;
	cleanup_free char *wanted = NULL;

	buf_putc(&b, '\n');
	unit_show(u, collect, &b);
	cr_assert_geq(asprintf(&wanted, "\n%s\n", line), 0);
	return strstr(b.data, wanted) != NULL;
}

Test(load, defaults)
{
	cleanup_diags struct diags diags = DIAGS_INIT;
	cleanup_unit struct unit *u = load_ok(MINIMAL, NULL, &diags);
	static const char *const lines[] = {
		"Id=foo@bar.service",
		"Description=foo@bar.service",
		"FragmentPath=/u/foo@bar.service",
		"Type=simple",
		"Restart=no",
		"RestartUSec=100ms",
		"TimeoutStartUSec=1min 30s",
		"TimeoutStopUSec=1min 30s",
		"TimeoutAbortUSec=1min 30s",
		"RuntimeMaxUSec=infinity",
		"KillMode=control-group",
		"KillSignal=15",
		"RestartKillSignal=15",
		"FinalKillSignal=9",
		"WatchdogSignal=6",
		"SendSIGKILL=yes",
		"SendSIGHUP=no",
		"StartLimitIntervalUSec=10s",
		"StartLimitBurst=5",
		"UMask=0022",
		"StandardInput=null",
		"StandardOutput=journal",
		"StandardError=inherit",
		"IgnoreSIGPIPE=yes",
		"StopDeadlineUSec=infinity",
		"KillVerifyUSec=5s",
		"TimeoutStopFailureMode=terminate",
		"ExecStart={ path=/bin/true ; argv[]=/bin/true ; ignore_errors=no }",
	};

	cr_assert_eq(diags.n, 0);
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		cr_assert(shows(u, lines[i]), "%s", lines[i]);
}

/*
 * Lines of [Service] behind ExecStart=, and what "show" makes of them; no diagnostics unless the
 * last says so.
 */
struct value_case {
	const char *lines, *shown;
	size_t warnings;
};

static const struct value_case values[] = {
	{ "[Unit]\nAfter=a.service b.target\nAfter=c@1.service",
	  "After=a.service b.target c@1.service", 0 },
	{ "[Unit]\nBefore=.service x.service", "Before=x.service", 1 },
	{ "[Unit]\nBefore=a.service\nBefore=", "Before=a.service", 0 },
	{ "[Unit]\nAfter=/etc/passwd a@.service nothing", "After=", 3 },
	{ "Type=exec", "Type=exec", 0 },
	{ "Type=forking\nPIDFile=foo.pid", "PIDFile=/run/foo.pid", 0 },
	{ "PIDFile=/run//a/./b/", "PIDFile=/run/a/b", 0 },
	{ "PIDFile=/run/../b", "PIDFile=", 1 },
	{ "BusName=org.example.A", "Type=dbus", 0 },
	{ "Type=oneshot", "TimeoutStartUSec=infinity", 0 },
	{ "Type=oneshot\nTimeoutStartSec=5", "TimeoutStartUSec=5s", 0 },
	{ "Type=oneshot\nExecStart=/bin/false", "Type=oneshot", 0 },
	{ "Type=notify-reload", "Type=notify-reload", 0 },
	{ "Type=", "Type=simple", 1 },
	{ "Type=bogus", "Type=simple", 1 },
	{ "TimeoutSec=7", "TimeoutStartUSec=7s", 0 },
	{ "TimeoutSec=7", "TimeoutStopUSec=7s", 0 },
	{ "TimeoutSec=7", "TimeoutAbortUSec=7s", 0 },
	{ "TimeoutStopSec=0", "TimeoutStopUSec=infinity", 0 },
	{ "TimeoutStopSec=7\nTimeoutStopSec=", "TimeoutStopUSec=7s", 1 },
	{ "TimeoutStopSec=1min 500ms", "TimeoutStopUSec=1min 500ms", 0 },
	{ "TimeoutStopSec=-1", "TimeoutStopUSec=1min 30s", 1 },
	{ "TimeoutAbortSec=3\nTimeoutStopSec=4", "TimeoutAbortUSec=3s", 0 },
	{ "TimeoutAbortSec=3\nTimeoutStopSec=4\nTimeoutAbortSec=", "TimeoutAbortUSec=4s", 0 },
	{ "TimeoutStopFailureMode=kill", "TimeoutStopFailureMode=kill", 0 },
	{ "RuntimeMaxSec=1h", "RuntimeMaxUSec=1h", 0 },
	{ "KillMode=process", "KillMode=process", 0 },
	{ "KillMode=mixed\nKillMode=", "KillMode=control-group", 0 },
	{ "KillMode=none", "KillMode=none", 1 },
	{ "KillSignal=SIGINT", "RestartKillSignal=2", 0 },
	{ "KillSignal=INT\nRestartKillSignal=10", "RestartKillSignal=10", 0 },
	{ "RestartKillSignal=10\nKillSignal=INT", "RestartKillSignal=10", 0 },
	{ "KillSignal=int", "KillSignal=15", 1 },
	{ "FinalKillSignal=SIGRTMIN+3", "FinalKillSignal=37", 0 },
	{ "SendSIGKILL=off\nSendSIGHUP=TRUE", "SendSIGKILL=no", 0 },
	{ "SendSIGHUP=TRUE", "SendSIGHUP=yes", 0 },
	{ "SendSIGHUP=", "SendSIGHUP=no", 1 },
	{ "SuccessExitStatus=143 TERM SIGRTMAX 300", "SuccessExitStatus=143 TERM RTMIN+30", 1 },
	{ "RestartPreventExitStatus=1\nRestartPreventExitStatus=\nRestartPreventExitStatus=2",
	  "RestartPreventExitStatus=2", 0 },
	{ "StartLimitInterval=5\nStartLimitBurst=2", "StartLimitIntervalUSec=5s", 0 },
	{ "User=nobody\nGroup=12", "User=nobody", 0 },
	{ "User=nobody\nUser=", "User=", 0 },
	{ "SupplementaryGroups=a b\nSupplementaryGroups=c", "SupplementaryGroups=a b c", 0 },
	{ "WorkingDirectory=~", "WorkingDirectory=~", 0 },
	{ "WorkingDirectory=-/srv//%i", "WorkingDirectory=!/srv/bar", 0 },
	{ "WorkingDirectory=/a\nWorkingDirectory=-rel", "WorkingDirectory=/a", 1 },
	{ "Environment=A=1 \"B=x y\" A=3", "Environment=A=3 \"B=x y\"", 0 },
	{ "Environment=A=1\nEnvironment=\nEnvironment=B=%p", "Environment=B=foo", 0 },
	{ "Environment=1x=3 C= B", "Environment=C=", 2 },
	{ "Environment=\"A=1", "Environment=", 1 },
	{ "PassEnvironment=A B=1", "PassEnvironment=A", 1 },
	{ "UnsetEnvironment=A B=1 3", "UnsetEnvironment=A B=1", 1 },
	{ "EnvironmentFile=-/etc/default/%p",
	  "EnvironmentFiles=/etc/default/foo (ignore_errors=yes)", 0 },
	{ "EnvironmentFile=/a\nEnvironmentFile=\nEnvironmentFile=/b",
	  "EnvironmentFiles=/b (ignore_errors=no)", 0 },
	{ "UMask=077", "UMask=0077", 0 },
	{ "UMask=9", "UMask=0022", 1 },
	{ "Nice=-5", "Nice=-5", 0 },
	{ "Nice=4\nNice=20", "Nice=4", 1 },
	{ "OOMScoreAdjust=-900", "OOMScoreAdjust=-900", 0 },
	{ "LimitNOFILE=1024:4096", "LimitNOFILE=4096", 0 },
	{ "LimitNOFILE=1024:4096", "LimitNOFILESoft=1024", 0 },
	{ "LimitNOFILE=9\nLimitNOFILE=10:5", "LimitNOFILE=9", 1 },
	{ "LimitCORE=1M:infinity", "LimitCORESoft=1048576", 0 },
	{ "LimitCORE=1M:infinity", "LimitCORE=infinity", 0 },
	{ "LimitCPU=1500ms", "LimitCPU=2", 0 },
	{ "LimitRTTIME=5", "LimitRTTIME=5", 0 },
	{ "LimitNICE=+5", "LimitNICE=15", 0 },
	{ "LimitNICE=-5", "LimitNICE=25", 0 },
	{ "LimitNICE=40\nLimitNICE=41", "LimitNICE=40", 1 },
	{ "StandardOutput=append:/var/log/%p.log", "StandardOutput=append:/var/log/foo.log", 0 },
	{ "StandardOutput=file:/a # b", "StandardOutput=file:/a # b", 0 },
	{ "StandardOutput=null # quiet", "StandardOutput=null", 1 },
	{ "StandardOutput=inherit", "StandardOutput=journal", 0 },
	{ "StandardInput=tty", "StandardInput=null", 1 },
	{ "StandardInput=append:/x", "StandardInput=null", 1 },
	{ "StandardError=journal+console", "StandardError=journal", 0 },
	{ "ExecStart=\nExecStart=/bin/b",
	  "ExecStart={ path=/bin/b ; argv[]=/bin/b ; ignore_errors=no }", 0 },
	{ "ExecStop=-/bin/a %i $MAINPID",
	  "ExecStop={ path=/bin/a ; argv[]=/bin/a bar $MAINPID ; ignore_errors=yes }", 0 },
	{ "[X-Cgkill]\nStopDeadlineSec=10", "StopDeadlineUSec=10s", 0 },
	{ "[X-Cgkill]\nKillVerifySec=2", "KillVerifyUSec=2s", 0 },
	{ "[X-Cgkill]\nKillVerifySec=infinity", "KillVerifyUSec=5s", 1 },
	{ "[Service]\nType=simple", "EscapePolicy=ignore", 0 },
	{ "[X-Cgkill]\nEscapePolicy=report", "EscapePolicy=report", 0 },
	{ "[X-Cgkill]\nEscapePolicy=kill", "EscapePolicy=kill", 0 },
	{ "[X-Cgkill]\nEscapePolicy=kill\nEscapePolicy=ignore", "EscapePolicy=ignore", 0 },
	{ "[X-Cgkill]\nEscapePolicy=Kill", "EscapePolicy=ignore", 1 },
	{ "[X-Cgkill]\nEscapePolicy=", "EscapePolicy=ignore", 1 },
	{ "[X-Cgkill]\nNoSuch=1", "Type=simple", 1 },
	{ "[X-Other]\nNoSuch=1\nX-a=2", "Type=simple", 0 },
	{ "X-Foo=1", "Type=simple", 0 },
	{ "[Other]\nKillMode=mixed", "KillMode=control-group", 1 },
	{ "[Unit]\nDescription=a %n", "Description=a foo@bar.service", 0 },
	{ "[Unit]\nDescription=a %z", "Description=foo@bar.service", 1 },
	{ "[Unit]\nDocumentation=man:a(1) bad", "Documentation=man:a(1)", 1 },
	{ "[Unit]\nStartLimitIntervalSec=0", "StartLimitIntervalUSec=0", 0 },
	{ "[Install]\nWantedBy=multi-user.target a.target", "WantedBy=multi-user.target a.target", 0 },
	{ "SysVStartPriority=3", "Type=simple", 1 },
};

Test(load, values)
{
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		cleanup_diags struct diags diags = DIAGS_INIT;
		cleanup_free char *text = NULL;

		cr_assert_geq(asprintf(&text, MINIMAL "%s\n", values[i].lines), 0);
		cleanup_unit struct unit *u = load_ok(text, NULL, &diags);
		cr_assert(shows(u, values[i].shown), "%s: not %s", values[i].lines, values[i].shown);
		cr_assert_eq(diags.n, values[i].warnings, "%s: %zu: %s", values[i].lines, diags.n,
			     diags.n > 0 ? diags.v[0].text : "");
	}
}

Test(load, inline_comments)
{
	static const struct value_case cases[] = {
		{ "TimeoutStopSec=2s # Maximum wait", "TimeoutStopUSec=2s", 1 },
		{ "TimeoutStopSec=2s\t#Maximum", "TimeoutStopUSec=2s", 1 },
		{ "TimeoutStopSec=2s#Maximum", "TimeoutStopUSec=1min 30s", 1 },
		{ "TimeoutStopSec=never # ever", "TimeoutStopUSec=1min 30s", 2 },
		{ "KillSignal=SIGINT # first", "KillSignal=2", 1 },
		{ "KillMode=process # a\nKillMode=mixed # b", "KillMode=mixed", 2 },
		{ "KillMode=mixed\nKillMode= # default", "KillMode=control-group", 1 },
		{ "SendSIGKILL=no # x", "SendSIGKILL=no", 1 },
		{ "UMask=027 # x", "UMask=0027", 1 },
		{ "Nice=3 # x", "Nice=3", 1 },
		{ "LimitNOFILE=5:6 # x", "LimitNOFILE=6", 1 },
		{ "RestartSec=5 # x", "RestartUSec=5s", 1 },
		{ "SuccessExitStatus=143 # not 5", "SuccessExitStatus=143", 1 },
		{ "Environment=A=1 #B=2", "Environment=A=1", 1 },
		{ "ExecStop=/bin/a # b",
		  "ExecStop={ path=/bin/a ; argv[]=/bin/a # b ; ignore_errors=no }", 0 },
		{ "[Unit]\nDescription=a # b", "Description=a # b", 0 },
		{ "[X-Cgkill]\nStopDeadlineSec=3 # x", "StopDeadlineUSec=3s", 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_diags struct diags diags = DIAGS_INIT;
		cleanup_free char *text = NULL;

		cr_assert_geq(asprintf(&text, MINIMAL "%s\n", cases[i].lines), 0);
		cleanup_unit struct unit *u = load_ok(text, NULL, &diags);
		cr_assert(shows(u, cases[i].shown), "%s: not %s", cases[i].lines, cases[i].shown);
		cr_assert_eq(diags.n, cases[i].warnings, "%s: %zu", cases[i].lines, diags.n);
	}
}

Test(load, diagnostics_name_file_and_line)
{
	static const char *const expected[] = {
		"/u/foo@bar.service:3: Unknown key 'Foo' in section [Service], ignoring.",
		("/u/foo@bar.service:4: TimeoutStopSec= is followed by a comment on the same line, "
		 "taking it as one; "
		 "systemd would ignore this line and keep the value from before or the default: # "
		 "x"),
		"/u/foo@bar.service:5: Failed to parse KillMode= value, ignoring: all",
		("/u/foo@bar.service:6: DeviceAllow= in section [Service] limits or protects, but "
		 "is "
		 "not supported, "
		 "ignoring: the service runs without it."),
		("/u/foo@bar.service:7: IPAddressDeny= in section [Service] limits or protects, "
		 "but is not "
		 "supported, ignoring: "
		 "the service runs without it."),
		("/u/foo@bar.service:9: USBFunctionStrings= in section [Service] is known but not "
		 "supported, ignoring."),
		"/u/foo@bar.service.d/a.conf:1: Assignment outside of section. Ignoring.",
		"/u/foo@bar.service.d/a.conf:3: Unknown key 'Bar' in section [Unit], ignoring.",
		"/u/foo@bar.service.d/a.conf:4: Unknown section 'Bogus'. Ignoring.",
	};
	cleanup_diags struct diags diags = DIAGS_INIT;
	cleanup_unit struct unit *u = load_ok(
		MINIMAL
		"Foo=1\nTimeoutStopSec=2s # x\nKillMode=all\nDeviceAllow=a\nIPAddressDeny=any\n"
		"DeviceAllow=b\nUSBFunctionStrings=1\nDevicePolicy=\n",
		"A=1\n[Unit]\nBar=1\n[Bogus]\nB=1\n[Service]\nDeviceAllow=c\n", &diags);

	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		cleanup_free char *line = NULL;

		cr_assert_lt(i, diags.n);
		line = diag_format(&diags.v[i]);
		cr_assert_str_eq(line, expected[i]);
	}
	cr_assert_eq(diags.n, ARRAY_SIZE(expected));
	cr_assert_str_eq(u->dropin_paths[0], "/u/foo@bar.service.d/a.conf");
}

Test(load, dropin_overrides_and_resets)
{
	cleanup_diags struct diags diags = DIAGS_INIT;
	cleanup_unit struct unit *u = load_ok(
		MINIMAL "TimeoutStopSec=5\nEnvironment=A=1\nKillMode=mixed\n",
		"[Service]\nExecStart=\nExecStart=/bin/false\nTimeoutStopSec=\nEnvironment=\n", &diags);

	cr_assert_eq(u->exec[EXEC_START].n, 1);
	cr_assert_str_eq(u->exec[EXEC_START].v[0].path, "/bin/false");
	cr_assert_eq(u->timeout_stop, 5 * USEC_PER_SEC);
	cr_assert_null(u->environment);
	cr_assert_eq(u->kill_mode, KILL_MIXED);
	cr_assert_eq(diags.n, 1);
	cr_assert_eq(diags.v[0].line, 4);
}

Test(load, unusable)
{
	static const char *const texts[] = {
		"",
		"[Unit]\nDescription=x\n",
		"[Service]\nExecStop=/bin/a\n",
		"[Service]\nType=simple\nRemainAfterExit=yes\nExecStop=/bin/a\n",
		MINIMAL "ExecStart=/bin/false\n",
		MINIMAL "ExecStart=\n",
		MINIMAL "Type=oneshot\nRestart=always\n",
		MINIMAL "Type=oneshot\nRestart=on-success\n",
		MINIMAL "Type=dbus\n",
		MINIMAL "User=a:b\n",
		MINIMAL "User=%z\n",
		MINIMAL "User=4294967295\n",
		MINIMAL "Group=..\n",
		MINIMAL "SupplementaryGroups=a b/c\n",
		MINIMAL "WorkingDirectory=rel\n",
		MINIMAL "StandardOutput=file:rel\n",
		MINIMAL "[Service\n",
		MINIMAL "Description=\xff\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		cleanup_diags struct diags diags = DIAGS_INIT;
		struct unit *u = NULL;

		cr_assert_eq(load_texts(&u, texts[i], NULL, &diags), -EBADMSG, "%s", texts[i]);
		cr_assert_null(u);
		cr_assert_geq(diags.errors, 1);
	}
}

Test(load, start_less_oneshot)
{
	cleanup_diags struct diags diags = DIAGS_INIT;
	cleanup_unit struct unit *u =
		load_ok("[Service]\nRemainAfterExit=yes\nExecStop=/bin/a\n", NULL, &diags);

	cr_assert_eq(u->type, SERVICE_ONESHOT);
	cr_assert_eq(u->timeout_start, USEC_INFINITY);
}

/* systemd.service(5), "OOMPolicy=": who has cgroups of its own goes on when one of them is killed. */
Test(load, delegate_and_oom_policy)
{
	static const struct {
		const char *lines, *shown;
	} cases[] = {
		{ "", "OOMPolicy=stop" },
		{ "Delegate=yes", "OOMPolicy=continue" },
		{ "Delegate=", "OOMPolicy=continue" },
		{ "Delegate=cpu memory", "OOMPolicy=continue" },
		{ "Delegate=yes\nDelegate=no", "OOMPolicy=stop" },
		{ "OOMPolicy=kill\nDelegate=yes", "OOMPolicy=kill" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_diags struct diags diags = DIAGS_INIT;
		cleanup_free char *text = NULL;

		cr_assert_geq(asprintf(&text, MINIMAL "%s\n", cases[i].lines), 0);
		cleanup_unit struct unit *u = load_ok(text, NULL, &diags);
		cr_expect(shows(u, cases[i].shown), "%s: not %s", cases[i].lines, cases[i].shown);
	}
}

Test(load, permissions_start_only)
{
	cleanup_diags struct diags diags = DIAGS_INIT;
	cleanup_unit struct unit *u = load_ok("[Service]\n"
					      "PermissionsStartOnly=yes\n"
					      "ExecStartPre=/bin/a\n"
					      "ExecStart=/bin/b\n"
					      "ExecReload=/bin/c\n"
					      "ExecReload=/bin/d\n",
					      NULL, &diags);

	cr_assert(u->exec[EXEC_START_PRE].v[0].privileged);
	cr_assert_not(u->exec[EXEC_START].v[0].privileged);
	cr_assert(u->exec[EXEC_RELOAD].v[1].privileged);
	cr_assert_eq(diags.n, 0);
}

Test(load, success_action_is_something_to_do)
{
	cleanup_diags struct diags diags = DIAGS_INIT;
	struct unit *u = NULL;

	u = load_ok("[Unit]\nSuccessAction=exit\n", NULL, &diags);
	cr_expect_eq(u->type, SERVICE_ONESHOT);
	unit_free(u);
	cr_expect_eq(load_texts(&u, "[Unit]\nSuccessAction=poweroff\n", NULL, &diags), -EBADMSG);
	cr_expect_eq(load_texts(&u, "[Unit]\nSuccessAction=exit\n[Service]\nType=simple\n", NULL, &diags),
		     -EBADMSG);
}
