/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Samples as CSV on standard output (case,sample,way,value,unit), and a table of their medians on standard error. */
#include "util/macro.h"

enum { SAMPLES_MAX = 400 };

struct samples {
	double v[SAMPLES_MAX];
	unsigned n;
};

/* Takes the command line, PROGRAM [PERCENT], and prints the head of the CSV. */
void table_begin(int argc, char **argv);
/* PERCENT of the usual number of samples, but not less than 3. */
unsigned scaled(unsigned n);

void sample(struct samples *s, const char *name, const char *way, double value, const char *unit);
double median(const struct samples *s); /* NAN of none */

/* A row of the table; `what` is freed then. The target is a maximum; NAN = none. */
void row(char *what, double target, double measured, const char *unit);
void table_end(void);
