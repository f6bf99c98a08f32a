/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The stand on which whole programs are measured: a root cgroup and a directory of its own, both gone afterwards in
 * whatever way the benchmark ends. Every function here exits with a message when it cannot do its work.
 */
#include "lib/cgtest.h"
#include "sys/spawn.h"

struct stand {
	struct cgtest t; /* t.root holds what is measured raw, and the cgroups below */
	struct cg home;	 /* servers live here, and so do not outlive the benchmark */
	const char *dir;
	const char *cgkilld, *cgkillctl;
};

_Noreturn void die(const char *what);

/* Forks: only the child returns, with its new directory. The parent removes that at the child's end, and exits as it did. */
const char *stand_shelter(void);
/* CGKILLD and CGKILLCTL name the programs. */
void stand_begin(struct stand *s, const char *dir);
void stand_end(struct stand *s);

double now_us(void); /* CLOCK_MONOTONIC */
void sleep_us(double us);

char *text_of(const char *format, ...) printf_like(1, 2); /* to be freed */
void write_file(const char *directory, const char *name, const char *text);

/* A program in cg, running (its execve is done) when this returns. */
struct program {
	pid_t pid;
	int pidfd;
};
struct program program_start(const struct cg *cg, const char *const argv[]);
void program_reap(struct program *p);
/* SIGTERM, or SIGKILL, and waits for its end, at most 60 s. */
void program_stop(struct program *p);
void program_kill(struct program *p);

/* CPU time used so far, µs. */
double program_cpu_us(const struct program *p);
/* Proportional set size in bytes. */
double program_pss(const struct program *p);
/* Context switches so far: each is a wake-up, or the loss of the CPU. */
double program_switches(const struct program *p);

/* Starts a command from the search path, its output discarded; without waiting, or µs from before its start to its end. */
pid_t command_start(const char *const argv[]);
double command_run(const char *const argv[]);

/* cgkilld with its services in t.root/services and its units in dir/units: ready when this returns. */
struct program cgkilld_start(const struct stand *s);
/* cgkillctl VERB UNIT (NULL = none): as command_run(). */
double cgkillctl(const struct stand *s, const char *verb, const char *unit);

/* The units many0, many1 …, and cgkillctl VERB with the first n of them. */
enum { MANY = 1000 };
void write_many(const struct stand *s, const char *text);
double cgkillctl_many(const struct stand *s, const char *verb, unsigned n);
