/* sockets: rows of sockets, and their text. */
#include "proc/sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"

const char *const sock_type_names[] = { "tcp", "udp", "unix", NULL };

const char *const sock_state_names[] = { "-", "ESTAB", "SYN-SENT", "SYN-RECV", "FIN-WAIT-1",
	"FIN-WAIT-2", "TIME-WAIT", "UNCONN", "CLOSE-WAIT", "LAST-ACK", "LISTEN", "CLOSING", NULL };

static const char *const figure_names[] = { "rmem", "rcvbuf", "wmem", "sndbuf", "drops", "unsent",
	"rtt", "retrans", "tries", "recv", "ack", "received", "window", "rwnd", "snd", NULL };

/* The index of the word; -1: it is none of them. */
static int
find_word(const char *const *words, struct text word)
{
	for (int i = 0; words[i]; i++)
		if (text_eq(word, words[i]))
			return i;
	return -1;
}

/* Sequence numbers count a FIN as a byte: one that the peer has sent, or one of our own that is not
 * acknowledged yet. */
uint64_t
sock_without_fin(enum sock_state state, uint64_t queue, bool receive)
{
	bool has = receive ? state == SOCK_CLOSE_WAIT || state == SOCK_LAST_ACK ||
		state == SOCK_CLOSING || state == SOCK_TIME_WAIT :
			     state == SOCK_FIN_WAIT_1 || state == SOCK_LAST_ACK ||
		state == SOCK_CLOSING || state == SOCK_SYN_SENT || state == SOCK_SYN_RECV;

	return has && queue > 0 ? queue - 1 : queue;
}

const char *
sock_address(char out[SOCK_ADDRESS], const void *bytes, bool v6, unsigned port)
{
	char name[INET6_ADDRSTRLEN] = "";

	inet_ntop(v6 ? AF_INET6 : AF_INET, bytes, name, sizeof name);
	snprintf(out, SOCK_ADDRESS, v6 ? "[%s]:%u" : "%s:%u", name, port);
	return out;
}

/* ---- Print */

/* A word; "-" for NULL or an empty one. */
static void
print_word(struct buf *out, const char *s)
{
	char octal[8];

	buf_char(out, ' ');
	if (!s || !*s || strcmp(s, "-") == 0)
		buf_char(out, '-');
	for (; s && *s && strcmp(s, "-") != 0; s++) {
		unsigned char c = (unsigned char)*s;
		if (c > ' ' && c < 0x7f && c != '\\') {
			buf_char(out, *s);
			continue;
		}
		snprintf(octal, sizeof octal, "\\%03o", c);
		buf_text(out, octal);
	}
}

static void
print_number(struct buf *out, struct keyed k)
{
	buf_char(out, ' ');
	if (k.known)
		buf_u64(out, k.v, 1);
	else
		buf_char(out, '-');
}

void
sock_row_print(const struct sock_row *r, struct buf *out)
{
	buf_text(out, "socket ");
	buf_text(out, sock_type_names[r->type]);
	buf_char(out, ' ');
	buf_text(out, sock_state_names[r->state]);
	print_word(out, r->local);
	print_word(out, r->peer);
	print_number(out, keyed_of(r->inode));
	print_number(out, keyed_of(r->cookie));
	print_number(out, keyed_of(r->uid));
	print_number(out, r->recvq);
	print_number(out, r->sendq);
	print_number(out, r->pid);
	print_number(out, r->owners);
	print_word(out, r->comm);
	for (int i = 0; i < SOCK_FIGURES; i++) {
		if (!r->figure[i].known)
			continue;
		buf_char(out, ' ');
		buf_text(out, figure_names[i]);
		buf_char(out, '=');
		buf_u64(out, r->figure[i].v, 1);
	}
	buf_char(out, '\n');
}

void
sock_netns_print(const struct sock_netns *s, struct buf *out)
{
	buf_text(out, "netns");
	print_number(out, keyed_of(s->number));
	print_number(out, keyed_of(s->pid));
	buf_char(out, '\n');
	for (int i = 0; i < SOCK_TYPES; i++) {
		const struct sock_count *c = &s->count[i];
		buf_text(out, "type ");
		buf_text(out, sock_type_names[i]);
		buf_text(out, c->known ? " netlink" : " files");
		const uint64_t numbers[] = { c->sockets, c->recvq, c->sendq, c->left_out };
		for (int k = 0; k < 4 && c->known; k++)
			print_number(out, keyed_of(numbers[k]));
		buf_char(out, '\n');
	}
	if (s->changing)
		buf_text(out, "mark changing\n");
	if (s->hidden)
		buf_text(out, "mark hidden\n");
}

