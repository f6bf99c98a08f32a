/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The seccomp filters of a service, on all architectures that the host can run. All that refuses single system calls, or
 * single arguments of them, is one filter, for these directives never meet in the same call; SystemCallLog= and
 * SystemCallFilter=, which overlap with it, have their own.
 */
#include "core/filter.h"

#include <errno.h>

#include "core/sandbox.h"
#include "exec/child.h"

#ifdef HAVE_SECCOMP
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#endif

enum restriction {
	RESTRICT_ADDRESS_FAMILIES,
	RESTRICT_WRITE_EXECUTE,
	RESTRICT_REALTIME,
	RESTRICT_SUID_SGID,
	RESTRICT_NAMESPACES,
	RESTRICT_KERNEL_TUNABLES,
	RESTRICT_KERNEL_MODULES,
	RESTRICT_KERNEL_LOGS,
	RESTRICT_CLOCK,
	RESTRICT_RAW_IO,
	RESTRICT_HOSTNAME,
	RESTRICT_ARCHITECTURES,
	RESTRICT_PERSONALITY,
	RESTRICTION_MAX,
};

static const struct {
	const char *directive;
	enum exec_step step;
} restrictions[RESTRICTION_MAX] = {
	[RESTRICT_ADDRESS_FAMILIES] = { "RestrictAddressFamilies=", STEP_ADDRESS_FAMILIES },
	[RESTRICT_WRITE_EXECUTE] = { "MemoryDenyWriteExecute=", STEP_SECCOMP },
	[RESTRICT_REALTIME] = { "RestrictRealtime=", STEP_SECCOMP },
	[RESTRICT_SUID_SGID] = { "RestrictSUIDSGID=", STEP_SECCOMP },
	[RESTRICT_NAMESPACES] = { "RestrictNamespaces=", STEP_SECCOMP },
	[RESTRICT_KERNEL_TUNABLES] = { "ProtectKernelTunables=", STEP_SECCOMP },
	[RESTRICT_KERNEL_MODULES] = { "ProtectKernelModules=", STEP_SECCOMP },
	[RESTRICT_KERNEL_LOGS] = { "ProtectKernelLogs=", STEP_SECCOMP },
	[RESTRICT_CLOCK] = { "ProtectClock=", STEP_SECCOMP },
	[RESTRICT_RAW_IO] = { "PrivateDevices=", STEP_SECCOMP },
	[RESTRICT_HOSTNAME] = { "ProtectHostname=", STEP_SECCOMP },
	[RESTRICT_ARCHITECTURES] = { "SystemCallArchitectures=", STEP_SECCOMP },
	[RESTRICT_PERSONALITY] = { "LockPersonality=", STEP_SECCOMP },
};

static const struct filter *filter_of(const struct child *c)
{
	static const struct filter none = { .error = SYSCALL_KILL, .namespaces = NAMESPACES_UNSET };

	return c->x->unit->filter ? c->x->unit->filter : &none;
}

static bool is_wanted(const struct child *c, enum restriction r)
{
	const struct sandbox *s = c->x->unit->sandbox;
	const struct filter *f = filter_of(c);

	switch (r) {
	case RESTRICT_ADDRESS_FAMILIES:
		return f->families.allow || f->families.families != 0;
	case RESTRICT_WRITE_EXECUTE:
		return f->memory_deny_write_execute;
	case RESTRICT_REALTIME:
		return f->restrict_realtime;
	case RESTRICT_SUID_SGID:
		return f->restrict_suid_sgid;
	case RESTRICT_NAMESPACES:
		return f->namespaces != NAMESPACES_UNSET && f->namespaces != namespaces_all;
	case RESTRICT_ARCHITECTURES:
		return f->architectures != 0;
	case RESTRICT_PERSONALITY:
		return f->lock_personality;
	case RESTRICT_KERNEL_TUNABLES:
		return s && s->protect_kernel_tunables;
	case RESTRICT_KERNEL_MODULES:
		return s && s->protect_kernel_modules;
	case RESTRICT_KERNEL_LOGS:
		return s && s->protect_kernel_logs;
	case RESTRICT_CLOCK:
		return s && s->protect_clock;
	case RESTRICT_RAW_IO:
		return s && s->private_devices;
	case RESTRICT_HOSTNAME:
		return s && s->protect_hostname;
	case RESTRICTION_MAX:
		break;
	}
	return false;
}

