/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The life of a service as a pure state machine: an event and a time go in, the state changes, actions come out. It does
 * no I/O, knows no process and reads no clock; daemon/supervisor.c performs the actions and feeds back what happens.
 *
 * The sub-states are systemd's. What differs, and why, is in doc/DIFFERENCES.md; the rules that hold in every state:
 *  - A stop ends when the cgroup is empty, or, where the unit says that processes may stay (KillMode=process or none,
 *    SendSIGKILL=no), when what it does signal is gone; or it ends in STUCK, from which only emptiness leads out.
 *  - The stop's absolute deadline is fixed when the stop begins; later requests may only bring it forward.
 *  - SIGKILL is sent at a stage's end or at the deadline, never before, but for OOMPolicy=kill and an OOM kill in a stop.
 *  - A deadline compresses the stages before it: none takes more than its own timeout, nor more than a share of what is
 *    left of the deadline when it begins, or when the deadline is brought forward. Half: a command behind which another one
 *    of its list comes, any ExecStop= whose timeout is not answered by SIGKILL (TimeoutStopFailureMode=kill), SIGTERM whose
 *    timeout is answered by an abort. Three quarters: any other stage before ExecStopPost=. All: the last stage. So an
 *    ExecStop= that hangs leaves SIGTERM its chance.
 *  - ExecStopPost= runs only over an empty cgroup (with the same exceptions).
 *  - What the service says (EXTEND_TIMEOUT_USEC=) may prolong a stage, but only within its share of the deadline, anew.
 */
#include "core/outcome.h"
#include "core/ratelimit.h"
#include "core/unit.h"

enum service_state {
	STATE_INVALID,
	STATE_DEAD,
	STATE_CHECK, /* Condition…= and Assert…= are being looked at; for others it has not begun yet */
	STATE_CONDITION,
	STATE_START_PRE,
	STATE_START,
	STATE_START_POST,
	STATE_RUNNING,
	STATE_EXITED,
	STATE_RELOAD,	     /* ExecReload= */
	STATE_RELOAD_SIGNAL, /* Type=notify-reload has got its ReloadSignal=: RELOADING=1 is to come */
	STATE_RELOAD_NOTIFY, /* it says that it reloads: READY=1 is to come */
	STATE_STOP,
	STATE_STOP_WATCHDOG,
	STATE_STOP_SIGTERM,
	STATE_STOP_SIGKILL,
	STATE_STOP_POST,
	STATE_FINAL_WATCHDOG,
	STATE_FINAL_SIGTERM,
	STATE_FINAL_SIGKILL,
	STATE_STUCK, /* killed, and something lives: unkillable for now */
	STATE_FAILED,
	STATE_AUTO_RESTART,
	STATE_MAX,
};

const char *service_state_name(enum service_state s);	/* "stop-sigterm" */
const char *service_active_state(enum service_state s); /* "deactivating" */
bool service_state_is_starting(enum service_state s);
bool service_state_is_stopping(enum service_state s); /* STOP … FINAL_SIGKILL, STUCK */
bool service_state_is_ended(enum service_state s);    /* DEAD, FAILED */
bool service_state_is_over(enum service_state s);     /* a run is: these, and AUTO_RESTART */

/*
 * What whoever feeds the events has to keep: EVENT_SPAWNED and EVENT_SPAWN_FAILED come next after
 * the step that asked for the process; EVENT_EXECED comes before that process's exit. Before a
 * request, an exit or a failed spawn is fed, and as soon as a step makes service_watches_empty()
 * true, cgroup.events is read, and EVENT_EMPTY fed first if nothing lives. A control process may be
 * spawned over one that the unit's KillMode= or SendSIGKILL= has spared: the earlier one's end is
 * nobody's business from then on; nor is that of a main process that EVENT_MAIN_PID has replaced.
 * EVENT_MAIN_PID is fed only where service_takes_main_pid() allows it. EVENT_OOM comes before the
 * ends that it explains, where memory.events tells of it in time.
 */
