/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * One service and its processes: performs the actions of its state machine (core/service.h) in the
 * kernel and feeds back what happens there.
 */
#include "core/jobs.h"
#include "core/record.h"
#include "core/service.h"
#include "daemon/cgroups.h"
#include "daemon/history.h"
#include "daemon/loop.h"
#include "daemon/server.h"
#include "daemon/trail.h"
#include "util/list.h"

struct check;
struct escape;
struct fdstore;
struct mainpid;
struct manager;
struct notify;
struct oom;
struct process;
struct killer;
struct slice;
struct sockets;

enum load_state { LOAD_INVALID, LOAD_LOADED, LOAD_NOT_FOUND, LOAD_ERROR, LOAD_MASKED };

/* Somebody who waits for the answer to a request. */
struct waiter {
	struct list link; /* in supervised.waiters */
	enum request request;
	void (*fn)(struct waiter *w, enum answer a);
};

/* Who asks: a client, or another unit's need; or nobody in particular. */
struct asker {
	const struct peer *peer;
	const char *reason; /* "dependency of web.service" */
};

/* Who has asked for what is going on. */
struct request_origin {
	uid_t uid;
	pid_t pid;
	char what[8];  /* "stop", "restart"; "" = nobody */
	char comm[17]; /* as struct peer has it; "" = no client */
};

struct last_command {
	pid_t pid;
	struct exit_info exit; /* code 0: it runs */
};

/* In memory that children do not get, as it is written at every turn: util/ownmem.h. What a child is to know is copied. */
struct supervised {
	struct service machine;
	struct unit *unit; /* never NULL; an empty one when load_state is not LOADED */
	enum load_state load_state;
	char *load_error;
	char **warnings; /* of the unit's files, as text */
	char *alias_of; /* set by supervised_load() when the name is a link to another unit's file */

	struct manager *manager;
	struct list link; /* in manager.services */
	struct list waiters;

	/* daemon/scheduler.h */
	struct graph_node *node;
	struct waiter job_waiter; /* of the job of the unit that runs */
	uint32_t answered_job;	  /* the last one that the machine has answered */
	enum job_result last_job;

	struct cgroups cgroups;
	struct slice *slice; /* that its cgroup is in: daemon/slices.h; NULL = the root */
	bool limited;	     /* its limits were written to it */
	struct process *main, *control;
	bool stranger;	       /* it lives in our subtree, and nothing is known of it */
	unsigned users;	       /* requests that are to tell what became of it */
	bool leaving;	       /* a shutdown is to tell what became of it */
	struct escape *escape; /* EscapePolicy=; NULL = not watched */
	bool escaped; /* the main process was moved out of the cgroup, and outlives the run */
	struct last_command last[EXEC_PHASE_MAX];

	struct check *check;   /* Condition…= and Assert…=; NULL = it was never to be checked */
	struct notify *notify; /* what it says of itself; NULL = it was never to say anything */
	struct fdstore *fdstore; /* what it keeps with us; NULL = nothing */
	struct sockets *sockets; /* what it listens on; NULL = nothing */
	int *namespaces; /* a pair of sockets: daemon/namespaces.h; NULL = the run has none of its own */
	struct mainpid *mainpid; /* its PID file is waited for; NULL = not */
	struct oom *oom;	 /* NULL = not watched */

	struct killer *killer; /* ACTION_KILL */
	struct list kill_link; /* of those that are to be killed together: daemon/slicekill.h */
	size_t doomed;	       /* … how many processes it has then, at least 1; else 0 */
	struct leftovers *leftovers; /* of a command before the start, being killed; NULL = none */
	int events_fd;		     /* cgroup.events while it is watched */
	struct io_source events_io;
	struct timer timer, recheck;
	struct rest *rest; /* the signal that all but the main process are still to get; NULL = none */
	usec_t recheck_delay;

	/* for a later cgkilld: daemon/ledger.h */
	uint64_t spawns, main_spawn, control_spawn; /* as core/record.h says */
	unsigned main_after, control_after;	    /* likewise */
	bool signals_due;			    /* of this stage: not all were sent yet */
	bool has_file;				    /* of its record */
	bool unrecorded;			    /* the last one could not be stored */
	struct request_origin asked;

	struct event_queue *queue; /* while actions are performed: what happens meanwhile; NULL: the machine rests */

	int log_fifo; /* daemon/logs.h: open as long as what is in it may be lost; -1: it is not */
	unsigned log_epoch; /* … and which logger has it; 0 = none, or it may be released */
	struct trail trail;
	struct history history;
	usec_t stuck_since;
	usec_t hangs_until; /* reading about its processes hung: not before then again */
	usec_t real_since;  /* CLOCK_REALTIME of the last change of state */
};

/* Adds a service without a unit yet. NULL without memory. */
struct supervised *supervised_new(struct manager *m, const char *name) must_check;
void supervised_free(struct supervised *sv);
const char *supervised_name(const struct supervised *sv);

/* A run is over, and no other one is about to begin? */
bool supervised_is_final(const struct supervised *sv);

/* (Re)reads its files. The result is in load_state, load_error, warnings; a running service keeps its old unit on error. */
int supervised_load(struct supervised *sv) must_check;

/*
 * Goes on with a service whose machine was read from a record: its processes that live are taken over (main and control
 * are set up with process_adopt(), without callbacks; NULL = does not live), the ends of those that do not are fed to the
 * machine, and what had been begun is done again.
 */
struct adopted {
	struct process *main, *control;
	struct process_id main_id,
		control_id; /* of what has run, dead or alive; pid 0 = it never ran its program */
};
void supervised_resume(struct supervised *sv, const struct adopted *found);

/* A request; w (may be NULL) is answered now or later, exactly once, unless it is unlinked before. by may be NULL. */
void supervised_request(struct supervised *sv, enum event_kind kind, usec_t deadline,
			const struct asker *by, struct waiter *w);

/* As service_state_name(), but that a target is simply "active". Static. */
const char *supervised_sub_state(const struct supervised *sv);

/* For daemon/slicekill.h: kills what lives in its cgroup. struck: the first blow has fallen. */
void supervised_kill_now(struct supervised *sv, size_t members, bool struck);

/* Something has happened: the machine is told now or, in the midst of a step, after it. */
void supervised_feed(struct supervised *sv, const struct event *ev);

/* Adds to its trail, for all who look at it. */
void supervised_tell(struct supervised *sv, const struct trail_event *e);
/* The cgroup may be empty: if it is, the machine is told. */
void supervised_look(struct supervised *sv);
/* Something may have ended: cgroup.events is looked at again soon, where it is watched. */
void supervised_recheck(struct supervised *sv);

/* A signal asked for by a person. The number of processes that got it, or -errno (-ESRCH: nobody to signal). */
ssize_t supervised_signal(struct supervised *sv, enum whom whom, int sig, const struct peer *by);