static bool is_restricted(const struct child *c)
{
	for (enum restriction r = 0; r < RESTRICTION_MAX; r++)
		if (is_wanted(c, r))
			return true;
	return false;
}

bool child_is_filtered(const struct child *c)
{
	const struct filter *f = filter_of(c);

	return !c->x->command->privileged &&
	       (is_restricted(c) || syscall_list_matters(f->calls) || syscall_list_matters(f->log));
}

/* why: behind the names of the directives. */
static void refuse(const struct child *c, enum exec_step step, int error, const char *directive,
		   const char *why)
{
	char what[64];

	snprintf(what, sizeof(what), "%s%s", directive, why);
	child_protection_refused(c, step, error, what);
}

static void refuse_restrictions(const struct child *c, int error, const char *why)
{
	for (enum restriction which = 0; which < RESTRICTION_MAX; which++)
		if (is_wanted(c, which))
			refuse(c, restrictions[which].step, error, restrictions[which].directive, why);
}

#ifdef HAVE_SECCOMP

/* ---- rules ---- */

/* What an architecture does not have needs no rule. */
static int add_rule(scmp_filter_ctx ctx, uint32_t action, int call, unsigned n,
		    const struct scmp_arg_cmp *args)
{
	int r = seccomp_rule_add_exact_array(ctx, action, call, n, args);

	return r == -EDOM ? 0 : r;
}

static int deny(scmp_filter_ctx ctx, int error, int call)
{
	return add_rule(ctx, SCMP_ACT_ERRNO((uint32_t)error), call, 0, NULL);
}

static int deny_if(scmp_filter_ctx ctx, int error, int call, struct scmp_arg_cmp arg)
{
	return add_rule(ctx, SCMP_ACT_ERRNO((uint32_t)error), call, 1, &arg);
}

/* The kernel takes an int: the upper half of the register must not matter. */
static struct scmp_arg_cmp int_equals(unsigned arg, uint32_t value)
{
	return SCMP_CMP(arg, SCMP_CMP_MASKED_EQ, UINT32_MAX, value);
}

static struct scmp_arg_cmp compare(unsigned arg, enum scmp_compare op, uint64_t value)
{
	return SCMP_CMP(arg, op, value, 0);
}

static struct scmp_arg_cmp has_bits(unsigned arg, uint64_t bits)
{
	return SCMP_CMP(arg, SCMP_CMP_MASKED_EQ, bits, bits);
}

/* Where socket() is one of the many things that socketcall() does, its arguments are in memory, where no filter sees them. */
static bool has_socketcall(uint32_t arch)
{
	switch (arch) {
	case SCMP_ARCH_X86_64:
	case SCMP_ARCH_X32:
	case SCMP_ARCH_ARM:
	case SCMP_ARCH_AARCH64:
	case SCMP_ARCH_RISCV64:
	case SCMP_ARCH_MIPS64:
	case SCMP_ARCH_MIPS64N32:
	case SCMP_ARCH_MIPSEL64:
	case SCMP_ARCH_MIPSEL64N32:
		return false;
	default:
		return true;
	}
}

static int add_address_families(scmp_filter_ctx ctx, uint32_t arch, const struct child *c)
{
	const struct family_list *list = &filter_of(c)->families;
	int last = 63, r = 0;

	if (has_socketcall(arch))
		return 0;
	if (list->allow && list->families == 0)
		return deny(ctx, EAFNOSUPPORT, SCMP_SYS(socket));
	if (list->allow) {
		last = 63 - __builtin_clzll(list->families);
		r = deny_if(ctx, EAFNOSUPPORT, SCMP_SYS(socket),
			    compare(0, SCMP_CMP_GT, (uint64_t)last));
	}
	for (int family = 0; family <= last && r == 0; family++)
		if ((list->families >> family & 1) != list->allow)
			r = deny_if(ctx, EAFNOSUPPORT, SCMP_SYS(socket),
				    int_equals(0, (uint32_t)family));
	return r;
}