enum event_kind {
	EVENT_INVALID,
	/* requests */
	EVENT_START,
	EVENT_STOP,
	EVENT_RESTART,
	EVENT_STOP_TO_START, /* the first half of a restart; the start is asked for once others have had their turn */
	EVENT_RELOAD,
	EVENT_RESET_FAILED,
	/* facts */
	EVENT_SPAWNED,	    /* the ACTION_SPAWN of the main process was performed */
	EVENT_SPAWN_FAILED, /* an ACTION_SPAWN could not be performed */
	EVENT_EXECED,	    /* the main process has executed its program */
	EVENT_MAIN_EXIT,
	EVENT_CONTROL_EXIT,
	EVENT_EMPTY,	/* populated 0 was read for the service's whole subtree */
	EVENT_STUCK,	/* an ACTION_KILL has not emptied the cgroup in the unit's KillVerifySec= */
	EVENT_TIMER,	/* service_next_timer() has come */
	EVENT_MAIN_PID, /* the main process is another one from now on, and it lives: MAINPID=, or found by ACTION_FIND_MAIN */
	EVENT_NO_MAIN, /* the other answer to ACTION_FIND_MAIN: nobody can be said to be it; the cgroup is the service */
	EVENT_OOM,     /* the kernel's out-of-memory killer has hit in the cgroup */
	EVENT_CHECKED, /* the answer to ACTION_CHECK: verdict */
	EVENT_BROKEN,  /* of a socket: it cannot go on, for the reason in result */
	/* what the service itself says: sd_notify(3) */
	EVENT_READY,
	EVENT_STOPPING,
	EVENT_RELOADING, /* usec: its MONOTONIC_USEC on our clock; USEC_INFINITY: it said none */
	EVENT_EXTEND,	 /* EXTEND_TIMEOUT_USEC=; usec: from now */
	EVENT_WATCHDOG,
	EVENT_WATCHDOG_TRIGGER,
	EVENT_WATCHDOG_USEC, /* usec: its new WatchdogSec= */
	EVENT_MAX,
};

const char *event_name(enum event_kind kind); /* "main-exit"; for people */

/* What Condition…= and Assert…= mean for a start. */
enum verdict { VERDICT_INVALID, VERDICT_MET, VERDICT_UNMET, VERDICT_ASSERT };

struct event {
	enum event_kind kind;
	enum verdict verdict;	    /* CHECKED */
	enum service_result result; /* BROKEN */
	struct exit_info exit;	    /* MAIN_EXIT, CONTROL_EXIT */
	bool is_main;		    /* SPAWN_FAILED: whose */
	usec_t deadline;	    /* STOP, RESTART: absolute, USEC_INFINITY = none */
	usec_t usec;		    /* of those that say so */
	uint64_t random; /* of any: for RuntimeRandomizedExtraSec= if a run begins with it */
};

enum action_kind {
	ACTION_INVALID,
	ACTION_SPAWN,  /* exec phase, index; as the main or as a control process */
	ACTION_SIGNAL, /* a catchable signal, or SIGKILL by pidfd where KillMode=process */
	ACTION_KILL, /* the kill engine, on the whole subtree; ends in EVENT_EMPTY or EVENT_STUCK */
	ACTION_STATE, /* the state was changed: tell it; at an end, what still lives is nobody's process any more */
	ACTION_DONE,	  /* requests of this kind have their answer */
	ACTION_RELEASE,	  /* nothing lives: remove the cgroup */
	ACTION_FIND_MAIN, /* Type=forking: by PIDFile=, once it is there, or a guess; MAIN_PID or NO_MAIN comes, now or later */
	ACTION_CHECK, /* Condition…= and Assert…= of the unit: CHECKED comes, unless the state is left before */
	ACTION_UNIT_ACTION, /* SuccessAction=, FailureAction=, StartLimitAction=; last of its step */
};

/*
 * ALL: every member of the subtree but the main process, which has a signal of its own.
 * A start is not answered by an end that another run follows unseen (RestartMode=direct).
 */
enum whom { WHOM_INVALID, WHOM_MAIN, WHOM_CONTROL, WHOM_ALL };
enum request { REQUEST_INVALID, REQUEST_START, REQUEST_STOP, REQUEST_RELOAD, REQUEST_MAX };
enum answer {
	ANSWER_INVALID,
	ANSWER_DONE,
	ANSWER_FAILED,
	ANSWER_CANCELED,
	ANSWER_SKIPPED,	       /* ExecCondition= said no, or a Condition…= was not met */
	ANSWER_ASSERT,	       /* an Assert…= was not met */
	ANSWER_NOT_APPLICABLE, /* reload of what cannot be reloaded */
	ANSWER_REFUSED,	       /* start over survivors */
	ANSWER_SURVIVORS,      /* the stop ended, and something lives */
	ANSWER_MAX,
};
const char *answer_name(enum answer a); /* "not-applicable" */

