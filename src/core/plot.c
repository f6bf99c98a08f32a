/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/plot.h"

#include "util/parse.h"

/* In pixels. Names are set in a fixed-width font, whose width is known: 0.6 em in all that readers use for it. */
#define MARGIN	     20
#define CHAR_WIDTH   7.3
#define ROW	     22
#define BAR	     13
#define AXIS	     760
#define HEAD	     96	 /* title, subtitle, legend */
#define LABELS	     24	 /* of the axis */
#define BEHIND	     220 /* for what is said behind a bar */
#define NAME_LENGTH  44
#define SHORTEST     2.0 /* of a stage that took no time */
#define TICKS	     10	 /* at most */
#define LABELS_BELOW 25	 /* so many rows have the labels of the axis below them, too */

/* How stages look, in the order of the legend. */
static const struct look {
	const char *class, *text, *light, *dark;
	enum service_state states[2];
} looks[] = {
	{ "pre", "start-pre", "#a9b6c8", "#66758c", { STATE_CONDITION, STATE_START_PRE } },
	{ "start", "start", "#3f86d4", "#4f93dc", { STATE_START } },
	{ "post", "start-post", "#8dbdea", "#2c5f95", { STATE_START_POST } },
	{ "stop", "stop", "#6aa84f", "#6fae58", { STATE_STOP } },
	{ "term", "sigterm", "#e8b23a", "#d6a338", { STATE_STOP_SIGTERM, STATE_FINAL_SIGTERM } },
	{ "abort", "watchdog", "#d67b36", "#c97231", { STATE_STOP_WATCHDOG, STATE_FINAL_WATCHDOG } },
	{ "kill", "sigkill", "#d64545", "#d95050", { STATE_STOP_SIGKILL, STATE_FINAL_SIGKILL } },
	{ "clean", "stop-post", "#9a84cc", "#8b74be", { STATE_STOP_POST } },
	{ "stuck", "stuck", "#7d1f33", "#a2304c", { STATE_STUCK } },
};

static const char style[] =
	"text{font:13px sans-serif;fill:#24292f}"
	".h{font-size:19px;font-weight:bold}.s,.t{fill:#57606a}.t{font-size:11px}"
	".n,.d{font:12px monospace}.n{text-anchor:end}.t{text-anchor:middle}"
	".bg{fill:#fff}.odd{fill:#f4f6f8}.grid{stroke:#d5dae0}"
	".sig{fill:#24292f;stroke:#fff}.x{stroke:#24292f;stroke-width:2.4;fill:none}"
	".halo{stroke:#fff;stroke-width:5;fill:none}.u{fill:none;stroke:#57606a;stroke-dasharray:3 "
	"2}";
static const char dark_style[] =
	"text{fill:#e6edf3}.s,.t{fill:#9aa5b1}.bg{fill:#0d1117}.odd{fill:#151b23}"
	".grid{stroke:#30363d}.sig{fill:#f0f6fc;stroke:#0d1117}.x{stroke:#f0f6fc}"
	".halo{stroke:#0d1117}.u{stroke:#9aa5b1}";

struct drawing {
	const struct plot *plot;
	struct buf *out;
	usec_t from, to;
	double x0; /* of the axis */
	double top, bottom;
};

/* ---- text ---- */

static void put_char(struct buf *b, char c)
{
	static const char *const escapes[] = {
		['<'] = "&lt;", ['>'] = "&gt;", ['&'] = "&amp;", ['"'] = "&quot;"
	};
	unsigned char u = (unsigned char)c;

	if (u < ARRAY_SIZE(escapes) && escapes[u])
		buf_puts(b, escapes[u]);
	else if (u < ' ' || u == 0x7f)
		buf_putc(b, '?'); /* XML 1.0 has no way to write most of these */
	else
		buf_putc(b, c);
}

static void put_text(struct buf *b, const char *s)
{
	for (; *s; s++)
		put_char(b, *s);
}

/* A unit's name, whose bytes are its characters; of a long one both ends, since template and instance both tell. */
static void put_name(struct buf *b, const char *name)
{
	size_t n = strlen(name), half = NAME_LENGTH / 2;

	for (size_t i = 0; i < n; i++) {
		if (n > NAME_LENGTH && i == half) {
			buf_puts(b, "…");
			i = n - half;
		}
		put_char(b, name[i]);
	}
}

static void put_span(struct buf *b, usec_t t)
{
	char text[SPAN_MAX];

	buf_puts(b, format_span_short(t, text));
}

/* ---- pieces ---- */

static double x_of(const struct drawing *d, usec_t at)
{
	return d->x0 + (double)(at - d->from) * AXIS / (double)(d->to - d->from);
}

static void put_rect(struct buf *b, const char *class, double x, double y, double w, double h)
{
	buf_printf(b, "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"",
		   class, x, y, w, h);
}

/* The second state of a look may be none. */
static const char *class_of(enum service_state s)
{
	for (size_t i = 0; i < ARRAY_SIZE(looks); i++)
		for (size_t k = 0; k < ARRAY_SIZE(looks[i].states); k++)
			if (looks[i].states[k] == s && s != STATE_INVALID)
				return looks[i].class;
	return "u";
}