/* mmap() of these two takes its arguments from memory; their libraries use mmap2(). shmat() is one of many in ipc(). */
static int add_write_execute(scmp_filter_ctx ctx, uint32_t arch, const struct child *c unused)
{
	bool has_ipc = has_socketcall(arch);
	int r = deny_if(ctx, EPERM, SCMP_SYS(mmap2), has_bits(2, PROT_EXEC | PROT_WRITE));

	if (r == 0 && (arch == SCMP_ARCH_X86 || arch == SCMP_ARCH_S390))
		r = deny(ctx, EPERM, SCMP_SYS(mmap));
	else if (r == 0)
		r = deny_if(ctx, EPERM, SCMP_SYS(mmap), has_bits(2, PROT_EXEC | PROT_WRITE));
	if (r == 0)
		r = deny_if(ctx, EPERM, SCMP_SYS(mprotect), has_bits(2, PROT_EXEC));
	if (r == 0)
		r = deny_if(ctx, EPERM, SCMP_SYS(pkey_mprotect), has_bits(2, PROT_EXEC));
	if (r == 0 && !has_ipc)
		r = deny_if(ctx, EPERM, SCMP_SYS(shmat), has_bits(2, SHM_EXEC));
	return r;
}

static int add_realtime(scmp_filter_ctx ctx, uint32_t arch unused, const struct child *c unused)
{
	int r = deny_if(ctx, EPERM, SCMP_SYS(sched_setscheduler), compare(1, SCMP_CMP_GT, SCHED_IDLE));

	for (int policy = 0; policy < SCHED_IDLE && r == 0; policy++)
		if (policy != SCHED_OTHER && policy != SCHED_BATCH)
			r = deny_if(ctx, EPERM, SCMP_SYS(sched_setscheduler),
				    int_equals(1, (uint32_t)policy));
	return r;
}

/* What makes files, or changes their mode, and where its mode is; what opens files counts when it makes them. */
static int add_mode_bit(scmp_filter_ctx ctx, uint64_t bit)
{
	static const struct {
		int call;
		unsigned mode, flags; /* the arguments; flags 0: there are none */
	} calls[] = {
		{ SCMP_SYS(chmod), 1, 0 },    { SCMP_SYS(fchmod), 1, 0 },
		{ SCMP_SYS(fchmodat), 2, 0 }, { SCMP_SYS(mkdir), 1, 0 },
		{ SCMP_SYS(mkdirat), 2, 0 },  { SCMP_SYS(mknod), 1, 0 },
		{ SCMP_SYS(mknodat), 2, 0 },  { SCMP_SYS(creat), 1, 0 },
		{ SCMP_SYS(open), 2, 1 },     { SCMP_SYS(openat), 3, 2 },
	};
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(calls) && r == 0; i++) {
		struct scmp_arg_cmp args[] = { has_bits(calls[i].mode, bit),
					       has_bits(calls[i].flags, O_CREAT) };

		r = add_rule(ctx, SCMP_ACT_ERRNO(EPERM), calls[i].call, calls[i].flags ? 2 : 1, args);
	}
	return r;
}

/* Linux 6.6; the headers here may be older, or libseccomp, which then knows its number only where it need not translate it. */
static int add_fchmodat2(scmp_filter_ctx ctx, uint32_t arch)
{
	int call = seccomp_syscall_resolve_name("fchmodat2"), r;

	if (call == __NR_SCMP_ERROR)
		return arch == seccomp_arch_native() ? deny(ctx, ENOSYS, 452) : 0;
	r = deny_if(ctx, EPERM, call, has_bits(2, S_ISUID));
	return r < 0 ? r : deny_if(ctx, EPERM, call, has_bits(2, S_ISGID));
}