struct action {
	enum action_kind kind;
	/* SPAWN */
	bool is_main;
	enum exec_phase phase;
	size_t index;
	/* SIGNAL */
	enum whom whom;
	int signal;
	bool sighup; /* SIGHUP after it */
	/* STATE; the result is the service's at that moment */
	enum service_state from, to;
	enum service_result result;
	bool seen_as_ended; /* … to AUTO_RESTART: others see a run that has ended so (RestartMode=normal), before the next */
	/* FIND_MAIN: the PID file is not waited for, as ExecStartPost= may write it: NO_MAIN is asked about again after that */
	bool at_once;
	enum unit_action unit_action; /* UNIT_ACTION: EXIT, EXIT_FORCE */
	/* DONE */
	enum request request;
	enum answer answer;
};

/* More than any event can cause; service_step() asserts it. */
#define ACTIONS_MAX 16
struct actions {
	struct action v[ACTIONS_MAX];
	unsigned n;
};

struct service {
	const struct unit *unit; /* borrowed; may be exchanged between events (daemon-reload) */
	enum service_state state;
	usec_t state_since;

	enum service_result result;
	enum service_result reload_result;
	struct exit_info main_exit;

	/* what lives, as far as it was told */
	bool main_alive, control_alive, populated;
	bool mainless; /* Type=forking: nobody can be said to be the main process; while the cgroup lives the service does */

	enum exec_phase phase; /* of the command that runs, or ran last, as a control process or of a oneshot's main */
	size_t index;

	usec_t stage_end;   /* the present stage's own timeout */
	usec_t deadline;    /* of the whole stop; set once it has begun */
	usec_t runtime_end; /* RuntimeMaxSec= */
	usec_t rest_at;	    /* LeaderGraceSec= is over: the rest gets its signal, too */
	usec_t reload_began; /* ReloadSignal= was sent: a RELOADING=1 from before then is not the answer */
	usec_t watchdog; /* WatchdogSec= of this run, which the service may change; 0 or USEC_INFINITY = none */
	usec_t watchdog_end; /* the service must have said that it lives */

	struct ratelimit start_limit;
	unsigned n_restarts; /* automatic ones since the last start by hand */

	bool start_pending;	/* start again once dead */
	bool restart_requested; /* … by a restart: RestartKillSignal= */
	bool stop_requested;	/* no automatic restart */
	bool killing;		/* ACTION_KILL is under way */
	bool rest_due; /* in stop-sigterm, final-sigterm: the main process comes first; the others have no signal yet */
	bool squeezed; /* the present stage has less than its own timeout, for the deadline's sake */
	bool cut_short; /* in this stop, or the last one, the deadline has ended a stage early or made one be left out */
	bool stuck_in_final; /* STUCK came from FINAL_SIGKILL: ExecStopPost= has run */
};

void service_init(struct service *s, const struct unit *u, usec_t now);

/*
 * After a crash: what the present state has begun, and what may not have been performed, as actions to be performed (again).
 * The machine was read from a record and believes what stood there; what has happened meanwhile is fed as events after it,
 * also the end of a process that never ran its program and is not spawned here: nothing is begun in a stage that ends it.
 */
struct resume {
	bool main_never_ran; /* the main process that the machine believes in has never run its program */
	bool control_never_ran; /* likewise */
	bool signals_due;	/* a signal of this stage may not have been sent */
};
void service_resume(struct service *s, const struct resume *how, usec_t now, struct actions *out);

/*
 * One event. out is overwritten. False: nothing has changed that is worth a record; it meant nothing here, or only that the
 * cgroup is empty, which anybody can see, or that it lives (EVENT_WATCHDOG): then service_next_timer() may have moved.
 */
bool service_step(struct service *s, const struct event *ev, usec_t now, struct actions *out);

/* When EVENT_TIMER is due, absolute; USEC_INFINITY = never. To be asked after every step. */
usec_t service_next_timer(const struct service *s);

/* Is someone to be told when the cgroup gets empty? While the main process runs undisturbed its own end tells it. */
bool service_watches_empty(const struct service *s);
/* Does anybody live who may speak for it, so that a message (sd_notify(3)) may mean something? */
bool service_hears(const struct service *s);
/* May EVENT_MAIN_PID be fed? Not in other states, nor while the first process of Type=forking still lives. */
bool service_takes_main_pid(const struct service *s);
/* May a start go ahead, as far as survivors are concerned? */
bool service_start_refused(const struct service *s);
