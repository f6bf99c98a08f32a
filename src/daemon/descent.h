/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Who descends from whom, wherever it lives by now: the child of a known process is known. Learned
 * from the kernel's process events (sys/procevents.h), which are listened to only while somebody
 * wants to know.
 *
 * A process is known by number and identity. A number alone would do while no event is lost: that it
 * is born again is an event. The identity is for what is looked at in between, and after a loss.
 */
#include <stdint.h>

#include "daemon/loop.h"
#include "util/list.h"

/* So many of one lineage are known at most, those included that have ended since they were last looked at. */
#define LINEAGE_MAX 4096

struct lineage;

struct descendant {
	pid_t pid;	   /* 0 = a free place */
	uint64_t identity; /* 0 = it had ended when it was looked at; its children may still be told */
	struct lineage *of; /* NULL = forgotten */
	bool added;	    /* by descent_add(): its birth may still be told */
	bool certain; /* the identity is that of the descendant, not of a later owner of its number */
	bool fresh;   /* to be looked at: it was born, or has executed a program */
	bool ended;   /* … when it was last looked at; to be forgotten */
	bool told;    /* the owner's: that it has left */
};

/* Embedded in its owner; zero-initialised but for the functions. */
struct lineage {
	struct list link;
	size_t n;      /* known */
	size_t births; /* ever made known */
	/* It was born, or has executed a program. */
	void (*look)(struct lineage *l, struct descendant *d);
	/* From now on processes may descend from it that are not known: a clause for a person. */
	void (*incomplete)(struct lineage *l, const char *why);
	/* Events were lost: who is known to belong to it by other means is to be added again. */
	void (*lost)(struct lineage *l);
};

struct descent; /* NULL = nobody has asked */

/* 0, also where there are no events: then the lineage was told that it is incomplete. -ENOMEM. */
int descent_join(struct descent **d, struct loop *loop, struct lineage *l) must_check;
/* Forgets all of it; the last one turns the light off. */
void descent_leave(struct descent **d, struct lineage *l);

/* pidfd is borrowed, and proves that pid is still this process. */
void descent_add(struct descent *d, struct lineage *l, int pidfd, pid_t pid);
/* Takes in all events that there are. What is known now was so a moment ago. */
void descent_catch_up(struct descent *d);

/* Calls fn for each that may be alive and is certain. */
void descent_each(struct descent *d, struct lineage *l,
		  void (*fn)(struct lineage *l, struct descendant *d, void *arg), void *arg);
/* Forgets those that have ended; the number of the others. */
size_t descent_prune(struct descent *d, struct lineage *l);
/* A descriptor for exactly this process, while it has not ended, else -ESRCH; the caller closes it. */
int descendant_open(const struct descendant *known) must_check;