/* openat2() has its mode in memory: it is not there, and libraries fall back to openat(). */
static int add_suid_sgid(scmp_filter_ctx ctx, uint32_t arch, const struct child *c unused)
{
	int r = add_mode_bit(ctx, S_ISUID);

	if (r == 0)
		r = add_mode_bit(ctx, S_ISGID);
	if (r == 0)
		r = deny(ctx, ENOSYS, SCMP_SYS(openat2));
	return r < 0 ? r : add_fchmodat2(ctx, arch);
}

/* clone3() has its flags in memory: it is not there, and libraries fall back to clone(). setns(fd, 0) joins any kind. */
static int add_namespaces(scmp_filter_ctx ctx, uint32_t arch, const struct child *c)
{
	unsigned clone_flags =
		arch == SCMP_ARCH_S390 || arch == SCMP_ARCH_S390X ? 1 : 0; /* clone(2), BUGS */
	uint32_t denied = (uint32_t)(namespaces_all & ~filter_of(c)->namespaces);
	int r = deny(ctx, ENOSYS, SCMP_SYS(clone3));

	if (r == 0 && denied == (uint32_t)namespaces_all)
		r = deny(ctx, EPERM, SCMP_SYS(setns));
	else if (r == 0)
		r = deny_if(ctx, EPERM, SCMP_SYS(setns), int_equals(1, 0));
	for (uint32_t bit = 1; bit != 0 && r == 0; bit <<= 1) {
		if (!(denied & bit))
			continue;
		r = deny_if(ctx, EPERM, SCMP_SYS(unshare), has_bits(0, bit));
		if (r == 0)
			r = deny_if(ctx, EPERM, SCMP_SYS(clone), has_bits(clone_flags, bit));
		if (r == 0 && denied != (uint32_t)namespaces_all)
			r = deny_if(ctx, EPERM, SCMP_SYS(setns), has_bits(1, bit));
	}
	return r;
}

/* The one that it has now, that is Personality= or cgkilld's own. */
static int add_personality(scmp_filter_ctx ctx, uint32_t arch unused, const struct child *c unused)
{
	int now = personality(0xffffffff);

	if (now < 0)
		return -errno;
	return deny_if(ctx, EPERM, SCMP_SYS(personality), compare(0, SCMP_CMP_NE, (uint64_t)now));
}

/* Each listed call gets the action that its list, and itself, have for it; the others get what the filter has by default. */
static int add_list(scmp_filter_ctx ctx, const struct syscall_list *list, uint32_t action)
{
	int r = 0;

	for (size_t i = 0; i < SYSCALL_COUNT && r == 0; i++) {
		int own = list->action[i], call;

		if (own == SYSCALL_UNLISTED)
			continue;
		call = seccomp_syscall_resolve_name(syscall_name(i));
		if (call == __NR_SCMP_ERROR)
			continue;
		r = add_rule(ctx,
			     own == SYSCALL_LISTED ? action
			     : own == SYSCALL_KILL ? SCMP_ACT_KILL_PROCESS
						   : SCMP_ACT_ERRNO((uint32_t)own),
			     call, 0, NULL);
	}
	return r;
}

static const struct {
	int (*add)(scmp_filter_ctx ctx, uint32_t arch, const struct child *c);
	const char *calls[2]; /* … or these are not permitted */
} rules[RESTRICTION_MAX] = {
	[RESTRICT_ADDRESS_FAMILIES] = { add_address_families, {} },
	[RESTRICT_WRITE_EXECUTE] = { add_write_execute, {} },
	[RESTRICT_REALTIME] = { add_realtime, {} },
	[RESTRICT_SUID_SGID] = { add_suid_sgid, {} },
	[RESTRICT_NAMESPACES] = { add_namespaces, {} },
	[RESTRICT_KERNEL_TUNABLES] = { NULL, { "_sysctl" } },
	[RESTRICT_KERNEL_MODULES] = { NULL, { "@module" } },
	[RESTRICT_KERNEL_LOGS] = { NULL, { "syslog" } },
	[RESTRICT_CLOCK] = { NULL, { "@clock" } },
	[RESTRICT_RAW_IO] = { NULL, { "@raw-io" } },
	[RESTRICT_HOSTNAME] = { NULL, { "sethostname", "setdomainname" } },
	[RESTRICT_PERSONALITY] = { add_personality, {} },
};

