/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The start, stop and adopt protocol of cgkilld for one service, with a crash possible between any two system calls.
 * tests/model/model.test runs it, and each of the mutants in it, which must be noticed.
 *
 * What is modelled, and where it is in C
 *   Worker	cgkilld. Its variables are its memory: a crash takes them all. Its labels:
 *		adopt, resolve	adopt_with_record(), find_process(), service_resume() and supervised_resume()
 *		begin, spawn_it	start_process(), spawn_into()
 *		spawned		EVENT_SPAWNED
 *		ended		on_process_exit(), with look() and cgroups_seal()
 *		kill		kill_now(), do_kill()
 *		drained		leave_stage(), enter_stop_post(), enter_dead(), release_cgroup(), do_answer()
 *		wait		the loop: requests, exits, cgroup.events, the killer's end, timers
 *		note		ledger_write_ahead() of a step without further actions
 *   save	store_save(): the attribute; save_file: store_save_file(); forget: store_forget()
 *   Child	what is born in a leaf: run_child(), birth_sign(), the program and what it forks
 *   Killer	the kill engine, which may be a process of its own (daemon/killer.c), and the deaths
 *   Crash	SIGKILL to cgkilld, anywhere: a flag that preempts the Worker ("unless")
 *   Clock	time within a stop, which is all that matters: each stop begins at 0
 * A system call is one atomic step. What only changes the worker's memory is joined to the next one: a crash between them
 * is the same as one before both.
 *
 * What is left out
 *   - SIGTERM and its like: a process ends at any time, or never, whether it was asked to or not.
 *   - The stages of a stop: there is one, up to the absolute deadline. A stage's own end is another such time.
 *   - clone3(CLONE_INTO_CGROUP): modelled is a fork that joins by itself (SPAWN_ATTACH), which may
 *     join at once, and which until then dies with its parent.
 *   - The rounds of a kill: a strike reaches all members, who end later; it is repeated until nobody is left. What
 *     outlives SIGKILL (stuck) is left out, since nothing ends there.
 *   - Control processes but ExecStopPost=. The number in a record is the main's spawn, or in stop-post the control's.
 *   - Exit statuses: of a service that has ended by itself any of what its unit could make of it follows.
 *   - A full disk, damaged records, KillMode= but control-group.
 *
 * What is shown: no assertion fails, and there is no cycle (pan -l), so every run ends, in a state that Judge approves of.
 */

#ifndef CRASHES
#define CRASHES	 2
#endif
#ifndef REQUESTS
#define REQUESTS 2
#endif
#define T_STOP	 1 /* the stop's deadline, counted from its beginning */
#define SLOTS	 3
#define NONE	 SLOTS

/* The states of the machine, core/service.h. */
#define DEAD	 0
#define FAILED	 1
#define AGAIN	 2 /* auto-restart */
#define START	 3 /* start; of what is a daemon, until its spawn is told */
#define RUNNING	 4
#define STOPPING 5 /* stop … stop-sigterm, final-sigterm */
#define KILLING	 6 /* stop-sigkill, final-sigkill */
#define POST	 7 /* stop-post */

/* What the unit file says (Type=, Restart=, ExecStopPost=): anything. */
bool oneshot, restarts, has_post;

/* ---- the kernel ---- */

/* A leaf and the process that was made for it. */
#define GONE   0
#define FORKED 1 /* not yet a member */
#define BORN   2
#define SIGNED 3 /* the birth mark is there */
#define RUNS   4 /* its program was executed */
byte proc[SLOTS];
byte number[SLOTS];	/* the spawn's, as the child was told */
bool is_post[SLOTS];
bool stubborn[SLOTS];	/* does not end unless killed, be it before execve (a dead mount) or after */
bool extra[SLOTS];	/* a process that it has forked, and that may outlive it */
bool leaf[SLOTS];
byte mark;		/* sys/birth.h, on ROOT/UNIT: who was the last to be about to execute; 0 = none */

