#include "cli/column_choice.h"

#include <stdio.h>
#include <string.h>

#include "base/fail.h"

static void
show(struct column_choice *c, int column)
{
	for (int i = 0; i < c->nshown; i++)
		if (c->shown[i] == column)
			die(EXIT_USAGE, "-c: column '%s' is named twice",
			    c->tool->columns[column].key);
	c->shown[c->nshown++] = column;
}

void
columns_unknown(const struct tool *t, struct text key)
{
	struct nearest near = nearest_to(key);

	columns_nearest(&near, t->columns);
	if (near.name)
		die(EXIT_USAGE, "unknown column '%.*s'; did you mean '%s'?", (int)key.n, key.s,
		    near.name);
	die(EXIT_USAGE, "unknown column '%.*s' ('pq %s --columns' lists all%s%s)", (int)key.n,
	    key.s, t->name, t->forms ? ", and more with " : "", t->forms ? t->forms_by : "");
}

static void
show_listed(struct column_choice *c, const char *list)
{
	struct text rest = text_of(list), key;

	while (text_split(&rest, ',', &key)) {
		int column = columns_find(c->tool->columns, key);
		if (column < 0)
			columns_unknown(c->tool, key);
		show(c, column);
	}
	if (c->nshown == 0)
		die(EXIT_USAGE, "-c: empty list: want column keys ('pq %s --columns' lists all)",
		    c->tool->name);
}

static bool
group_is_listed(const char *list, const char *group)
{
	struct text rest = text_of(list), name;

	while (text_split(&rest, ',', &name))
		if (text_eq(name, "all") || text_eq(name, group))
			return true;
	return false;
}

static void
check_groups(const struct tool *t, const char *list)
{
	struct text rest = text_of(list), name;

	while (text_split(&rest, ',', &name)) {
		bool known = text_eq(name, "all");
		for (int i = 0; t->columns[i].key && !known; i++)
			known = t->columns[i].group && text_eq(name, t->columns[i].group);
		if (!known)
			die(EXIT_USAGE,
			    "unknown column group '%.*s' ('pq %s --columns' shows the group of "
			    "each column)",
			    (int)name.n, name.s, t->name);
	}
}

static bool
group_is_wished(const struct column_wish *w, const char *group)
{
	for (size_t i = 0; w->also[i]; i++)
		if (strcmp(w->also[i], group) == 0)
			return true;
	return w->all_groups || group_is_listed(w->groups, group);
}

/* A line for flame graphs consists of frames and one count. */
static void
check_folded(const struct column_choice *c)
{
	int figures = 0;

	for (int i = 0; i < c->nshown; i++)
		figures += c->tool->columns[c->shown[i]].kind != LABEL;
	if (figures != 1)
		die(EXIT_USAGE,
		    "-c: with --folded, want labels and one figure, such as process,where,samples");
}

/* Shows the tool's own default columns, or those without a group, and then the wished groups. */
static void
show_usual(struct column_choice *c, const struct column_wish *w)
{
	if (w->usual)
		show_listed(c, w->usual);
	for (int i = 0, listed = c->nshown; c->tool->columns[i].key; i++) {
		const char *group = c->tool->columns[i].group;
		bool wanted = group ? group_is_wished(w, group) : !w->usual;
		for (int j = 0; j < listed; j++)
			wanted &= c->shown[j] != i;
		if (wanted)
			show(c, i);
	}
}

void
columns_choose(struct column_choice *c, const struct tool *t, const struct column_wish *w)
{
	*c = (struct column_choice){ .tool = t };
	check_groups(t, w->groups);
	if (w->list)
		show_listed(c, w->list);
	else
		show_usual(c, w);
	if (w->folded)
		check_folded(c);
}

/* ---- --spark */

static bool
is_figure(const struct column *c)
{
	return c->kind != LABEL && c->kind != FLAG;
}

static bool
is_shown(const struct column_choice *c, int column)
{
	for (int i = 0; i < c->nshown; i++)
		if (c->shown[i] == column)
			return true;
	return false;
}

static void
add_spark(struct column_choice *c, int column)
{
	const char *key = c->tool->columns[column].key;

	if (!is_figure(&c->tool->columns[column]))
		die(EXIT_USAGE, "--spark: column '%s' is not a figure", key);
	if (!is_shown(c, column))
		die(EXIT_USAGE, "--spark: column '%s' is not shown (-c or -w shows it)", key);
	for (int i = 0; i < c->nsparks; i++)
		if (c->sparks[i] == column)
			die(EXIT_USAGE, "--spark: column '%s' is named twice", key);
	if (c->nsparks == SPARKS_MOST)
		die(EXIT_USAGE, "--spark: too many columns (at most %d)", SPARKS_MOST);
	c->sparks[c->nsparks++] = column;
}

/* The tool's main figures or, if -c shows none of them, the first figure. */
static void
add_usual_sparks(struct column_choice *c)
{
	struct text rest = text_of(c->tool->spark ? c->tool->spark : ""), key;

	while (text_split(&rest, ',', &key)) {
		int column = columns_find(c->tool->columns, key);
		if (is_shown(c, column))
			add_spark(c, column);
	}
	for (int i = 0; c->nsparks == 0 && i < c->nshown; i++)
		if (is_figure(&c->tool->columns[c->shown[i]]))
			add_spark(c, c->shown[i]);
	if (c->nsparks == 0)
		die(EXIT_USAGE, "--spark: -c shows no figure");
}

void
columns_spark(struct column_choice *c, const char *list)
{
	struct text rest = text_of(list), key;

	if (rest.n == 0)
		add_usual_sparks(c);
	while (text_split(&rest, ',', &key)) {
		int column = columns_find(c->tool->columns, key);
		if (column < 0)
			columns_unknown(c->tool, key);
		add_spark(c, column);
	}
}

/* ---- --labels and --columns */

const char labels_want[] = "a list of pod, namespace, container, unit and job";

/* The tools that show cgroups have the same names. */
uint64_t
columns_labels(const struct column *columns, const char *labels)
{
	struct text unknown, none;

	if (!labels)
		return 0;
	columns_extra(tool_throttle.columns, labels, &unknown);
	if (unknown.n > 0 || !*labels)
		die(EXIT_USAGE, "--labels: unknown label '%.*s': want %s", (int)unknown.n,
		    unknown.s, labels_want);
	return columns_extra(columns, labels, &none);
}

static int
longer(int width, const char *s)
{
	int n = (int)strlen(s);

	return n > width ? n : width;
}

void
columns_print(const struct tool *t)
{
	static const char usual[] = "default";
	static const char *const kinds[] = { "label", "gauge", "count", "rate", "share", "flag" };
	static const char *const units[] = { "-", "CPUs", "%", "bytes", "ms", "1/s", "us" };

	int key = 0, heading = 0, group = (int)strlen(usual);

	for (const struct column *c = t->columns; c->key; c++) {
		key = longer(key, c->key);
		heading = longer(heading, c->heading);
		group = longer(group, c->group ? c->group : usual);
	}
	for (const struct column *c = t->columns; c->key; c++)
		printf("%-*s %-*s %-5s %-5s %-*s %s\n", key, c->key, heading,
		    *c->heading ? c->heading : "-", kinds[c->kind], units[c->unit], group,
		    c->group ? c->group : usual, c->help);
}
