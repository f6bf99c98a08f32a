/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/ignored.h"

#include "util/macro.h"

/* In the order of "systemd --dump-configuration-items" (252), then what later versions added. */
/* clang-format off */
static const char *const unit_other[] = {
	"SourcePath",
	"JoinsNamespaceOf", "RequiresOverridable",
	"RequisiteOverridable", "StopWhenUnneeded",
	"AllowIsolate", "OnSuccessJobMode",
	"OnFailureJobMode", "OnFailureIsolate", "IgnoreOnIsolate", "JobTimeoutSec",
	"JobRunningTimeoutSec", "JobTimeoutAction", "JobTimeoutRebootArgument",
	"FailureActionExitStatus",
	"SuccessActionExitStatus", "RebootArgument", "ConditionPathIsEncrypted",
	"ConditionMemoryPressure",
	"ConditionCPUPressure", "ConditionIOPressure", "AssertPathIsEncrypted",
	"AssertMemoryPressure", "AssertCPUPressure", "AssertIOPressure",
	"CollectMode", "SurviveFinalKillSignal", "ConditionVersion",
	"AssertVersion",
};

/* There are no units of mounts: what is to be there has been mounted by whoever has started us. */
static const char *const unit_settled[] = {
	"RequiresMountsFor", "WantsMountsFor",
};

static const char *const unit_removed[] = {
	"IgnoreOnSnapshot",
};

static const char *const service_other[] = {
	"RebootArgument", "RootDirectoryStartOnly",
	"USBFunctionDescriptors", "USBFunctionStrings", "RootImageOptions",
	"ExtensionDirectories", "ExtensionImages", "MountImages", "TTYPath", "TTYReset", "TTYVHangup",
	"TTYVTDisallocate", "TTYRows", "TTYColumns", "LogLevelMax", "LogRateLimitIntervalSec",
	"LogRateLimitBurst", "LogExtraFields", "ExecSearchPath",
	"LogNamespace", "MountAPIVFS", "TimeoutCleanSec",
	"UtmpIdentifier", "UtmpMode", "CPUAccounting", "MemoryAccounting", "IOAccounting",
	"BlockIOAccounting", "TasksAccounting", "IPAccounting",
	"OpenFile",
	"SetLoginEnvironment", "LogFilterPatterns", "BindLogSockets",
	"StateDirectoryAccounting", "CacheDirectoryAccounting", "LogsDirectoryAccounting",
	"ImportCredential", "MemoryKSM", "BPFDelegateCommands", "BPFDelegateMaps",
	"BPFDelegatePrograms", "BPFDelegateAttachments", "DelegateNamespaces",
	"MemoryZSwapWriteback", "MemoryPressureThresholdSec",
	"MemoryPressureWatch", "CoredumpReceive",
};

static const char *const service_protects[] = {
	"RootImage", "RootHash", "RootHashSignature", "RootVerity",
	"RemoveIPC", "KeyringMode",
	"RestrictFileSystems",
	"SELinuxContext", "AppArmorProfile", "SmackProcessLabel",
	"StartupAllowedCPUs", "StartupAllowedMemoryNodes", "StartupCPUWeight",
	"StartupCPUShares", "DefaultMemoryMin", "DefaultMemoryLow", "DeviceAllow",
	"DevicePolicy", "StartupIOWeight", "IODeviceLatencyTargetSec",
	"StartupBlockIOWeight", "BlockIODeviceWeight", "DisableControllers", "IPAddressAllow", "IPAddressDeny", "IPIngressFilterPath",
	"IPEgressFilterPath", "ManagedOOMSwap", "ManagedOOMMemoryPressure",
	"ManagedOOMMemoryPressureLimit", "ManagedOOMPreference", "BPFProgram", "SocketBindAllow",
	"SocketBindDeny", "RestrictNetworkInterfaces", "RootImagePolicy", "RootEphemeral",
	"ExtensionImagePolicy", "MountImagePolicy", "PrivatePIDs", "StateDirectoryQuota",
	"CacheDirectoryQuota", "LogsDirectoryQuota", "PrivateBPF", "DefaultStartupMemoryLow",
	"StartupMemoryLow", "StartupMemoryHigh", "StartupMemoryMax", "StartupMemorySwapMax",
	"StartupMemoryZSwapMax", "ManagedOOMMemoryPressureDurationSec",
	"NFTSet",
};

/* Beside what [Service] has, too, and what commands of sockets are known by there: core/directive.c. */
static const char *const socket_other[] = {
	"ListenMessageQueue", "ListenUSBFunction", "SocketProtocol",
	"FlushPending", "MaxConnectionsPerSource", "PassPacketInfo", "PassFileDescriptorsToExec", "AcceptFileDescriptors", "PassPIDFD", "Timestamping",
	"TCPCongestion", "PipeSize", "MessageQueueMaxMessages", "MessageQueueMessageSize",
	"PollLimitIntervalSec", "PollLimitBurst", "DeferTrigger", "DeferTriggerMaxSec", "SmackLabel",
	"SmackLabelIPIn", "SmackLabelIPOut", "SELinuxContextFromNet", "XAttrListen", "XAttrAccept",
	"XAttrEntryPoint",
};

/* [Slice] has the same resource directives as [Service]. */
static const char *const slice_other[] = {
	"CPUAccounting", "MemoryAccounting", "IOAccounting", "BlockIOAccounting", "TasksAccounting",
	"IPAccounting", "MemoryPressureThresholdSec", "MemoryPressureWatch", "MemoryZSwapWriteback",
	"ConcurrencyHardMax", "ConcurrencySoftMax",
};

static const char *const slice_protects[] = {
	"StartupAllowedCPUs", "StartupAllowedMemoryNodes", "StartupCPUWeight", "StartupCPUShares",
	"DefaultMemoryMin", "DefaultMemoryLow", "DeviceAllow", "DevicePolicy", "StartupIOWeight",
	"IODeviceLatencyTargetSec", "StartupBlockIOWeight", "BlockIODeviceWeight", "DisableControllers",
	"IPAddressAllow", "IPAddressDeny", "IPIngressFilterPath", "IPEgressFilterPath", "ManagedOOMSwap",
	"ManagedOOMMemoryPressure", "ManagedOOMMemoryPressureLimit", "ManagedOOMPreference", "BPFProgram",
	"SocketBindAllow", "SocketBindDeny", "RestrictNetworkInterfaces", "StartupMemoryLow",
	"StartupMemoryHigh", "StartupMemoryMax", "StartupMemorySwapMax", "StartupMemoryZSwapMax",
	"DefaultStartupMemoryLow", "ManagedOOMMemoryPressureDurationSec", "NFTSet",
};

static const char *const service_session[] = {
	"PAMName",
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
	{ "Unit", IGNORED_SETTLED, NAMES(unit_settled) },
	{ "Unit", IGNORED_REMOVED, NAMES(unit_removed) },
	{ "Service", IGNORED_OTHER, NAMES(service_other) },
	{ "Service", IGNORED_PROTECTS, NAMES(service_protects) },
	{ "Service", IGNORED_SESSION, NAMES(service_session) },
	{ "Service", IGNORED_REMOVED, NAMES(service_removed) },
	{ "Slice", IGNORED_OTHER, NAMES(slice_other) },
	{ "Socket", IGNORED_OTHER, NAMES(socket_other) },
	{ "Slice", IGNORED_PROTECTS, NAMES(slice_protects) },
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