bool cgroup;		/* ROOT/UNIT is there */
bool killer, struck;	/* the engine is about to kill; its SIGKILLs are on their way */
bool orphan;		/* the engine's child outlives the worker: in a mutant */
#define KILLS (killer || orphan)

#define LIVES(i)  (proc[i] >= BORN || extra[i])
#define populated (LIVES(0) || LIVES(1) || LIVES(2))
#define sealed	  (!leaf[0] && !leaf[1] && !leaf[2]) /* nobody can join any more */

/* ---- what survives: core/record.h, daemon/store.h ---- */

typedef Record {
	bool there;
	byte state;
	byte spawn;	/* main_spawn; in POST control_spawn */
	byte deadline;
	bool pending;	/* start_pending */
	bool stop_asked; /* stop_requested */
	bool final;
};
Record attr, file;
bool file_is_later;
#define state_on_record ((file.there && (file_is_later || !attr.there)) -> file.state : attr.state)

/* ---- the worker's memory ---- */

byte state, spawn, deadline;
bool pending, stop_asked, final;
byte leader = NONE; /* the slot of the process that the state is about */
bool asked;	    /* a client waits for the end of a stop */
bool begun;	    /* the present spawn has left its mark */

#define is_stopping(s) (s >= STOPPING)
#define leader_ended   (leader != NONE && proc[leader] == GONE)

/* ---- the world around ---- */

byte requests, crashes, now;
bool crash;

/* ---- what the judge remembers ---- */

bool restarted; /* the one automatic restart that StartLimitBurst= allows */
bool executed, post_executed; /* since the start, or the stop, was decided */
bool owed;	/* a start is on record, and its program has not been executed */
bool stop_open; /* a stop is on record, and is not over */
byte due;	/* its deadline as first recorded, or as a client has brought it forward */

/* ---- records ---- */

inline note_record()
{
	if
	:: is_stopping(state) && !stop_open -> stop_open = true; due = deadline
	:: is_stopping(state) && stop_open ->
		assert(deadline <= due); /* it never moves later */
		due = deadline
	:: !is_stopping(state) && stop_open ->
		assert(!populated);
		stop_open = false
	:: else
	fi;
	if
	:: state == START -> owed = !executed && leader == NONE
	:: is_stopping(state) || state <= FAILED -> owed = false
	:: else
	fi
}

inline write(r)
{
	r.there = true;
	r.state = state;
	r.spawn = spawn;
	r.deadline = deadline;
	r.pending = pending;
	r.stop_asked = stop_asked;
	r.final = final;
	note_record()
}

inline read(r)
{
	state = r.state;
	spawn = r.spawn;
	deadline = r.deadline;
	pending = r.pending;
	stop_asked = r.stop_asked;
	final = r.final
}

inline erase(r)
{
	r.there = false;
	r.state = 0;
	r.spawn = 0;
	r.deadline = 0;
	r.pending = false;
	r.stop_asked = false;
	r.final = false
}

inline save_file()
{
	atomic { write(file); file_is_later = true }
}

inline save()
{
	atomic { assert(cgroup); write(attr); file_is_later = false }
	if
	:: atomic { file.there -> erase(file) } /* unlink(2) */
	:: !file.there
	fi
}

inline remove_leaf(i)
{
	leaf[i] = false
#ifdef MUTANT_MARK_IN_LEAF
	; mark = 0
#endif
}

/* cgroups_seal(): rmdir(2) of each, which fails where somebody is. */
inline try_remove_leaves()
{
	if :: leaf[0] && !LIVES(0) -> remove_leaf(0) :: else fi;
	if :: leaf[1] && !LIVES(1) -> remove_leaf(1) :: else fi;
	if :: leaf[2] && !LIVES(2) -> remove_leaf(2) :: else fi
}

inline remove_leaves()
{
	atomic { try_remove_leaves() }
}

/* The record in its attribute goes with it, and so does what the engine's child has open. */
inline remove_cgroup()
{
	atomic {
		assert(!populated);
		try_remove_leaves();
		cgroup = false;
		mark = 0;
		killer = false;
		orphan = false;
		erase(attr)
	}
}

