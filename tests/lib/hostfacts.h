/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Made-up facts about a host, for what reads unit files in tests.
 */
#include "core/load.h"

static const struct host_facts test_host = {
	.machine_id = "0123456789abcdef0123456789abcdef",
	.boot_id = "fedcba9876543210fedcba9876543210",
	.host_name = "host.example",
	.short_host = "host",
	.kernel = "6.1.0",
	.arch = "x86-64",
	.runtime_dir = "/run",
	.state_dir = "/var/lib",
	.cache_dir = "/var/cache",
	.logs_dir = "/var/log",
	.config_dir = "/etc",
	.tmp_dir = "/tmp",
	.var_tmp_dir = "/var/tmp",
	.user = "root",
	.group = "root",
	.home = "/root",
	.shell = "/bin/sh",
	.memory = 1ULL << 30,
	.tasks = 1000,
};
