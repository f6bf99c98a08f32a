/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Capabilities, secure bits and no_new_privs: capabilities(7), "Transformation of capabilities during execve()". What stays
 * in the permitted set until then does not get past it.
 */
#include "core/privileges.h"

#include <errno.h>
#include <linux/securebits.h>
#include <sys/capability.h>
#include <sys/prctl.h>

#include "exec/child.h"

static const struct privileges *privileges_of(const struct child *c)
{
	static const struct privileges none = { .bounding = CAPABILITIES_ALL };

	return c->x->unit->privileges ? c->x->unit->privileges : &none;
}

/* A unit that says nothing of all this keeps what cgkilld has, at no cost. */
static bool keeps_all(const struct child *c)
{
	return c->x->command->privileged ||
	       (!c->x->unit->privileges && privileges_bounding(c->x->unit) == CAPABILITIES_ALL);
}

static void drop_bounding(const struct child *c, uint64_t keep)
{
	int error = 0;

	for (cap_value_t i = 0; i < cap_max_bits(); i++)
		if (!(keep >> i & 1) && cap_drop_bound(i) < 0 && cap_get_bound(i) == 1)
			error = EPERM;
	if (error != 0)
		child_protection_refused(c, STEP_CAPABILITIES, error, "CapabilityBoundingSet=");
}

/* An ambient capability must be permitted and inheritable; nothing else has to be inheritable, as systemd has it. */
static void set_inheritable(const struct child *c, uint64_t wanted)
{
	cap_t caps = cap_get_proc();
	cap_flag_value_t permitted;

	if (!caps)
		child_fail(c, STEP_CAPABILITIES, errno);
	(void)!cap_clear_flag(caps, CAP_INHERITABLE);
	for (cap_value_t i = 0; i < cap_max_bits(); i++)
		if ((wanted >> i & 1) && cap_get_bound(i) == 1 &&
		    cap_get_flag(caps, i, CAP_PERMITTED, &permitted) == 0 && permitted == CAP_SET)
			(void)!cap_set_flag(caps, CAP_INHERITABLE, 1, &i, CAP_SET);
	if (cap_set_proc(caps) < 0)
		child_fail(c, STEP_CAPABILITIES, errno);
	cap_free(caps);
}

void child_drop_capabilities(const struct child *c)
{
	const struct privileges *p = privileges_of(c);

	if (keeps_all(c))
		return;
	drop_bounding(c, privileges_bounding(c->x->unit));
	set_inheritable(c, p->ambient);
	/*
	 * Or setresuid() would take away what the next two functions need; execve ends it. Where it is locked they say what is
	 * missing.
	 */
	if (p->ambient != 0 || p->secure_bits != 0)
		(void)prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
}

/*
 * Not before setresuid(), which clears them. What the unit itself keeps out of its bounding set is left out without a word,
 * as systemd does; what the host does not have is named.
 */
void child_raise_ambient(const struct child *c)
{
	uint64_t wanted = privileges_of(c)->ambient & privileges_bounding(c->x->unit);

	if (keeps_all(c))
		return;
	if (cap_reset_ambient() < 0)
		child_fail(c, STEP_CAPABILITIES, errno);
	for (cap_value_t i = 0; wanted >> i; i++) {
		char what[64];

		if (!(wanted >> i & 1) || cap_set_ambient(i, CAP_SET) == 0)
			continue;
		snprintf(what, sizeof(what), "AmbientCapabilities=%s",
			 capability_name(i) ? capability_name(i) : "");
		child_warn(c, STEP_CAPABILITIES, errno, what);
	}
}

static void set_secure_bits(const struct child *c, unsigned bits)
{
	static const cap_value_t setpcap = CAP_SETPCAP;
	cap_t caps = cap_get_proc();

	if (!caps)
		child_fail(c, STEP_CAPABILITIES, errno);
	/* Permitted still, by PR_SET_KEEPCAPS, but no longer in effect. Where it is not, the bits are refused below. */
	(void)!cap_set_flag(caps, CAP_EFFECTIVE, 1, &setpcap, CAP_SET);
	(void)!cap_set_proc(caps);
	cap_free(caps);
	if (cap_set_secbits(bits) < 0)
		child_protection_refused(c, STEP_SECUREBITS, errno, "SecureBits=");
}

static bool has_sys_admin(void)
{
	cap_t caps = cap_get_proc();
	cap_flag_value_t effective = CAP_CLEAR;

	if (caps)
		(void)!cap_get_flag(caps, CAP_SYS_ADMIN, CAP_EFFECTIVE, &effective);
	cap_free(caps);
	return effective == CAP_SET;
}

/* seccomp(2): without CAP_SYS_ADMIN there is no filter unless no_new_privs is set; so systemd implies it, too. */
void child_lock_privileges(const struct child *c)
{
	const struct privileges *p = privileges_of(c);

	if (c->x->command->privileged)
		return;
	if (p->secure_bits != 0)
		set_secure_bits(c, (unsigned)p->secure_bits);
	if ((p->no_new_privileges || (child_is_filtered(c) && !has_sys_admin())) &&
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		child_protection_refused(c, STEP_NO_NEW_PRIVILEGES, errno, "NoNewPrivileges=");
}