/* store_forget() */
inline forget()
{
	atomic {
		if :: file.there -> erase(file); file_is_later = false :: else fi;
		note_record()
	}
}

inline answer_stop()
{
	atomic {
		if
		:: asked -> assert(!populated); asked = false
		:: else
		fi
	}
}

/* Fresh: another run, and not another try of the same. */
inline decide_start()
{
	atomic {
		state = START;
		spawn++;
		final = false;
		pending = false;
		stop_asked = false;
		deadline = 0;
		leader = NONE;
		executed = false
	}
}

inline begin_stop()
{
	if
	:: !is_stopping(state) -> now = 0; deadline = T_STOP; final = false
	:: else
	fi
}

inline ask_stop()
{
	asked = true;
	stop_asked = true;
	pending = false;
	state = (is_stopping(state) -> state : STOPPING)
}

/*
 * Who is spawn number `spawn`? Its leaf has its mark, or none yet, and then it is the one who lives there. leader = NONE:
 * nobody lives, and the mark of the unit, which is looked at after that, says whether somebody did. The other way round a
 * child could sign, run and end in between, and be started once more.
 */
#define IS_LEADER(i) (proc[i] == BORN || (proc[i] >= SIGNED && number[i] == spawn))

inline find_leader()
{
	atomic {
		leader = NONE;
		if
		:: IS_LEADER(0) -> leader = 0
		:: IS_LEADER(1) -> leader = 1
		:: IS_LEADER(2) -> leader = 2
		:: else
		fi
	}
}

inline read_mark()
{
	begun = mark == spawn
}

inline make_leaf()
{
	d_step {
		if
		:: proc[0] == GONE && !extra[0] -> leader = 0
		:: proc[1] == GONE && !extra[1] -> leader = 1
		:: proc[2] == GONE && !extra[2] -> leader = 2
		fi;
		leaf[leader] = true
	}
}

inline fork_child()
{
	d_step {
		assert(!is_stopping(state) || state == POST);
		proc[leader] = FORKED;
		number[leader] = spawn;
		is_post[leader] = state == POST
	}
}

