/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The whole of one cgkilld: its subtree, its services by name, what they share.
 */
#include <sys/resource.h>

#include "core/load.h"
#include "core/logging.h"
#include "core/service.h"
#include "daemon/loop.h"
#include "daemon/server.h"
#include "daemon/store.h"
#include "sys/cgroup.h"
#include "sys/hierarchy.h"
#include "sys/spawn.h"
#include "util/list.h"

struct boot;
struct deathwatch;
struct descent;
struct guard_link;
struct init;
struct logs;
struct pid_files;
struct reexec;
struct removals;
struct scheduler;
struct shutdown;
struct slicekill;
struct supervised;
struct trail_event;

struct manager {
	struct loop *loop;
	struct server *server;
	int listen_fd; /* its socket, when an earlier program has handed it over; 0 = none */

	struct hierarchy hierarchy;
	struct cg root; /* our subtree */
	int root_lock_fd;
	char *root_name; /* the directory that we made, to be removed at the end; NULL = it was there */
	struct cg root_parent;
	const struct cg *given; /* root or root_parent, when we live in its leaf: daemon/leaf.h; else NULL */
	enum spawn_method spawn_method;
	struct store store;
	struct guard_link *guard; /* NULL = none */
	struct deathwatch *deathwatch; /* for the ends of those that were taken over; NULL = not needed */
	struct pid_files *pid_files; /* of main processes, that are waited for; NULL = none yet */
	struct removals *removals;   /* daemon/removals.h */
	struct descent *descent;     /* of services with an EscapePolicy=; NULL = there is none */
	bool strict;		     /* a start fails where what protects does not work */
	bool birth_marks;	     /* they work here: sys/birth.h */
	bool oom_told;		     /* oom_is_told() of our root, at the start and each reload */

	char **argv;	       /* our own command line */
	char *program;	       /* the path that we were started from; NULL = not known */
	int lock_fd;	       /* of the runtime directory */
	struct reexec *reexec; /* NULL = none is under way */
	bool reexec_due;       /* the loop was ended to become another program */

	char **unit_path;
	/* those parts of it: sys/unitdir.h */
	char **own_unit_path, **admin_unit_path;
	char *runtime_dir;	    /* sockets */
	char *log_dir;		    /* output of services */
	enum log_target log_target; /* … if it is for the journal */
	struct logs *logs;	    /* … and who writes it */
	struct rlimit no_file; /* for services: as it was before we raised ours; nice likewise */
	int nice;
	struct host_facts host;

	struct scheduler *scheduler;
	struct list services;
	struct list slices;	     /* those that have a cgroup */
	struct list sockets;	     /* what socket units have open: daemon/sockets.h */
	struct slicekill *slicekill; /* NULL = never needed yet */
	struct list monitors;
	size_t live;		   /* services that have not ended */
	struct boot *boot;	   /* NULL = nothing is to be started */
	struct init *init;	   /* NULL = without --init */
	char *const *command;	   /* what it runs as INIT_COMMAND_UNIT; NULL = none */
	mode_t umask;		   /* … with that */
	struct shutdown *shutdown; /* NULL = none is under way */
	usec_t shutdown_budget;	   /* of a SIGTERM; USEC_INFINITY = none */

	/* where we and PID 1 live, read at most once a batch of events: see manager_guard() */
	char *own_path, *init_path;
	usec_t guard_read_at;
};

/* The service of a valid unit name; loads its unit if it is not known yet. NULL without memory. */
struct supervised *manager_get(struct manager *m, const char *name) must_check;
/* The same of what is known; NULL when it is not. Both follow a name that is an alias to the unit that it means. */
struct supervised *manager_find(struct manager *m, const char *name);
/* The service of exactly this name, be it an alias by now: for what already runs under it. NULL without memory. */
struct supervised *manager_get_own(struct manager *m, const char *name) must_check;
/* What is known by exactly this name; NULL: nothing. */
struct supervised *manager_look_up(const struct manager *m, const char *name);
/* Is there a service of exactly this name? */
bool manager_knows(const struct manager *m, const char *name);
/*
 * Forgets a service that was only looked at and never asked for anything: whoever may look must not
 * be able to fill the memory with names. Takes NULL.
 */
void manager_drop_unused(struct manager *m, struct supervised *sv);
/* Frees all services, whatever they do; at the end. */
void manager_free_services(struct manager *m);
/* A unit name from what a person typed: ".service" is appended where there is no suffix. NULL with errno (EINVAL, ENOMEM). */
char *manager_unit_name(const char *typed) must_check;

/*
 * The guard of every signal and kill: 0, or -EPERM with *who when the subtree of that cgroup path
 * holds cgkilld, PID 1 or the caller, whose cgroup path may be NULL; -errno when it cannot be told.
 */
int manager_guard(struct manager *m, const char *cgroup_path, const char *caller_path,
		  const char **who) must_check;

/* Reads every loaded unit again. The number of units loaded; the texts of what is wrong are logged and counted. */
unsigned manager_reload(struct manager *m, json_t *warnings);

/* A service has ended, or is stuck, or has been started. */
void manager_note_state(struct manager *m, enum service_state from, enum service_state to);

/* Something happened: to the log's debug level and to all monitors. */
void manager_tell(struct manager *m, const char *unit, const struct trail_event *e);
