/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/ignored.h"

#include "util/macro.h"

/* In the order of "systemd --dump-configuration-items" (252), then what later versions added. */
/* clang-format off */
static const char *const unit_other[] = {
	"SourcePath",
	"JoinsNamespaceOf", "RequiresOverridable",
	"RequisiteOverridable", "RequiresMountsFor", "StopWhenUnneeded",
	"AllowIsolate", "OnSuccessJobMode",
	"OnFailureJobMode", "OnFailureIsolate", "IgnoreOnIsolate", "JobTimeoutSec",
	"JobRunningTimeoutSec", "JobTimeoutAction", "JobTimeoutRebootArgument",
	"FailureActionExitStatus",
	"SuccessActionExitStatus", "RebootArgument", "ConditionPathIsEncrypted",
	"ConditionFirmware", "ConditionCredential", "ConditionCPUFeature",
	"ConditionControlGroupController", "ConditionOSRelease", "ConditionMemoryPressure",
	"ConditionCPUPressure", "ConditionIOPressure", "AssertPathIsEncrypted",
	"AssertCredential", "AssertCPUFeature", "AssertControlGroupController",
	"AssertOSRelease", "AssertMemoryPressure", "AssertCPUPressure", "AssertIOPressure",
	"CollectMode", "WantsMountsFor", "SurviveFinalKillSignal", "ConditionVersion",
	"AssertVersion",
};

static const char *const unit_removed[] = {
	"IgnoreOnSnapshot",
};

static const char *const service_other[] = {
	"RebootArgument", "PermissionsStartOnly", "RootDirectoryStartOnly",
	"NonBlocking", "Sockets",
	"USBFunctionDescriptors", "USBFunctionStrings", "RootImageOptions",
	"ExtensionDirectories", "ExtensionImages", "MountImages", "CoredumpFilter",
	"IOSchedulingClass", "IOSchedulingPriority", "CPUSchedulingPolicy",
	"CPUSchedulingPriority", "CPUSchedulingResetOnFork", "NUMAPolicy", "NUMAMask",
	"StandardInputText", "StandardInputData", "TTYPath", "TTYReset", "TTYVHangup",
	"TTYVTDisallocate", "TTYRows", "TTYColumns", "SyslogIdentifier", "SyslogFacility",
	"SyslogLevel", "SyslogLevelPrefix", "LogLevelMax", "LogRateLimitIntervalSec",
	"LogRateLimitBurst", "LogExtraFields", "TimerSlackNSec", "ExecSearchPath", "BindPaths",
	"LogNamespace", "MountAPIVFS", "Personality", "RuntimeDirectoryPreserve",
	"RuntimeDirectoryMode", "RuntimeDirectory", "StateDirectoryMode", "StateDirectory",
	"CacheDirectoryMode", "CacheDirectory", "LogsDirectoryMode", "LogsDirectory",
	"ConfigurationDirectoryMode", "ConfigurationDirectory", "SetCredential",
	"SetCredentialEncrypted", "LoadCredential", "LoadCredentialEncrypted", "TimeoutCleanSec",
	"UtmpIdentifier", "UtmpMode", "CPUAccounting", "MemoryAccounting", "IOAccounting",
	"BlockIOAccounting", "TasksAccounting", "IPAccounting",
	"OpenFile",
	"SetLoginEnvironment", "LogFilterPatterns", "BindLogSockets",
	"StateDirectoryAccounting", "CacheDirectoryAccounting", "LogsDirectoryAccounting",
	"ImportCredential", "MemoryKSM", "BPFDelegateCommands", "BPFDelegateMaps",
	"BPFDelegatePrograms", "BPFDelegateAttachments", "DelegateNamespaces",
	"MemoryZSwapWriteback", "DelegateSubgroup", "MemoryPressureThresholdSec",
	"MemoryPressureWatch", "CoredumpReceive",
};