proctype Worker()
{
adopt:	{ /* one worker at a time: the lock */
		d_step {
			if
			:: file.there && (file_is_later || !attr.there) -> read(file)
			:: attr.there && !(file.there && file_is_later) -> read(attr)
			:: else -> assert(!populated) /* a service that nobody knows */
			fi;
#ifdef MUTANT_NEW_DEADLINE
			if :: is_stopping(state) -> deadline = now + T_STOP :: else fi
#endif
		}
		if
#ifdef MUTANT_KILL_AT_ADOPTION
		:: state == STOPPING -> goto kill
#endif
#ifdef MUTANT_RESPAWN_ALWAYS
		:: is_stopping(state) -> goto resolve
#endif
		:: state == START || state == RUNNING || state == POST -> goto resolve
		:: state == STOPPING || state == KILLING -> goto wait
		:: state <= AGAIN && cgroup -> goto release
		:: state <= AGAIN && !cgroup -> goto wait
		fi;

resolve:
#ifndef MUTANT_MARK_FIRST
		find_leader();
		read_mark();
#else
		read_mark();
		find_leader();
#endif
		atomic {
			if
			:: leader != NONE -> begun = false; goto spawned
			:: leader == NONE && begun -> begun = false; goto ended
			:: leader == NONE && !begun -> spawn++ /* it never ran: once more, under a new number */
			fi
		}

begin:		cgroup = true; /* mkdir(2), or it is there */
#ifndef MUTANT_LATE_RECORD
		save(); /* the decision is on record before it is acted on */
#endif
spawn_it:	cgroup = true;
		make_leaf();
		fork_child();
		proc[leader] != FORKED; /* await_joined() */
#ifdef MUTANT_LATE_RECORD
		save();
#endif

spawned:	atomic {
			if
			:: state == START && !oneshot -> state = RUNNING; goto note
			:: else -> goto wait
			fi
		}

ended:		/* The leader. If nobody else lives, nobody can join either from now on: look(). */
		remove_leaves();
		atomic {
			begin_stop();
			leader = NONE;
			if
			:: sealed -> goto drained
			:: !sealed -> state = STOPPING; goto note
			fi
		}

kill:
		atomic { state = KILLING; leader = NONE; goto note }

drained:	/* and sealed */
		atomic {
			if
			:: has_post && !final && now < deadline ->
				state = POST;
				final = true; /* what comes after it is the end */
				spawn++;
				leader = NONE;
				post_executed = false;
				goto begin
			:: !has_post || final || now >= deadline
			fi
		}
		/* enter_dead() */
#ifdef MUTANT_RMDIR_FIRST
		remove_cgroup();
#endif
		if
		:: atomic { pending -> decide_start() };
#ifdef MUTANT_RECORD_DIES
			save();
#else
			save_file(); /* what is in the attribute is about to go with the cgroup */
#endif
			remove_cgroup();
			answer_stop();
			goto spawn_it
		:: atomic { !pending && stop_asked -> state = DEAD }; forget()
		:: atomic { !pending && !stop_asked && restarts && !restarted -> state = AGAIN }; save_file()
		:: atomic { !pending && !stop_asked && !(restarts && !restarted) -> state = FAILED }; save_file()
		:: atomic { !pending && !stop_asked && !(restarts && !restarted) -> state = DEAD }; forget()
		fi;

release:	remove_cgroup();
		answer_stop();
		d_step {
			leader = NONE;
			deadline = 0;
			final = false;
			stop_asked = false;
			spawn = (state == DEAD -> 0 : spawn)
		}

wait:
end_wait:	if
		/* A request: start, restart, stop, stop at once. One that changes nothing is one, too. */
		:: atomic {
			requests < REQUESTS ->
			requests++;
			if
			:: state <= AGAIN -> decide_start(); goto begin
			:: is_stopping(state) -> pending = true; goto note /* start, and restart */
			:: state == START || state == RUNNING -> begin_stop(); pending = true; state = STOPPING; goto note
			:: state > AGAIN -> begin_stop(); ask_stop(); goto note
			:: state > AGAIN -> begin_stop(); deadline = (now < deadline -> now : deadline); ask_stop(); goto note
			:: state == AGAIN -> state = DEAD; goto undo
			:: goto wait
			fi
		   }
		/* Facts. */
		:: leader_ended && (state == START || state == RUNNING || state == POST) -> goto ended
		:: (state == STOPPING || (state == KILLING && !killer && !struck)) && !populated ->
			remove_leaves();
			if
			:: sealed -> goto drained
			:: !sealed -> goto wait /* somebody has joined */
			fi
		:: d_step { state == KILLING && !killer && !struck && populated -> killer = true }; goto wait
		/* Time. */
		:: (state == STOPPING || state == POST) && now >= deadline -> goto kill
		:: atomic { state == AGAIN -> restarted = true; decide_start(); goto begin }
		fi;

undo:		forget();
		goto release;

note:
#ifdef MUTANT_EARLY_ANSWER
		answer_stop();
#endif
		save();
		goto wait
	} unless {
		d_step {
			crash ->
			crash = false;
			state = DEAD;
			spawn = 0;
			deadline = 0;
			pending = false;
			stop_asked = false;
			final = false;
			leader = NONE;
			asked = false;
			begun = false
		}
	}
	goto adopt
}

/* ---- the world around ---- */

inline forget_child(i)
{
	proc[i] = GONE;
	number[i] = 0;
	is_post[i] = false;
	stubborn[i] = false
}

/* The heart of it: whoever executes a program is alone, and does so for the first time. */
inline execute(i)
{
	assert(proc[0] != RUNS && proc[1] != RUNS && proc[2] != RUNS);
	assert(!extra[0] && !extra[1] && !extra[2]);
	proc[i] = RUNS;
	if
	:: is_post[i] -> assert(!post_executed); post_executed = true
	:: else -> assert(!executed); executed = true; owed = false
	fi
}

