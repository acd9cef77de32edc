#include "tape/state.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/code.h"
#include "base/fail.h"
#include "tape/format.h"

enum { ERRNO_MOST = 4095 };

/* Whether the path stays below the root: unpacking creates files at these paths. */
static bool
is_path(struct text path)
{
	struct text rest = path, part;

	if (path.n == 0 || path.n >= PATH_LONGEST || path.s[0] == '/' ||
	    memchr(path.s, '\0', path.n))
		return false;
	while (text_split(&rest, '/', &part))
		if (part.n == 0 || text_eq(part, ".") || text_eq(part, ".."))
			return false;
	return true;
}

/* ---- A bit of each path */

static size_t
words_for(uint32_t paths)
{
	return (paths + 63) / 64;
}

static void
set_bit(uint64_t *bits, uint32_t i)
{
	bits[i / 64] |= UINT64_C(1) << i % 64;
}

static void
clear_bits(uint64_t *bits, uint32_t paths)
{
	if (paths > 0)
		memset(bits, 0, words_for(paths) * sizeof *bits);
}

/* The first path from i on whose bit is set, below n; n: none. */
static uint32_t
next_bit(const uint64_t *bits, uint32_t i, uint32_t n)
{
	while (i < n) {
		uint64_t rest = bits[i / 64] >> i % 64;
		if (rest) {
			i += (uint32_t)__builtin_ctzll(rest);
			return i < n ? i : n;
		}
		i = (i / 64 + 1) * 64;
	}
	return n;
}

/* ---- Records */

/* Doubles the room for paths. Memory of paths beyond them is kept for reuse. */
static void
grow(struct playback *p)
{
	uint32_t room = p->room ? p->room * 2 : 64;

	p->v = xrealloc(p->v, room * sizeof *p->v);
	memset(p->v + p->room, 0, (room - p->room) * sizeof *p->v);
	p->counts = xrealloc(p->counts, room * sizeof *p->counts);
	p->fresh = xrealloc(p->fresh, words_for(room) * sizeof *p->fresh);
	p->whole = xrealloc(p->whole, words_for(room) * sizeof *p->whole);
	size_t before = words_for(p->room), added = words_for(room) - before;
	memset(p->fresh + before, 0, added * sizeof *p->fresh);
	memset(p->whole + before, 0, added * sizeof *p->whole);
	p->room = room;
}

/* Takes the path of a new track, which gets the next number. */
static bool
add_path(struct playback *p, struct text *rest)
{
	struct text path;

	if (!code_get_text(rest, &path) || !is_path(path) || map_find(&p->paths, path) >= 0 ||
	    p->paths.n == TAPE_TRACKS_MOST)
		return false;
	if (p->paths.n == p->room)
		grow(p);
	uint32_t i = map_put(&p->paths, path);
	p->v[i].asked = false;
	p->v[i].list = path.s[path.n - 1] == '/';
	p->counts[i] = 0;
	p->unasked = true;
	return true;
}

static bool
take_words(struct words *w, struct text *rest)
{
	struct text text;
	uint64_t error;

	if (!code_get(rest, &error) || error > ERRNO_MOST ||
	    (!error && !code_get_text(rest, &text)))
		return false;
	w->error = (int)error;
	if (!error)
		figures_take(&w->figures, text);
	return true;
}

static const struct words *
words_of(const struct played *t)
{
	return t->is_own ? &t->own : &t->key;
}

static void
note_change(struct playback *p, uint32_t i)
{
	struct played *t = &p->v[i];

	set_bit(p->fresh, i);
	t->stale = true;
	t->parser = NULL;
	p->lists += t->list;
}

/* Takes the numbers in the text of the words. */
static void
begin_numbers(struct playback *p, uint32_t i)
{
	struct played *t = &p->v[i];

	note_change(p, i);
	if (p->counts[i] > 0)
		memcpy(t->values, words_of(t)->figures.values, p->counts[i] * sizeof *t->values);
}

/* Makes the words valid, with the numbers in their text. */
static void
begin_with(struct playback *p, uint32_t i, bool own)
{
	struct played *t = &p->v[i];

	t->is_own = own;
	t->binding.by = NULL;
	t->printed.valid = false;
	const struct words *w = words_of(t);
	p->counts[i] = w->error ? 0 : (uint32_t)w->figures.count;
	if (t->room < p->counts[i]) {
		t->room = p->counts[i];
		t->values = xrealloc(t->values, t->room * sizeof *t->values);
	}
	begin_numbers(p, i);
}

int
playback_key(struct playback *p, struct text record)
{
	uint64_t n;

	map_clear(&p->paths);
	p->numbering++;
	p->keyed = 0;
	if (!code_get(&record, &n))
		return -1;
	for (; n > 0; n--) {
		if (!add_path(p, &record) || !take_words(&p->v[p->paths.n - 1].key, &record)) {
			map_clear(&p->paths);
			return -1;
		}
		begin_with(p, p->paths.n - 1, false);
	}
	p->keyed = p->paths.n;
	return 0;
}