static const char *const service_protects[] = {
	"RootDirectory", "RootImage", "RootHash", "RootHashSignature", "RootVerity",
	"CPUAffinity", "DynamicUser", "RemoveIPC", "SecureBits", "CapabilityBoundingSet",
	"AmbientCapabilities", "NoNewPrivileges", "KeyringMode", "ProtectProc", "ProcSubset",
	"SystemCallFilter", "SystemCallArchitectures", "SystemCallErrorNumber", "SystemCallLog",
	"MemoryDenyWriteExecute", "RestrictNamespaces", "RestrictRealtime", "RestrictSUIDSGID",
	"RestrictAddressFamilies", "LockPersonality", "RestrictFileSystems",
	"ReadWriteDirectories", "ReadOnlyDirectories", "InaccessibleDirectories",
	"ReadWritePaths", "ReadOnlyPaths", "InaccessiblePaths", "ExecPaths", "NoExecPaths",
	"BindReadOnlyPaths", "TemporaryFileSystem", "PrivateTmp", "PrivateDevices",
	"ProtectKernelTunables", "ProtectKernelModules", "ProtectKernelLogs", "ProtectClock",
	"ProtectControlGroups", "NetworkNamespacePath", "IPCNamespacePath", "PrivateNetwork",
	"PrivateUsers", "PrivateMounts", "PrivateIPC", "ProtectSystem", "ProtectHome",
	"MountFlags", "PAMName", "SELinuxContext", "AppArmorProfile", "SmackProcessLabel",
	"ProtectHostname", "Slice", "AllowedCPUs", "StartupAllowedCPUs", "AllowedMemoryNodes",
	"StartupAllowedMemoryNodes", "CPUWeight", "StartupCPUWeight", "CPUShares",
	"StartupCPUShares", "CPUQuota", "CPUQuotaPeriodSec", "MemoryMin", "DefaultMemoryMin",
	"DefaultMemoryLow", "MemoryLow", "MemoryHigh", "MemoryMax", "MemorySwapMax",
	"MemoryLimit", "DeviceAllow", "DevicePolicy", "IOWeight", "StartupIOWeight",
	"IODeviceWeight", "IOReadBandwidthMax", "IOWriteBandwidthMax", "IOReadIOPSMax",
	"IOWriteIOPSMax", "IODeviceLatencyTargetSec", "BlockIOWeight", "StartupBlockIOWeight",
	"BlockIODeviceWeight", "BlockIOReadBandwidth", "BlockIOWriteBandwidth", "TasksMax",
	"DisableControllers", "IPAddressAllow", "IPAddressDeny", "IPIngressFilterPath",
	"IPEgressFilterPath", "ManagedOOMSwap", "ManagedOOMMemoryPressure",
	"ManagedOOMMemoryPressureLimit", "ManagedOOMPreference", "BPFProgram", "SocketBindAllow",
	"SocketBindDeny", "RestrictNetworkInterfaces", "RootImagePolicy", "RootEphemeral",
	"ExtensionImagePolicy", "MountImagePolicy", "PrivatePIDs", "StateDirectoryQuota",
	"CacheDirectoryQuota", "LogsDirectoryQuota", "PrivateBPF", "DefaultStartupMemoryLow",
	"StartupMemoryLow", "StartupMemoryHigh", "StartupMemoryMax", "StartupMemorySwapMax",
	"MemoryZSwapMax", "StartupMemoryZSwapMax", "ManagedOOMMemoryPressureDurationSec",
	"NFTSet",
};

static const char *const service_removed[] = {
	"SysVStartPriority", "BusPolicy", "Capabilities", "NetClass",
};

/* clang-format on */

#define NAMES(array) (array), ARRAY_SIZE(array)

static const struct {
	const char *section;
	enum ignored kind;
	const char *const *names;
	size_t n_names;
} groups[] = {
	{ "Unit", IGNORED_OTHER, NAMES(unit_other) },
	{ "Unit", IGNORED_REMOVED, NAMES(unit_removed) },
	{ "Service", IGNORED_OTHER, NAMES(service_other) },
	{ "Service", IGNORED_PROTECTS, NAMES(service_protects) },
	{ "Service", IGNORED_REMOVED, NAMES(service_removed) },
};

enum ignored ignored_lookup(const char *section, const char *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
		if (!streq(groups[i].section, section))
			continue;
		for (size_t n = 0; n < groups[i].n_names; n++)
			if (streq(groups[i].names[n], key))
				return groups[i].kind;
	}
	return IGNORED_NOT_KNOWN;
}