inline strike(i)
{
	if :: proc[i] >= BORN -> forget_child(i) :: else fi;
	extra[i] = false
}

#define CAN_EXECUTE(i) (proc[i] == SIGNED && !stubborn[i] && !struck)

proctype Child(byte i) provided (!crash)
{
end:	do
	:: d_step { proc[i] == FORKED && leaf[i] -> proc[i] = BORN }
	:: d_step { proc[i] == FORKED && !leaf[i] -> forget_child(i) } /* ENODEV */
	:: d_step {
		proc[i] == BORN && !struck ->
#ifndef MUTANT_NO_MARK
		mark = number[i];
#endif
		proc[i] = SIGNED
	   }
	/* It executes its program, and may fork or be one that does not end; it hangs, or fails. */
	:: d_step { CAN_EXECUTE(i) -> execute(i) }
	:: d_step { CAN_EXECUTE(i) -> execute(i); extra[i] = true }
	:: d_step { CAN_EXECUTE(i) -> execute(i); stubborn[i] = true }
	:: d_step { CAN_EXECUTE(i) -> stubborn[i] = true }
	:: d_step { CAN_EXECUTE(i) -> owed = owed && is_post[i]; forget_child(i) }
	:: d_step { proc[i] == BORN && stop_open && !struck -> forget_child(i) } /* of the stop's signal */
	:: d_step { proc[i] == RUNS && !stubborn[i] && !struck -> forget_child(i) }
	:: d_step { extra[i] && !struck && proc[i] == GONE -> extra[i] = false }
	od
}

/* cgroup.kill by the engine, in a process of its own that ends with the worker; and the deaths. */
proctype Killer() provided (!crash)
{
end:	do
	:: d_step {
		KILLS ->
		assert(state_on_record == KILLING);
		assert(now >= due);
		struck = populated;
		killer = false;
		orphan = false
	   }
	:: d_step { struck -> strike(0); strike(1); strike(2); struck = false }
	od
}

/* Each stop begins at 0, and nothing waits for more than its deadline. */
proctype Clock() provided (!crash)
{
end:	do
	:: d_step { stop_open && now < T_STOP -> now++ }
	od
}

/* The connection of a client breaks with the worker, whose answer it waits for. */
proctype Crash() provided (!crash)
{
end:	do
	:: d_step {
		!crash && crashes < CRASHES ->
		crashes++;
		crash = true;
#ifndef MUTANT_NO_DEATHSIG
		if :: proc[0] == FORKED -> forget_child(0) :: else fi;
		if :: proc[1] == FORKED -> forget_child(1) :: else fi;
		if :: proc[2] == FORKED -> forget_child(2) :: else fi;
#endif
#ifdef MUTANT_ORPHAN_KILLER
		orphan = orphan || killer;
#endif
		killer = false
	   }
	od
}

/* When nothing can happen any more. */
proctype Judge()
{
	timeout;
	assert(!crash && !killer && !struck);
	assert(!stop_open); /* every stop has ended */
	assert(!asked);
	/* Each start on record was carried out, or hangs before its execve. */
	assert(!owed || (leader != NONE && proc[leader] == SIGNED && stubborn[leader]));
	/* What lives is known, and what is on record is true. */
	if
	:: state == DEAD -> assert(!cgroup && !populated && !attr.there && !file.there)
	:: state == FAILED -> assert(!cgroup && !populated && !attr.there && file.there)
	:: state == RUNNING || state == START ->
		assert(cgroup && (attr.there || file.there));
		assert(state_on_record == state && leader != NONE && number[leader] == spawn)
	:: else -> assert(false)
	fi
}

init {
	atomic {
		if :: oneshot = true :: skip fi;
		if :: restarts = true :: skip fi;
		if :: has_post = true :: skip fi;
		run Worker();
		run Child(0);
		run Child(1);
		run Child(2);
		run Killer();
		run Clock();
		run Crash();
		run Judge()
	}
}