static int add_restriction(scmp_filter_ctx ctx, uint32_t arch, const struct child *c,
			   enum restriction which)
{
	cleanup_free struct syscall_list *list = NULL;
	int r = 0;

	if (rules[which].add)
		return rules[which].add(ctx, arch, c);
	list = syscall_list_new(false);
	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < ARRAY_SIZE(rules[which].calls) && rules[which].calls[i] && r == 0; i++)
		r = syscall_list_apply(list, rules[which].calls[i], true, SYSCALL_LISTED);
	return r < 0 ? r : add_list(ctx, list, SCMP_ACT_ERRNO(EPERM));
}

/* ---- filters ---- */

/* What the kernel of a host runs next to its own. */
static const struct {
	uint32_t native, arch;
	const char *name; /* as SystemCallArchitectures= has it */
} relatives[] = {
	{ SCMP_ARCH_X86_64, SCMP_ARCH_X86, "x86" },
	{ SCMP_ARCH_X86_64, SCMP_ARCH_X32, "x32" },
	{ SCMP_ARCH_AARCH64, SCMP_ARCH_ARM, "arm" },
	{ SCMP_ARCH_MIPS64, SCMP_ARCH_MIPS, "mips" },
	{ SCMP_ARCH_MIPS64, SCMP_ARCH_MIPS64N32, "mips64-n32" },
	{ SCMP_ARCH_MIPSEL64, SCMP_ARCH_MIPSEL, "mips-le" },
	{ SCMP_ARCH_MIPSEL64, SCMP_ARCH_MIPSEL64N32, "mips64-le-n32" },
	{ SCMP_ARCH_S390X, SCMP_ARCH_S390, "s390" },
};

/* The kinds of filters. Its result < 0 is what is wrong with that which cannot be told by itself. */
struct recipe {
	uint32_t by_default;
	uint32_t elsewhere; /* on architectures that are not wanted, or not known */
	bool each;	    /* a filter for each architecture */
	int (*fill)(scmp_filter_ctx ctx, uint32_t arch, const struct child *c);
};

static int fill_restrictions(scmp_filter_ctx ctx, uint32_t arch, const struct child *c)
{
	for (enum restriction which = 0; which < RESTRICTION_MAX; which++) {
		int r = is_wanted(c, which) ? add_restriction(ctx, arch, c, which) : 0;

		if (r < 0)
			child_protection_refused(c, restrictions[which].step, r,
						 restrictions[which].directive);
	}
	return 0;
}

static int fill_log(scmp_filter_ctx ctx, uint32_t arch unused, const struct child *c)
{
	const struct syscall_list *list = filter_of(c)->log;

	return add_list(ctx, list, list->allow ? SCMP_ACT_LOG : SCMP_ACT_ALLOW);
}

static uint32_t refusal(const struct child *c)
{
	int error = filter_of(c)->error;

	return error == SYSCALL_KILL ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_ERRNO((uint32_t)error);
}

static int fill_calls(scmp_filter_ctx ctx, uint32_t arch unused, const struct child *c)
{
	const struct syscall_list *list = filter_of(c)->calls;

	return add_list(ctx, list, list->allow ? SCMP_ACT_ALLOW : refusal(c));
}

/* A filter for one architecture. no_new_privs is not its business. */
static int make_one(const struct child *c, const struct recipe *recipe, uint32_t arch,
		    scmp_filter_ctx *out)
{
	scmp_filter_ctx ctx = seccomp_init(recipe->by_default);
	int r = 0;

	if (!ctx)
		return -ENOMEM;
	if (arch != seccomp_arch_native()) {
		r = seccomp_arch_remove(ctx, SCMP_ARCH_NATIVE);
		if (r == 0)
			r = seccomp_arch_add(ctx, arch);
	}
	if (r == 0)
		r = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, recipe->elsewhere);
	if (r == 0)
		r = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_NNP, 0);
	if (r == 0)
		r = seccomp_attr_set(ctx, SCMP_FLTATR_API_SYSRAWRC, 1);
	if (r == 0)
		r = recipe->fill(ctx, arch, c);
	if (r < 0)
		seccomp_release(ctx);
	else
		*out = ctx;
	return r;
}