static void put_styles(struct buf *b)
{
	buf_printf(b, "<style>%s", style);
	for (size_t i = 0; i < ARRAY_SIZE(looks); i++)
		buf_printf(b, ".%s{fill:%s}", looks[i].class, looks[i].light);
	buf_printf(b, "@media (prefers-color-scheme:dark){%s", dark_style);
	for (size_t i = 0; i < ARRAY_SIZE(looks); i++)
		buf_printf(b, ".%s{fill:%s}", looks[i].class, looks[i].dark);
	buf_puts(b, "}</style>\n");
}

/* Marks stand out from whatever colour they are on. */
static void put_signal(struct buf *b, double x, double y)
{
	buf_printf(b, "<path class=\"sig\" d=\"M%.1f %.1fl-5 -7h10z\"/>", x, y);
}

static void put_kill(struct buf *b, double x, double y)
{
	static const char *const classes[] = { "halo", "x" };

	for (size_t i = 0; i < ARRAY_SIZE(classes); i++)
		buf_printf(b, "<path class=\"%s\" d=\"M%.1f %.1fl8 8m0 -8l-8 8\"/>", classes[i],
			   x - 4, y - 4);
}

/* ---- a bar ---- */

static const struct plot_event *next_stage(const struct plot_bar *bar, size_t i)
{
	while (++i < bar->n)
		if (bar->events[i].state != STATE_INVALID)
			return &bar->events[i];
	return NULL;
}

static void put_stages(const struct drawing *d, const struct plot_bar *bar, double y)
{
	for (size_t i = 0; i < bar->n; i++) {
		const struct plot_event *e = &bar->events[i], *next = next_stage(bar, i);
		usec_t end = next ? next->at : d->to;
		double x = x_of(d, e->at);

		if (e->state == STATE_INVALID || (!next && bar->over))
			continue;
		put_rect(d->out, class_of(e->state), x, y, MAX_OF(x_of(d, end) - x, SHORTEST), BAR);
		buf_printf(d->out, "><title>%s: ", service_state_name(e->state));
		put_span(d->out, end - e->at);
		buf_puts(d->out, "</title></rect>");
	}
}

static void put_marks(const struct drawing *d, const struct plot_bar *bar, double y)
{
	for (size_t i = 0; i < bar->n; i++) {
		const struct plot_event *e = &bar->events[i];

		if (e->state != STATE_INVALID)
			continue;
		buf_puts(d->out, "<g>");
		if (e->kill)
			put_kill(d->out, x_of(d, e->at), y + BAR / 2.0);
		else
			put_signal(d->out, x_of(d, e->at), y + 4);
		buf_printf(d->out, "<title>SIG%s to %u process%s%s after ", signal_name(e->signal),
			   e->count, e->count == 1 ? "" : "es", e->kill ? ", by cgroup.kill," : "");
		put_span(d->out, e->at - bar->events[0].at);
		buf_puts(d->out, "</title></g>");
	}
}

static unsigned killed(const struct plot_bar *bar)
{
	unsigned n = 0;

	for (size_t i = 0; i < bar->n; i++)
		if (bar->events[i].kill)
			n += bar->events[i].count;
	return n;
}

static void put_summary(const struct drawing *d, const struct plot_bar *bar, double y)
{
	usec_t end = bar->over ? bar->events[bar->n - 1].at : d->to;

	buf_printf(d->out, "<text class=\"d\" x=\"%.1f\" y=\"%.1f\">", x_of(d, end) + 9, y);
	put_span(d->out, end - bar->events[0].at);
	if (killed(bar) > 0)
		buf_printf(d->out, ", %u killed", killed(bar));
	buf_printf(d->out, "%s%s</text>\n", bar->over ? "" : ", goes on",
		   bar->partial ? ", not all known" : "");
}

static void put_row(const struct drawing *d, size_t i)
{
	const struct plot_bar *bar = &d->plot->bars[i];
	double y = d->top + (double)i * ROW;

	buf_printf(d->out, "<text class=\"n\" x=\"%.1f\" y=\"%.1f\">", d->x0 - 10, y + 15);
	put_name(d->out, bar->unit);
	buf_puts(d->out, "<title>");
	put_text(d->out, bar->unit);
	buf_puts(d->out, "</title></text>");
	if (bar->n == 0)
		return;
	put_stages(d, bar, y + (ROW - BAR) / 2.0);
	put_marks(d, bar, y + (ROW - BAR) / 2.0);
	put_summary(d, bar, y + 15);
}

/* ---- around the bars ---- */

static usec_t tick_step(usec_t span)
{
	static const unsigned decimal[] = { 1, 2, 5 };
	static const unsigned seconds[] = { 1,	 2,   5,    10,	  15,	30,    60,    120,  300,
					    600, 900, 1800, 3600, 7200, 21600, 43200, 86400 };
	usec_t step = 86400 * USEC_PER_SEC;

	for (usec_t ten = 1; ten < USEC_PER_SEC; ten *= 10)
		for (size_t i = 0; i < ARRAY_SIZE(decimal); i++)
			if (span / (decimal[i] * ten) < TICKS)
				return decimal[i] * ten;
	for (size_t i = 0; i < ARRAY_SIZE(seconds); i++)
		if (span / (seconds[i] * USEC_PER_SEC) < TICKS)
			return seconds[i] * USEC_PER_SEC;
	while (span / step >= TICKS)
		step *= 2;
	return step;
}