/* ---- Parse */

static bool
next_word(struct text *line, struct arena *a, const char **out)
{
	struct text word;

	if (!text_word(line, &word))
		return false;
	*out = text_eq(word, "-") ? NULL : arena_copy(a, word);
	return true;
}

static bool
next_number(struct text *line, uint64_t most, uint64_t *out)
{
	return text_next_u64(line, out) == 0 && *out <= most;
}

static bool
next_of(struct text *line, const char *const *words, int *out)
{
	struct text word;

	*out = text_word(line, &word) ? find_word(words, word) : -1;
	return *out >= 0;
}

/* "rtt=812"; figures of later versions are skipped. */
static void
take_figures(struct text *line, struct sock_row *r)
{
	struct text word, name;
	uint64_t v;

	while (text_word(line, &word)) {
		int i = text_split(&word, '=', &name) ? find_word(figure_names, name) : -1;
		if (i >= 0 && text_u64(word, &v) == 0)
			r->figure[i] = keyed_of(v);
	}
}

static bool
parse_row(struct text line, struct arena *a, struct sock_row *r)
{
	int type, state;
	uint64_t uid;

	if (!next_of(&line, sock_type_names, &type) || !next_of(&line, sock_state_names, &state) ||
	    !next_word(&line, a, &r->local) || !next_word(&line, a, &r->peer) ||
	    !next_number(&line, UINT64_MAX, &r->inode) ||
	    !next_number(&line, UINT64_MAX, &r->cookie) || !next_number(&line, UINT32_MAX, &uid) ||
	    !keyed_next(&line, "-", &r->recvq) || !keyed_next(&line, "-", &r->sendq) ||
	    !keyed_next(&line, "-", &r->pid) || !keyed_next(&line, "-", &r->owners) ||
	    !next_word(&line, a, &r->comm))
		return false;
	r->type = (enum sock_type)type;
	r->state = (enum sock_state)state;
	r->uid = (uint32_t)uid;
	take_figures(&line, r);
	return true;
}

/* "tcp netlink 10012 5131 90112 0" or "tcp files" */
static bool
parse_type(struct text line, struct sock_netns *s)
{
	static const char *const sources[] = { "files", "netlink", NULL };
	int type, source;

	if (!next_of(&line, sock_type_names, &type) || !next_of(&line, sources, &source))
		return false;
	struct sock_count *c = &s->count[type];
	c->known = source == 1;
	return !c->known ||
	    (next_number(&line, UINT64_MAX, &c->sockets) &&
		next_number(&line, UINT64_MAX, &c->recvq) &&
		next_number(&line, UINT64_MAX, &c->sendq) &&
		next_number(&line, UINT64_MAX, &c->left_out));
}

struct sock_row *
sock_row_add(struct sock_netns *s, struct arena *a)
{
	s->v = arena_grow(a, s->v, s->n, &s->room, sizeof *s->v);
	s->v[s->n] = (struct sock_row){ .type = SOCK_OF_TCP };
	return &s->v[s->n++];
}

static bool
parse_line(struct text line, struct arena *a, struct sock_netns *s)
{
	if (text_skip(&line, "type "))
		return parse_type(line, s);
	if (text_skip(&line, "mark ")) {
		s->changing |= text_eq(line, "changing");
		s->hidden |= text_eq(line, "hidden");
		return true;
	}
	return !text_skip(&line, "socket ") || parse_row(line, a, sock_row_add(s, a));
}

int
sock_parse(struct text t, struct arena *a, struct sock_netns **v, size_t *n)
{
	struct text line;
	size_t room = 0;

	*v = NULL;
	*n = 0;
	while (text_whole_line(&t, &line)) {
		if (!text_skip(&line, "netns ")) {
			if (*n == 0 || !parse_line(line, a, &(*v)[*n - 1]))
				return fail_with(EINVAL);
			continue;
		}
		*v = arena_grow(a, *v, *n, &room, sizeof **v);
		struct sock_netns *s = &(*v)[(*n)++];
		*s = (struct sock_netns){ .number = 0 };
		if (text_next_u64(&line, &s->number) < 0 ||
		    !next_number(&line, UINT32_MAX, &s->pid))
			return fail_with(EINVAL);
	}
	return t.n > 0 ? fail_with(EINVAL) : 0;
}

bool
sock_tick_line(struct text *rest, uint64_t *inode, uint64_t *length)
{
	struct text line;

	return text_whole_line(rest, &line) && text_next_u64(&line, inode) == 0 &&
	    text_next_u64(&line, length) == 0;
}