/* Of all that the unit wants; the native one last, behind whose filter the system call to load another may be forbidden. */
static size_t list_architectures(const struct child *c, uint32_t out[static 1 + ARRAY_SIZE(relatives)])
{
	uint32_t wanted = filter_of(c)->architectures;
	uint32_t native = seccomp_arch_native();
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(relatives); i++)
		if (relatives[i].native == native &&
		    (wanted == 0 || wanted >> architecture_find(relatives[i].name) & 1))
			out[n++] = relatives[i].arch;
	out[n++] = native;
	return n;
}

/*
 * As one filter; or, where it is a long list, as one for each architecture, as systemd does: libseccomp takes half as long
 * again to put them together, and Linux has the answers to plain lists in a bitmap (5.11).
 */
static int load(const struct child *c, const struct recipe *recipe)
{
	uint32_t archs[1 + ARRAY_SIZE(relatives)];
	size_t n = list_architectures(c, archs);
	scmp_filter_ctx all = NULL;
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		scmp_filter_ctx one = NULL;

		r = make_one(c, recipe, archs[i], &one);
		if (r == 0 && all) {
			r = seccomp_merge(all, one);
			if (r < 0)
				seccomp_release(one);
		} else if (r == 0) {
			all = one;
		}
		if (r == 0 && (recipe->each || i == n - 1)) {
			r = seccomp_load(all);
			seccomp_release(all);
			all = NULL;
		}
	}
	seccomp_release(all);
	return r;
}

static void load_restrictions(const struct child *c)
{
	const struct recipe recipe = {
		SCMP_ACT_ALLOW,
		filter_of(c)->architectures != 0 ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_ALLOW,
		false,
		fill_restrictions,
	};
	int r = load(c, &recipe);

	if (r < 0)
		refuse_restrictions(c, r, "");
}

/* As systemd does: sched_setattr(2), too, has its arguments in memory, and the limit stops it for all but the privileged. */
static void forbid_realtime_limit(const struct child *c)
{
	const struct limit *limits = c->x->unit->limits;

	if (!(limits && limits[RLIMIT_RTPRIO].set) &&
	    setrlimit(RLIMIT_RTPRIO, &(struct rlimit){ 0, 0 }) < 0)
		child_fail(c, STEP_LIMITS, errno);
}

void child_load_filter(const struct child *c)
{
	const struct filter *f = filter_of(c);
	int r = 0;

	if (!child_is_filtered(c))
		return;
	if (f->restrict_realtime)
		forbid_realtime_limit(c);
	if (is_restricted(c))
		load_restrictions(c);
	if (f->log && syscall_list_matters(f->log))
		r = load(c, &(struct recipe){ f->log->allow ? SCMP_ACT_ALLOW : SCMP_ACT_LOG,
					      SCMP_ACT_ALLOW, true, fill_log });
	if (r < 0)
		child_warn(c, STEP_SECCOMP, r, "SystemCallLog=");
	if (!f->calls || !syscall_list_matters(f->calls))
		return;
	r = load(c, &(struct recipe){ f->calls->allow ? refusal(c) : SCMP_ACT_ALLOW, SCMP_ACT_ALLOW,
				      true, fill_calls });
	if (r < 0)
		child_protection_refused(c, STEP_SECCOMP, r, "SystemCallFilter=");
}

#else

void child_load_filter(const struct child *c)
{
	static const char why[] = " (built without libseccomp)";
	const struct filter *f = filter_of(c);

	if (!child_is_filtered(c))
		return;
	refuse_restrictions(c, EOPNOTSUPP, why);
	if (f->log && syscall_list_matters(f->log))
		child_warn(c, STEP_SECCOMP, EOPNOTSUPP, "SystemCallLog= (built without libseccomp)");
	if (syscall_list_matters(f->calls))
		refuse(c, STEP_SECCOMP, EOPNOTSUPP, "SystemCallFilter=", why);
}

#endif