static void put_label(const struct drawing *d, usec_t offset, double x, double y)
{
	buf_printf(d->out, "<text class=\"t\" x=\"%.1f\" y=\"%.1f\">", x, y);
	put_span(d->out, offset);
	buf_puts(d->out, "</text>\n");
}

static void put_axis(const struct drawing *d)
{
	usec_t span = d->to - d->from, step = tick_step(span);

	for (size_t i = 1; i < d->plot->n; i += 2) {
		put_rect(d->out, "odd", 0, d->top + (double)i * ROW, d->x0 + AXIS + BEHIND + MARGIN,
			 ROW);
		buf_puts(d->out, "/>\n");
	}
	for (usec_t t = 0; t <= span; t += step) {
		double x = x_of(d, d->from + t);

		buf_printf(d->out,
			   "<line class=\"grid\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>",
			   x, d->top - 3, x, d->bottom + 3);
		put_label(d, t, x, d->top - 8);
		if (d->plot->n >= LABELS_BELOW)
			put_label(d, t, x, d->bottom + 16);
	}
}

static bool is_drawn(const struct plot *p, const struct look *look)
{
	for (size_t i = 0; i < p->n; i++)
		for (size_t k = 0; k < p->bars[i].n; k++)
			if (streq(class_of(p->bars[i].events[k].state), look->class))
				return true;
	return false;
}

/* Of the stages that there are, and of the marks. */
static void put_legend(const struct drawing *d)
{
	double x = MARGIN, y = 80;

	for (size_t i = 0; i < ARRAY_SIZE(looks); i++) {
		if (!is_drawn(d->plot, &looks[i]))
			continue;
		put_rect(d->out, looks[i].class, x, y - 11, BAR, BAR);
		buf_printf(d->out, "/><text x=\"%.1f\" y=\"%.1f\">%s</text>\n", x + 19, y,
			   looks[i].text);
		x += 19 + (double)strlen(looks[i].text) * 7 + 18;
	}
	put_signal(d->out, x + 6, y - 1);
	buf_printf(d->out, "<text x=\"%.1f\" y=\"%.1f\">signal</text>\n", x + 17, y);
	put_kill(d->out, x + 82, y - 4.5);
	buf_printf(d->out, "<text x=\"%.1f\" y=\"%.1f\">kill</text>\n", x + 94, y);
}

static void put_heading(const struct drawing *d, double width, double height)
{
	struct buf *b = d->out;

	buf_printf(b,
		   "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		   "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" "
		   "viewBox=\"0 0 %.0f %.0f\">\n<title>",
		   width, height, width, height);
	put_text(b, d->plot->title);
	buf_puts(b, "</title>\n");
	put_styles(b);
	buf_printf(b, "<rect class=\"bg\" width=\"100%%\" height=\"100%%\"/>\n<text class=\"h\" x=\"%d\" y=\"34\">",
		   MARGIN);
	put_text(b, d->plot->title);
	buf_printf(b, "</text>\n<text class=\"s\" x=\"%d\" y=\"55\">", MARGIN);
	put_text(b, d->plot->subtitle);
	buf_puts(b, "</text>\n");
}

/* From the first event to the last one; never nothing. */
static void find_times(struct drawing *d)
{
	d->from = USEC_INFINITY;
	for (size_t i = 0; i < d->plot->n; i++) {
		const struct plot_bar *bar = &d->plot->bars[i];

		if (bar->n == 0)
			continue;
		d->from = MIN_OF(d->from, bar->events[0].at);
		d->to = MAX_OF(d->to, bar->events[bar->n - 1].at);
	}
	d->from = MIN_OF(d->from, d->to);
	d->to = MAX_OF(d->to, d->from + 1);
}

static size_t name_length(const struct plot *p)
{
	size_t most = 0;

	for (size_t i = 0; i < p->n; i++)
		most = MAX_OF(most, strlen(p->bars[i].unit));
	return MIN_OF(most, NAME_LENGTH + 1);
}

void plot_render(const struct plot *p, struct buf *out)
{
	struct drawing d = { .plot = p, .out = out, .top = HEAD + LABELS };

	d.x0 = MARGIN + (double)name_length(p) * CHAR_WIDTH + 10;
	d.bottom = d.top + (double)p->n * ROW;
	find_times(&d);
	put_heading(&d, d.x0 + AXIS + BEHIND + MARGIN,
		    d.bottom + MARGIN + (p->n >= LABELS_BELOW ? LABELS : 0));
	put_legend(&d);
	put_axis(&d);
	for (size_t i = 0; i < p->n; i++)
		put_row(&d, i);
	buf_puts(out, "</svg>\n");
}
