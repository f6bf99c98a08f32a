/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/table.h"

#include <math.h>

static unsigned percent = 100;

static struct row {
	char *what;
	double target, measured;
	const char *unit;
} rows[64];
static unsigned n_rows;

void table_begin(int argc, char **argv)
{
	if (argc > 1)
		percent = (unsigned)strtoul(argv[1], NULL, 10);
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("case,sample,way,value,unit\n");
}

unsigned scaled(unsigned n)
{
	return MAX_OF(n * percent / 100, 3U);
}

void sample(struct samples *s, const char *name, const char *way, double value, const char *unit)
{
	if (s->n == SAMPLES_MAX)
		return;
	printf("%s,%u,%s,%.7g,%s\n", name, s->n, way, value, unit);
	s->v[s->n++] = value;
}

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

double median(const struct samples *s)
{
	struct samples sorted = *s;

	if (s->n == 0)
		return NAN;
	qsort(sorted.v, sorted.n, sizeof(sorted.v[0]), by_value);
	return sorted.v[sorted.n / 2];
}

void row(char *what, double target, double measured, const char *unit)
{
	if (n_rows < ARRAY_SIZE(rows))
		rows[n_rows++] = (struct row){ what, target, measured, unit };
}

void table_end(void)
{
	fprintf(stderr, "%-64s %9s %9s\n", "median", "target", "measured");
	for (unsigned i = 0; i < n_rows; i++) {
		const struct row *r = &rows[i];

		if (isnan(r->target))
			fprintf(stderr, "%-64s %9s %9.2f %s\n", r->what, "", r->measured, r->unit);
		else
			fprintf(stderr, "%-64s %9.2f %9.2f %-7s %s\n", r->what, r->target,
				r->measured, r->unit, r->measured <= r->target ? "met" : "MISSED");
		free(r->what);
	}
	n_rows = 0;
}