/* Takes the full texts of a record. */
static bool
take_whole(struct playback *p, struct text *rest)
{
	uint64_t n, i;

	if (!code_get(rest, &n))
		return false;
	for (; n > 0; n--) {
		if (!code_get(rest, &i) || i > p->paths.n ||
		    (i == p->paths.n && !add_path(p, rest)) || !take_words(&p->v[i].own, rest))
			return false;
		begin_with(p, (uint32_t)i, true);
		set_bit(p->whole, (uint32_t)i);
	}
	return true;
}

/* Takes the changes of the numbers of all other tracks. */
static bool
take_numbers(struct playback *p, struct text rest)
{
	struct deltas_read d = { .rest = rest };

	for (uint32_t next = 0, i = 0; i < p->paths.n; i = next + 1) {
		next = next_bit(p->whole, i, p->paths.n);
		for (; i < next; i++)
			if (d.zeros >= p->counts[i])
				d.zeros -= p->counts[i];
			else if (deltas_add(&d, p->v[i].values, p->counts[i]))
				note_change(p, i);
	}
	return !d.bad && (d.rest.n == 0);
}

static void
begin_sample(struct playback *p, bool from_key)
{
	clear_bits(p->fresh, p->paths.n);
	clear_bits(p->whole, p->paths.n);
	if (!from_key)
		return;
	p->lists++; /* of the tracks that are known no longer, too */
	p->numbering += p->paths.n > p->keyed;
	map_truncate(&p->paths, p->keyed);
	for (uint32_t i = 0; i < p->paths.n; i++)
		if (p->v[i].is_own)
			begin_with(p, i, false);
		else if (p->counts[i] > 0)
			begin_numbers(p, i); /* what is known of the words remains valid */
}

int
playback_sample(struct playback *p, struct text record, bool from_key)
{
	begin_sample(p, from_key);
	return take_whole(p, &record) && take_numbers(p, record) ? 0 : -1;
}

int
playback_text(struct playback *p, const char *path, struct text *text)
{
	int i = map_find(&p->paths, text_of(path));

	if (i < 0)
		return fail_with(ENODATA);
	return playback_track(p, (uint32_t)i, text);
}

int
playback_track(struct playback *p, uint32_t i, struct text *text)
{
	struct played *t = &p->v[i];
	const struct words *w = words_of(t);

	if (w->error) {
		errno = w->error;
		return -1;
	}
	if (t->stale) {
		figures_show(&w->figures, t->values, &t->printed);
		t->stale = false;
	}
	*text = (struct text){ t->printed.text.s, t->printed.text.n };
	return 0;
}

/* ---- Parsing */

/* Whether a number is part of a name: that of "avg10". */
static bool
is_in_name(const struct figures *f, size_t i)
{
	const struct spot *spot = &f->spots[i];
	unsigned char before = spot->at > 0 ? (unsigned char)f->text.s[spot->at - 1] : ' ';

	return spot->kind == FIGURE_PLAIN && (isalpha(before) || before == '_');
}

/* Replaces the numbers of the text, except those in names, by marks that increase one by one, and finds the
 * numbers of the parser in it. */
static void
find_marks(const struct figures *f, const struct parser *by, uint64_t mark, struct keyed_list *out)
{
	struct buf text = { 0 };
	size_t at = 0;

	buf_room(&text, f->text.n + 1); /* not NULL, even for an empty text */
	for (size_t i = 0; i < f->count; i++) {
		const struct spot *spot = &f->spots[i];
		if (is_in_name(f, i))
			continue;
		buf_add(&text, f->text.s + at, spot->at - at);
		buf_text(&text, spot->kind == FIGURE_PADDED ? " " : "");
		buf_u64(&text, mark + i, 1);
		at = spot->at + spot->n;
	}
	buf_add(&text, f->text.s + at, f->text.n - at);
	parser_find(by, (struct text){ text.s, text.n }, out);
	buf_free(&text);
}

static void
bind_names(struct binding *b, const struct figures *f)
{
	b->nnames = 0;
	for (size_t i = 0; i < f->count; i++) {
		if (!is_in_name(f, i))
			continue;
		b->names = xgrow(b->names, b->nnames, &b->names_room, sizeof *b->names);
		b->names[b->nnames++] = i;
	}
}

/* Learns which numbers of the text are those of the parser. What another mark changes is a number that varies;
 * the rest is part of the words. */
