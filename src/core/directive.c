/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/directive.h"

#include <errno.h>

#include "core/condition.h"
#include "core/directories.h"
#include "core/filter.h"
#include "core/ignored.h"
#include "core/privileges.h"
#include "core/resources.h"
#include "core/sandbox.h"
#include "core/socket.h"
#include "util/strv.h"

#define FIELD(member) offsetof(struct unit, member)
#define DEP(key, dep)                                            \
	{                                                        \
		"Unit", key, &value_units, FIELD(deps[dep]), dep \
	}
#define LIMIT(name)                                                                  \
	{                                                                            \
		"Service", "Limit" #name, &value_limit, FIELD(limits), RLIMIT_##name \
	}
#define DIRECTORY(name, kind)                                                                       \
	{ "Service", name, &value_directories, FIELD(directories), DIRECTORY_##kind },              \
	{                                                                                           \
		"Service", name "Mode", &value_directory_mode, FIELD(directories), DIRECTORY_##kind \
	}
#define PRIVILEGE(key, type, member)                                                                 \
	{                                                                                            \
		"Service", key, &(type), FIELD(privileges), (int)offsetof(struct privileges, member) \
	}
#define FILTER(key, type, member)                                                            \
	{                                                                                    \
		"Service", key, &(type), FIELD(filter), (int)offsetof(struct filter, member) \
	}
#define SANDBOX(key, type, member)                                                             \
	{                                                                                      \
		"Service", key, &(type), FIELD(sandbox), (int)offsetof(struct sandbox, member) \
	}
#define SANDBOX_PATHS(key, list)                                                     \
	{                                                                            \
		"Service", key, &value_sandbox_paths, FIELD(sandbox), SANDBOX_##list \
	}
#define SOCKET(key, type, member)                                                                \
	{                                                                                        \
		"Socket", key, &(type), FIELD(socket), (int)offsetof(struct socket_unit, member) \
	}
#define SOCKET_OPTION(key, option)                                                  \
	{                                                                           \
		"Socket", key, &value_socket_option, FIELD(socket), SOCKET_##option \
	}
#define LISTEN(key, kind)                                                           \
	{                                                                           \
		"Socket", "Listen" key, &value_listen, FIELD(socket), LISTEN_##kind \
	}
#define EXEC(key, phase)                                               \
	{                                                              \
		"Service", key, &value_commands, FIELD(exec[phase]), 0 \
	}

/* Of a service, and of a slice. */
#define RESOURCE(key, type, arg)                               \
	{ "Service", key, &(type), FIELD(resources), (arg) },  \
	{                                                      \
		"Slice", key, &(type), FIELD(resources), (arg) \
	}

#define CONDITION(name, kind)                                                                \
	{ "Unit", "Condition" name, &value_condition, FIELD(conditions), CONDITION_##kind }, \
	{                                                                                    \
		"Unit", "Assert" name, &value_assertion, FIELD(conditions), CONDITION_##kind \
	}

/* clang-format off */
static const struct directive directives[] = {
	{ "Unit", "Description", &value_text, FIELD(description), 0 },
	{ "Unit", "Documentation", &value_urls, FIELD(documentation), 0 },
	DEP("Requires", DEP_REQUIRES),
	DEP("Requisite", DEP_REQUISITE),
	DEP("Wants", DEP_WANTS),
	DEP("BindsTo", DEP_BINDS_TO),
	DEP("BindTo", DEP_BINDS_TO), /* the name before v209 */
	DEP("PartOf", DEP_PART_OF),
	DEP("Upholds", DEP_UPHOLDS),
	DEP("Conflicts", DEP_CONFLICTS),
	DEP("After", DEP_AFTER),
	DEP("Before", DEP_BEFORE),
	DEP("PropagatesStopTo", DEP_PROPAGATES_STOP_TO),
	DEP("StopPropagatedFrom", DEP_STOP_PROPAGATED_FROM),
	DEP("PropagatesReloadTo", DEP_PROPAGATES_RELOAD_TO),
	DEP("PropagateReloadTo", DEP_PROPAGATES_RELOAD_TO),
	DEP("ReloadPropagatedFrom", DEP_RELOAD_PROPAGATED_FROM),
	DEP("PropagateReloadFrom", DEP_RELOAD_PROPAGATED_FROM),
	DEP("OnFailure", DEP_ON_FAILURE),
	DEP("OnSuccess", DEP_ON_SUCCESS),
	{ "Unit", "DefaultDependencies", &value_flag, FIELD(default_dependencies), 0 },
	{ "Unit", "RefuseManualStart", &value_flag, FIELD(refuse_manual_start), 0 },
	{ "Unit", "RefuseManualStop", &value_flag, FIELD(refuse_manual_stop), 0 },
	{ "Unit", "StartLimitAction", &value_unit_action, FIELD(start_limit_action), 0 },
	{ "Unit", "SuccessAction", &value_unit_action, FIELD(success_action), 0 },
	{ "Unit", "FailureAction", &value_unit_action, FIELD(failure_action), 0 },
	{ "Unit", "StartLimitIntervalSec", &value_seconds, FIELD(start_limit_interval), 0 },
	{ "Unit", "StartLimitInterval", &value_seconds, FIELD(start_limit_interval), 0 }, /* the name before v230 */
	{ "Unit", "StartLimitBurst", &value_number, FIELD(start_limit_burst), 0 },
	CONDITION("PathExists", PATH_EXISTS),
	CONDITION("PathExistsGlob", PATH_EXISTS_GLOB),
	CONDITION("PathIsDirectory", PATH_IS_DIRECTORY),
	CONDITION("PathIsSymbolicLink", PATH_IS_SYMBOLIC_LINK),
	CONDITION("PathIsMountPoint", PATH_IS_MOUNT_POINT),
	CONDITION("PathIsReadWrite", PATH_IS_READ_WRITE),
	CONDITION("DirectoryNotEmpty", DIRECTORY_NOT_EMPTY),
	CONDITION("FileNotEmpty", FILE_NOT_EMPTY),
	CONDITION("FileIsExecutable", FILE_IS_EXECUTABLE),
	CONDITION("NeedsUpdate", NEEDS_UPDATE),
	CONDITION("FirstBoot", FIRST_BOOT),
	CONDITION("ACPower", AC_POWER),
	CONDITION("Architecture", ARCHITECTURE),
	CONDITION("Virtualization", VIRTUALIZATION),
	CONDITION("Host", HOST),
	CONDITION("KernelCommandLine", KERNEL_COMMAND_LINE),
	CONDITION("KernelVersion", KERNEL_VERSION),
	CONDITION("KernelModuleLoaded", KERNEL_MODULE_LOADED),
	CONDITION("Security", SECURITY),
	CONDITION("Capability", CAPABILITY),
	CONDITION("Environment", ENVIRONMENT),
	CONDITION("User", USER),
	CONDITION("Group", GROUP),
	CONDITION("Memory", MEMORY),
	CONDITION("CPUs", CPUS),
	CONDITION("Firmware", FIRMWARE),
	CONDITION("Credential", CREDENTIAL),
	CONDITION("CPUFeature", CPU_FEATURE),
	CONDITION("ControlGroupController", CGROUP_CONTROLLER),
	CONDITION("OSRelease", OS_RELEASE),

	{ "Service", "Type", &value_service_type, FIELD(type), 0 },
	{ "Service", "ExitType", &value_exit_type, FIELD(exit_type), 0 },
	{ "Service", "GuessMainPID", &value_flag, FIELD(guess_main_pid), 0 },
	{ "Service", "NotifyAccess", &value_notify_access, FIELD(notify_access), 0 },
	{ "Service", "ReloadSignal", &value_signal_number, FIELD(reload_signal), 0 },
	{ "Service", "FileDescriptorStoreMax", &value_number, FIELD(fdstore_max), 0 },
	{ "Service", "FileDescriptorStorePreserve", &value_fdstore_preserve, FIELD(fdstore_preserve), 0 },
	{ "Service", "RemainAfterExit", &value_flag, FIELD(remain_after_exit), 0 },
	{ "Service", "PermissionsStartOnly", &value_flag, FIELD(permissions_start_only), 0 },
	{ "Service", "PIDFile", &value_pid_file, FIELD(pid_file), 0 },
	{ "Service", "BusName", &value_text, FIELD(bus_name), 0 },
	EXEC("ExecCondition", EXEC_CONDITION),
	EXEC("ExecStartPre", EXEC_START_PRE),
	EXEC("ExecStart", EXEC_START),
	EXEC("ExecStartPost", EXEC_START_POST),
	EXEC("ExecReload", EXEC_RELOAD),
	EXEC("ExecStop", EXEC_STOP),
	EXEC("ExecStopPost", EXEC_STOP_POST),
	{ "Service", "Restart", &value_restart_policy, FIELD(restart), 0 },
	{ "Service", "RestartSec", &value_seconds, FIELD(restart_delay), 0 },
	{ "Service", "RestartMaxDelaySec", &value_seconds, FIELD(restart_delay_max), 0 },
	{ "Service", "RestartSteps", &value_number, FIELD(restart_steps), 0 },
	{ "Service", "RestartMode", &value_restart_mode, FIELD(restart_mode), 0 },
	{ "Service", "SuccessExitStatus", &value_exit_set, FIELD(success), 0 },
	{ "Service", "RestartPreventExitStatus", &value_exit_set, FIELD(restart_prevent), 0 },
	{ "Service", "RestartForceExitStatus", &value_exit_set, FIELD(restart_force), 0 },
	{ "Service", "TimeoutStartSec", &value_timeout_start, FIELD(timeout_start), 0 },
	{ "Service", "TimeoutStopSec", &value_timeout, FIELD(timeout_stop), 0 },
	{ "Service", "TimeoutSec", &value_timeout_both, FIELD(timeout_start), 0 },
	{ "Service", "TimeoutAbortSec", &value_timeout_abort, FIELD(timeout_abort), 0 },
	{ "Service", "TimeoutStartFailureMode", &value_failure_mode, FIELD(timeout_start_failure_mode), 0 },
	{ "Service", "TimeoutStopFailureMode", &value_failure_mode, FIELD(timeout_stop_failure_mode), 0 },
	{ "Service", "RuntimeMaxSec", &value_seconds, FIELD(runtime_max), 0 },
	{ "Service", "RuntimeRandomizedExtraSec", &value_seconds, FIELD(runtime_extra), 0 },
	{ "Service", "WatchdogSec", &value_seconds, FIELD(watchdog), 0 },
	{ "Service", "OOMPolicy", &value_oom_policy, FIELD(oom_policy), 0 },
	{ "Service", "FailureAction", &value_unit_action, FIELD(failure_action), 0 }, /* their place before v229, too */
	{ "Service", "StartLimitAction", &value_unit_action, FIELD(start_limit_action), 0 },
	{ "Service", "StartLimitInterval", &value_seconds, FIELD(start_limit_interval), 0 }, /* their place before v229 */
	{ "Service", "StartLimitBurst", &value_number, FIELD(start_limit_burst), 0 },

	{ "Service", "KillMode", &value_kill_mode, FIELD(kill_mode), 0 },
	{ "Service", "KillSignal", &value_signal_number, FIELD(kill_signal), 0 },
	{ "Service", "RestartKillSignal", &value_signal_number, FIELD(restart_kill_signal), 0 },
	{ "Service", "FinalKillSignal", &value_signal_number, FIELD(final_kill_signal), 0 },
	{ "Service", "WatchdogSignal", &value_signal_number, FIELD(watchdog_signal), 0 },
	{ "Service", "SendSIGKILL", &value_flag, FIELD(send_sigkill), 0 },
	{ "Service", "SendSIGHUP", &value_flag, FIELD(send_sighup), 0 },

	{ "Service", "User", &value_account, FIELD(user), 0 },
	{ "Service", "Group", &value_account, FIELD(group), 0 },
	{ "Service", "DynamicUser", &value_flag, FIELD(dynamic_user), 0 },
	{ "Service", "SupplementaryGroups", &value_accounts, FIELD(supplementary_groups), 0 },
	{ "Service", "WorkingDirectory", &value_working_directory, FIELD(working_directory), 0 },
	{ "Service", "Environment", &value_environment, FIELD(environment), 0 },
	{ "Service", "UnsetEnvironment", &value_variables, FIELD(unset_environment), true },
	{ "Service", "PassEnvironment", &value_variables, FIELD(pass_environment), false },
	{ "Service", "EnvironmentFile", &value_environment_file, FIELD(environment_files), 0 },
	{ "Service", "UMask", &value_mode, FIELD(umask), 0 },
	{ "Service", "Nice", &value_nice_level, FIELD(nice), 0 },
	{ "Service", "OOMScoreAdjust", &value_oom_score_adjust, FIELD(oom_score_adjust), 0 },
	{ "Service", "StandardInput", &value_stdio, FIELD(std_in), true },
	{ "Service", "StandardOutput", &value_stdio, FIELD(std_out), false },
	{ "Service", "StandardError", &value_stdio, FIELD(std_err), false },
	{ "Service", "StandardInputText", &value_input_text, FIELD(stdin_data), 0 },
	{ "Service", "StandardInputData", &value_input_data, FIELD(stdin_data), 0 },
	{ "Service", "IgnoreSIGPIPE", &value_flag, FIELD(ignore_sigpipe), 0 },
	{ "Service", "SyslogIdentifier", &value_log_identifier, FIELD(logging), 0 },
	{ "Service", "SyslogFacility", &value_log_facility, FIELD(logging), 0 },
	{ "Service", "SyslogLevel", &value_log_level, FIELD(logging), 0 },
	{ "Service", "SyslogLevelPrefix", &value_log_prefix, FIELD(logging), 0 },
	{ "Service", "CPUAffinity", &value_affinity, FIELD(scheduling), 0 },
	{ "Service", "CPUSchedulingPolicy", &value_cpu_policy, FIELD(scheduling), 0 },
	{ "Service", "CPUSchedulingPriority", &value_cpu_priority, FIELD(scheduling), 0 },
	{ "Service", "CPUSchedulingResetOnFork", &value_reset_on_fork, FIELD(scheduling), 0 },
	{ "Service", "IOSchedulingClass", &value_io_scheduling, FIELD(scheduling), false },
	{ "Service", "IOSchedulingPriority", &value_io_scheduling, FIELD(scheduling), true },
	{ "Service", "TimerSlackNSec", &value_timer_slack, FIELD(scheduling), 0 },
	{ "Service", "CoredumpFilter", &value_coredump_filter, FIELD(scheduling), 0 },
	{ "Service", "Personality", &value_personality, FIELD(scheduling), 0 },
	{ "Service", "NUMAPolicy", &value_numa_policy, FIELD(scheduling), 0 },
	{ "Service", "NUMAMask", &value_numa_mask, FIELD(scheduling), 0 },
	DIRECTORY("RuntimeDirectory", RUNTIME),
	DIRECTORY("StateDirectory", STATE),
	DIRECTORY("CacheDirectory", CACHE),
	DIRECTORY("LogsDirectory", LOGS),
	DIRECTORY("ConfigurationDirectory", CONFIGURATION),
	{ "Service", "RuntimeDirectoryPreserve", &value_directory_preserve, FIELD(directories), 0 },
	{ "Service", "LoadCredential", &value_credential, FIELD(credentials), 1 },
	{ "Service", "LoadCredentialEncrypted", &value_credential, FIELD(credentials), 3 },
	{ "Service", "SetCredential", &value_credential, FIELD(credentials), 0 },
	{ "Service", "SetCredentialEncrypted", &value_credential, FIELD(credentials), 2 },
	LIMIT(CPU), LIMIT(FSIZE), LIMIT(DATA), LIMIT(STACK), LIMIT(CORE), LIMIT(RSS), LIMIT(NOFILE), LIMIT(AS),
	LIMIT(NPROC), LIMIT(MEMLOCK), LIMIT(LOCKS), LIMIT(SIGPENDING), LIMIT(MSGQUEUE), LIMIT(NICE), LIMIT(RTPRIO),
	LIMIT(RTTIME),
	PRIVILEGE("CapabilityBoundingSet", value_capabilities, bounding),
	PRIVILEGE("AmbientCapabilities", value_capabilities, ambient),
	PRIVILEGE("SecureBits", value_secure_bits, secure_bits),
	PRIVILEGE("NoNewPrivileges", value_no_new_privileges, no_new_privileges),
	FILTER("SystemCallFilter", value_calls, calls),
	FILTER("SystemCallLog", value_calls, log),
	FILTER("SystemCallErrorNumber", value_call_error, error),
	FILTER("SystemCallArchitectures", value_architectures, architectures),
	FILTER("RestrictAddressFamilies", value_families, families),
	FILTER("RestrictNamespaces", value_namespaces, namespaces),
	FILTER("RestrictRealtime", value_filter_flag, restrict_realtime),
	FILTER("RestrictSUIDSGID", value_filter_flag, restrict_suid_sgid),
	FILTER("MemoryDenyWriteExecute", value_filter_flag, memory_deny_write_execute),
	FILTER("LockPersonality", value_filter_flag, lock_personality),
	{ "Service", "ProtectSystem", &value_protect_system, FIELD(sandbox), 0 },
	{ "Service", "ProtectHome", &value_protect_home, FIELD(sandbox), 0 },
	{ "Service", "ProtectProc", &value_protect_proc, FIELD(sandbox), 0 },
	{ "Service", "ProcSubset", &value_proc_subset, FIELD(sandbox), 0 },
	{ "Service", "MountFlags", &value_mount_flags, FIELD(sandbox), 0 },
	SANDBOX("PrivateTmp", value_sandbox_flag, private_tmp),
	SANDBOX("PrivateDevices", value_sandbox_flag, private_devices),
	SANDBOX("PrivateNetwork", value_sandbox_flag, private_network),
	SANDBOX("PrivateIPC", value_sandbox_flag, private_ipc),
	SANDBOX("PrivateUsers", value_sandbox_flag, private_users),
	SANDBOX("PrivateMounts", value_sandbox_flag, private_mounts),
	SANDBOX("ProtectKernelTunables", value_sandbox_flag, protect_kernel_tunables),
	SANDBOX("ProtectKernelModules", value_sandbox_flag, protect_kernel_modules),
	SANDBOX("ProtectKernelLogs", value_sandbox_flag, protect_kernel_logs),
	SANDBOX("ProtectControlGroups", value_sandbox_flag, protect_control_groups),
	SANDBOX("ProtectClock", value_sandbox_flag, protect_clock),
	SANDBOX("ProtectHostname", value_sandbox_flag, protect_hostname),
	SANDBOX("RootDirectory", value_sandbox_path, root_directory),
	SANDBOX("NetworkNamespacePath", value_sandbox_path, network_namespace),
	SANDBOX("IPCNamespacePath", value_sandbox_path, ipc_namespace),
	SANDBOX_PATHS("ReadWritePaths", READ_WRITE),
	SANDBOX_PATHS("ReadWriteDirectories", READ_WRITE), /* the name before v231 */
	SANDBOX_PATHS("ReadOnlyPaths", READ_ONLY),
	SANDBOX_PATHS("ReadOnlyDirectories", READ_ONLY), /* the name before v231 */
	SANDBOX_PATHS("InaccessiblePaths", INACCESSIBLE),
	SANDBOX_PATHS("InaccessibleDirectories", INACCESSIBLE), /* the name before v231 */
	SANDBOX_PATHS("ExecPaths", EXEC),
	SANDBOX_PATHS("NoExecPaths", NO_EXEC),
	SANDBOX_PATHS("BindPaths", BIND),
	SANDBOX_PATHS("BindReadOnlyPaths", BIND_READ_ONLY),
	SANDBOX_PATHS("TemporaryFileSystem", TMPFS),

	RESOURCE("CPUWeight", value_resource, RESOURCE_CPU_WEIGHT),
	RESOURCE("CPUQuota", value_resource, RESOURCE_CPU_QUOTA),
	RESOURCE("CPUQuotaPeriodSec", value_resource, RESOURCE_CPU_QUOTA_PERIOD),
	RESOURCE("CPUShares", value_resource, RESOURCE_CPU_SHARES), /* of cgroup v1, likewise below */
	RESOURCE("AllowedCPUs", value_cpus, false),
	RESOURCE("AllowedMemoryNodes", value_cpus, true),
	RESOURCE("MemoryMin", value_resource, RESOURCE_MEMORY_MIN),
	RESOURCE("MemoryLow", value_resource, RESOURCE_MEMORY_LOW),
	RESOURCE("MemoryHigh", value_resource, RESOURCE_MEMORY_HIGH),
	RESOURCE("MemoryMax", value_resource, RESOURCE_MEMORY_MAX),
	RESOURCE("MemorySwapMax", value_resource, RESOURCE_MEMORY_SWAP_MAX),
	RESOURCE("MemoryZSwapMax", value_resource, RESOURCE_MEMORY_ZSWAP_MAX),
	RESOURCE("MemoryLimit", value_resource, RESOURCE_MEMORY_LIMIT),
	RESOURCE("TasksMax", value_resource, RESOURCE_TASKS_MAX),
	RESOURCE("IOWeight", value_resource, RESOURCE_IO_WEIGHT),
	RESOURCE("BlockIOWeight", value_resource, RESOURCE_BLOCK_IO_WEIGHT),
	RESOURCE("IODeviceWeight", value_io, IO_DEVICE_WEIGHT),
	RESOURCE("IOReadBandwidthMax", value_io, IO_READ_BANDWIDTH),
	RESOURCE("IOWriteBandwidthMax", value_io, IO_WRITE_BANDWIDTH),
	RESOURCE("IOReadIOPSMax", value_io, IO_READ_IOPS),
	RESOURCE("IOWriteIOPSMax", value_io, IO_WRITE_IOPS),
	RESOURCE("BlockIOReadBandwidth", value_io, IO_READ_BANDWIDTH),
	RESOURCE("BlockIOWriteBandwidth", value_io, IO_WRITE_BANDWIDTH),
	{ "Service", "Slice", &value_slice, FIELD(resources), 0 },
	{ "Service", "Delegate", &value_delegate, FIELD(resources), 0 },
	{ "Service", "DelegateSubgroup", &value_subgroup, FIELD(resources), 0 },

	{ "Service", "Sockets", &value_sockets, FIELD(socket), 0 },
	{ "Service", "NonBlocking", &value_socket_flag, FIELD(socket), (int)offsetof(struct socket_unit, non_blocking) },

	LISTEN("Stream", STREAM),
	LISTEN("Datagram", DATAGRAM),
	LISTEN("SequentialPacket", SEQUENTIAL_PACKET),
	LISTEN("FIFO", FIFO),
	LISTEN("Special", SPECIAL),
	LISTEN("Netlink", NETLINK),
	SOCKET("Accept", value_socket_flag, accept),
	SOCKET("SocketMode", value_socket_mode, mode),
	SOCKET("DirectoryMode", value_socket_mode, directory_mode),
	SOCKET("SocketUser", value_socket_account, user),
	SOCKET("SocketGroup", value_socket_account, group),
	SOCKET("Service", value_socket_service, service),
	SOCKET("FileDescriptorName", value_socket_fd_name, fd_name),
	SOCKET("BindToDevice", value_socket_device, device),
	SOCKET("Symlinks", value_socket_links, symlinks),
	SOCKET("RemoveOnStop", value_socket_flag, remove_on_stop),
	SOCKET("Writable", value_socket_flag, writable),
	SOCKET("Backlog", value_socket_number, backlog),
	SOCKET("MaxConnections", value_socket_number, max_connections),
	SOCKET("TriggerLimitIntervalSec", value_socket_span, trigger_interval),
	SOCKET("TriggerLimitBurst", value_socket_number, trigger_burst),
	{ "Socket", "BindIPv6Only", &value_bind_ipv6_only, FIELD(socket), 0 },
	SOCKET_OPTION("KeepAlive", KEEP_ALIVE),
	SOCKET_OPTION("KeepAliveTimeSec", KEEP_ALIVE_TIME),
	SOCKET_OPTION("KeepAliveIntervalSec", KEEP_ALIVE_INTERVAL),
	SOCKET_OPTION("KeepAliveProbes", KEEP_ALIVE_PROBES),
	SOCKET_OPTION("NoDelay", NO_DELAY),
	SOCKET_OPTION("DeferAcceptSec", DEFER_ACCEPT),
	SOCKET_OPTION("Priority", PRIORITY),
	SOCKET_OPTION("ReceiveBuffer", RECEIVE_BUFFER),
	SOCKET_OPTION("SendBuffer", SEND_BUFFER),
	SOCKET_OPTION("IPTOS", IP_TOS),
	SOCKET_OPTION("IPTTL", IP_TTL),
	SOCKET_OPTION("Mark", MARK),
	SOCKET_OPTION("ReusePort", REUSE_PORT),
	SOCKET_OPTION("FreeBind", FREE_BIND),
	SOCKET_OPTION("Transparent", TRANSPARENT),
	SOCKET_OPTION("Broadcast", BROADCAST),
	SOCKET_OPTION("PassCredentials", PASS_CREDENTIALS),
	SOCKET_OPTION("PassSecurity", PASS_SECURITY),
	{ "Socket", "ExecStartPre", &value_commands, FIELD(exec[EXEC_START_PRE]), 0 },
	{ "Socket", "ExecStartPost", &value_commands, FIELD(exec[EXEC_START_POST]), 0 },
	{ "Socket", "ExecStopPre", &value_commands, FIELD(exec[EXEC_STOP]), 0 },
	{ "Socket", "ExecStopPost", &value_commands, FIELD(exec[EXEC_STOP_POST]), 0 },
	{ "Socket", "TimeoutSec", &value_timeout_both, FIELD(timeout_start), 0 },
	{ "Socket", "KillMode", &value_kill_mode, FIELD(kill_mode), 0 },
	{ "Socket", "KillSignal", &value_signal_number, FIELD(kill_signal), 0 },
	{ "Socket", "SendSIGKILL", &value_flag, FIELD(send_sigkill), 0 },
	{ "Socket", "Slice", &value_slice, FIELD(resources), 0 },

	{ "Install", "WantedBy", &value_names, FIELD(wanted_by), 0 },
	{ "Install", "RequiredBy", &value_names, FIELD(required_by), 0 },
	{ "Install", "UpheldBy", &value_names, FIELD(upheld_by), 0 },
	{ "Install", "DefaultInstance", &value_text, FIELD(default_instance), 0 },
	{ "Install", "Also", &value_names, FIELD(also), 0 },
	{ "Install", "Alias", &value_names, FIELD(alias), 0 },

	{ "X-Cgkill", "StopDeadlineSec", &value_timeout, FIELD(stop_deadline), 0 },
	{ "X-Cgkill", "KillVerifySec", &value_bounded_wait, FIELD(kill_verify), 0 },
	{ "X-Cgkill", "LeaderGraceSec", &value_seconds, FIELD(leader_grace), 0 },
	{ "X-Cgkill", "RestGraceSec", &value_seconds, FIELD(rest_grace), 0 },
	{ "X-Cgkill", "RequireProtections", &value_flag, FIELD(require_protections), 0 },
	{ "X-Cgkill", "LogMaxSize", &value_log_max_size, FIELD(logging), 0 },
	{ "X-Cgkill", "LogMaxFiles", &value_log_max_files, FIELD(logging), 0 },
	{ "X-Cgkill", "EscapePolicy", &value_escape_policy, FIELD(escape_policy), 0 },
};
/* clang-format on */

static const struct directive *find_directive(const char *section, const char *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(directives); i++)
		if (streq(directives[i].key, key) && streq(directives[i].section, section))
			return &directives[i];
	return NULL;
}

const struct value_type *directive_type(const char *section, const char *key)
{
	const struct directive *d = find_directive(section, key);

	return d ? d->type : NULL;
}

static int tell_ignored(struct loading *l, const char *section, const char *key, const char *value)
{
	enum ignored kind = ignored_lookup(section, key);
	cleanup_free char *name = NULL;

	/* What a service's processes may have a socket's commands may, too: systemd.socket(5). Here they have not. */
	if (kind == IGNORED_NOT_KNOWN && streq(section, "Socket") &&
	    (find_directive("Service", key) || ignored_lookup("Service", key) != IGNORED_NOT_KNOWN))
		kind = IGNORED_OTHER;

	if (kind == IGNORED_NOT_KNOWN) {
		if (!after_prefix(key, "X-"))
			value_tell_id(l, DIAG_WARNING, "unknown-key",
				      "Unknown key '%s' in section [%s], ignoring.", key, section);
		return 0;
	}
	if (kind == IGNORED_SETTLED)
		return 0;
	if (asprintf(&name, "%s.%s", section, key) < 0)
		return -ENOMEM;
	if (*value == '\0' || strv_contains(l->ignored, name))
		return 0;
	if (kind == IGNORED_REMOVED)
		value_tell_id(l, DIAG_NOTICE, "removed-key",
			      "Support for option %s= has been removed and it is ignored.", key);
	else if (kind == IGNORED_SESSION)
		value_tell_id(l, DIAG_WARNING, "unsupported-key",
			      "%s= in section [%s] is ignored: no PAM session is opened, and what "
			      "its modules would set up "
			      "or limit is missing.",
			      key, section);
	else if (kind == IGNORED_PROTECTS)
		value_tell_id(l, DIAG_WARNING,
			      "unprotected", "%s= in section [%s] limits or protects, but is not supported, ignoring: %s",
			      key, section, "the service runs without it.");
	else
		value_tell_id(l, DIAG_WARNING, "unsupported-key",
			      "%s= in section [%s] is known but not supported, ignoring.", key,
			      section);
	return strv_push_take(&l->ignored, TAKE_PTR(name));
}

/* In these groups nearly all that cannot be read leaves the service with more than it was to have. */
static bool limits_or_protects(const struct directive *d)
{
	static const size_t groups[] = { FIELD(sandbox),   FIELD(filter), FIELD(privileges),
					 FIELD(resources), FIELD(limits), FIELD(umask) };

	for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
		if (d->offset == groups[i])
			return true;
	return false;
}

int directive_apply(struct loading *l, const char *section, const char *key, char *value)
{
	const struct directive *d = find_directive(section, key);
	size_t before;
	int r;

	if (!d)
		return tell_ignored(l, section, key, value);
	value_cut_comment(l, key, value, d->type->hash);
	before = l->diags->n;
	r = d->type->parse(l, d, value, (char *)l->unit + d->offset);
	if (r == -EINVAL)
		value_tell(l, DIAG_WARNING, "Failed to parse %s= value, ignoring: %s", key, value);
	else if (r == -ERANGE)
		value_tell(l, DIAG_WARNING, "%s= value is out of range, ignoring: %s", key, value);
	for (; limits_or_protects(d) && before < l->diags->n; before++)
		l->diags->v[before].unprotected = d->key;
	return r == -ENOMEM ? r : 0;
}