static void
bind(struct binding *b, const struct figures *f, const struct parser *by)
{
	const uint64_t mark = UINT64_C(1) << 40, other = UINT64_C(1) << 41;
	struct keyed_list plain = { 0 }, first = { 0 }, second = { 0 };

	parser_find(by, (struct text){ f->text.s, f->text.n }, &plain);
	find_marks(f, by, mark, &first);
	find_marks(f, by, other, &second);
	b->n = 0;
	for (size_t k = 0; k < plain.n; k++) {
		struct keyed is = plain.v[k];
		bool moves = is.known && first.v[k].known && first.v[k].v != second.v[k].v;
		b->keys = xgrow(b->keys, b->n, &b->room, sizeof *b->keys);
		b->keys[b->n++] = (struct bound_key){ is, moves ? first.v[k].v - mark : 0, moves };
	}
	keyed_list_free(&plain);
	keyed_list_free(&first);
	keyed_list_free(&second);
	bind_names(b, f);
	b->by = by;
}

/* Whether the numbers in names are as they were when the binding was made. */
static bool
has_names(const struct binding *b, const struct figures *f, const uint64_t *values)
{
	for (size_t i = 0; i < b->nnames; i++)
		if (values[b->names[i]] != f->values[b->names[i]])
			return false;
	return true;
}

/* The numbers of its keys. */
static void
take_keys(const struct binding *b, const uint64_t *values, struct keyed *v)
{
	for (size_t k = 0; k < b->n; k++) {
		const struct bound_key *key = &b->keys[k];
		v[k] = key->fixed;
		if (!key->moves)
			continue;
		uint64_t now = values[key->place];
		/* keyed_parse takes no larger ones */
		v[k] = b->by->find || now <= INT64_MAX ? keyed_of(now) : (struct keyed){ 0 };
	}
}

static int
parse(struct playback *p, uint32_t i, const struct parser *by, void *out)
{
	struct played *t = &p->v[i];
	const struct figures *f = &words_of(t)->figures;
	struct text text;

	if (!by->parse && t->binding.by != by)
		bind(&t->binding, f, by);
	if (by->parse || !has_names(&t->binding, f, t->values)) {
		playback_track(p, i, &text);
		return parser_apply(by, text, out);
	}
	p->found.n = 0;
	take_keys(&t->binding, t->values, keyed_list_add(&p->found, t->binding.n));
	return by->set(p->found.v, p->found.n, out);
}

int
playback_parse(struct playback *p, uint32_t i, const struct parser *by, void *out)
{
	struct played *t = &p->v[i];
	const struct words *w = words_of(t);

	if (w->error) {
		errno = w->error;
		return -1;
	}
	if (by->size == 0)
		return parse(p, i, by, out);
	if (t->parser != by) {
		if (t->value_room < by->size) {
			t->value = xrealloc(t->value, by->size);
			t->value_room = by->size;
		}
		memset(t->value, 0, by->size);
		t->value_error = parse(p, i, by, t->value) < 0 ? errno : 0;
		t->parser = by;
	}
	memcpy(out, t->value, by->size);
	errno = t->value_error;
	return t->value_error ? -1 : 0;
}

bool
playback_is_fresh(const struct playback *p, uint32_t i)
{
	return p->fresh[i / 64] >> i % 64 & 1;
}

static void
observe_track(struct playback *p, uint32_t i, const struct observer *o)
{
	struct played *t = &p->v[i];
	const char *path = map_key(&p->paths, i).s;
	struct text text = { "", 0 };

	bool first = !t->asked;
	if (first)
		t->wants = o->wants(path);
	t->asked = true;
	if (t->wants == OBSERVED_NOT || !(first || playback_is_fresh(p, i)))
		return;
	if (t->wants == OBSERVED_TEXT)
		o->read(o->about, path, playback_track(p, i, &text) < 0 ? errno : 0, text);
	else if (p->counts[i] > 0)
		o->number(o->about, path, t->values[0]);
}

void
playback_observe(struct playback *p, const struct observer *o)
{
	const uint32_t n = p->paths.n;

	for (uint32_t i = 0; p->unasked && i < n; i++)
		observe_track(p, i, o);
	for (uint32_t i = 0; !p->unasked && (i = next_bit(p->fresh, i, n)) < n; i++)
		observe_track(p, i, o);
	p->unasked = false;
}

static void
free_played(struct played *t)
{
	figures_free(&t->key.figures);
	figures_free(&t->own.figures);
	free(t->values);
	free(t->value);
	free(t->binding.keys);
	free(t->binding.names);
	printed_free(&t->printed);
}

void
playback_free(struct playback *p)
{
	for (uint32_t i = 0; i < p->room; i++)
		free_played(&p->v[i]);
	free(p->v);
	free(p->counts);
	free(p->fresh);
	free(p->whole);
	keyed_list_free(&p->found);
	map_free(&p->paths);
	*p = (struct playback){ 0 };
}
