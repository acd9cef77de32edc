/* net_files: /proc/net/{tcp,tcp6,udp,udp6,netstat,snmp,softnet_stat,dev} */
#include "proc/net_files.h"

#include <arpa/inet.h>
#include <string.h>

/* Takes up to 16 hexadecimal digits as a number; false: no number. */
static bool
hex_number(struct text t, uint64_t *v)
{
	static const char digits[] = "0123456789ABCDEF0123456789abcdef";

	*v = 0;
	for (size_t i = 0; i < t.n; i++) {
		const char *digit = t.s[i] ? strchr(digits, t.s[i]) : NULL;
		if (!digit || t.n > 16)
			return false;
		*v = *v << 4 | (uint64_t)(digit - digits) % 16;
	}
	return t.n > 0;
}

/* "0100007F:1F90": words of 32 bits as the machine has them in memory, and the port. */
static bool
parse_address(struct text t, bool v6, struct arena *a, const char **out)
{
	struct text words;
	uint32_t bytes[4];
	uint64_t port, word;
	char name[SOCK_ADDRESS];
	size_t n = v6 ? 4 : 1;

	if (!text_split(&t, ':', &words) || words.n != 8 * n || !hex_number(t, &port) ||
	    port > UINT16_MAX)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!hex_number((struct text){ words.s + 8 * i, 8 }, &word))
			return false;
		bytes[i] = (uint32_t)word;
	}
	*out = arena_copy(a, text_of(sock_address(name, bytes, v6, (unsigned)port)));
	return true;
}

/* "tx_queue:rx_queue" */
static bool
parse_pair(struct text t, uint64_t *first, uint64_t *second)
{
	struct text part;

	return text_split(&t, ':', &part) && hex_number(part, first) && hex_number(t, second);
}

/* The words of a line of tcp or udp; udp has the drops at its end. */
enum word {
	SLOT,
	LOCAL,
	PEER,
	STATE,
	QUEUES,
	TIMER,
	TRIES,
	USER,
	TIMEOUT,
	INODE,
	DROPS = 12,
	WORDS
};

static size_t
split(struct text line, struct text word[WORDS])
{
	size_t n = 0;

	while (n < WORDS && text_word(&line, &word[n]))
		n++;
	return n;
}

static struct keyed
queue_of(const struct sock_row *r, uint64_t bytes, bool receive)
{
	const struct keyed unknown = { .known = false };

	if (r->type != SOCK_OF_TCP)
		return keyed_of(bytes);
	if (r->state == SOCK_LISTEN && !receive)
		return unknown; /* the file has no backlog of a listener */
	return keyed_of(sock_without_fin(r->state, bytes, receive));
}

static bool
parse_socket(const struct text word[WORDS], size_t n, bool v6, struct arena *a, struct sock_row *r)
{
	uint64_t state, sendq, recvq, uid, v;

	if (n <= INODE || !hex_number(word[STATE], &state) || state >= SOCK_STATES ||
	    !parse_pair(word[QUEUES], &sendq, &recvq) || text_u64(word[USER], &uid) < 0 ||
	    uid > UINT32_MAX || text_u64(word[INODE], &r->inode) < 0)
		return false;
	r->state = (enum sock_state)state;
	r->uid = (uint32_t)uid;
	r->recvq = queue_of(r, recvq, true);
	r->sendq = queue_of(r, sendq, false);
	if (r->type == SOCK_OF_UDP) {
		r->figure[FIGURE_RMEM] = keyed_of(recvq);
		if (n > DROPS && text_u64(word[DROPS], &v) == 0)
			r->figure[FIGURE_DROPS] = keyed_of(v);
	} else if (state != SOCK_LISTEN && hex_number(word[TRIES], &v)) {
		r->figure[FIGURE_TRIES] = keyed_of(v);
	}
	return (r->state != SOCK_LISTEN && r->recvq.v == 0 && r->sendq.v == 0) ||
	    (parse_address(word[LOCAL], v6, a, &r->local) &&
		parse_address(word[PEER], v6, a, &r->peer));
}

void
net_sockets_parse(
    struct text t, enum sock_type type, bool v6, struct arena *a, struct sock_netns *s)
{
	struct text line, word[WORDS];

	text_line(&t, &line); /* the headings */
	while (text_whole_line(&t, &line)) {
		struct sock_row r = { .type = type };
		size_t n = split(line, word);
		if (!parse_socket(word, n, v6, a, &r) || r.state == SOCK_TIME_WAIT)
			continue;
		s->count[type].sockets++;
		if (r.state != SOCK_LISTEN) {
			s->count[type].recvq += r.recvq.v;
			s->count[type].sendq += r.sendq.v;
		}
		if (r.local)
			*sock_row_add(s, a) = r;
	}
}

void
net_counters_parse(
    struct text t, const char *name, const char *const *keys, size_t n, struct keyed *out)
{
	struct text names, values, key, value;

	memset(out, 0, n * sizeof *out);
	while (text_whole_line(&t, &names)) {
		if (!text_skip(&names, name) || !text_whole_line(&t, &values) ||
		    !text_skip(&values, name))
			continue;
		while (text_word(&names, &key) && text_word(&values, &value))
			for (size_t i = 0; i < n; i++) {
				uint64_t v;
				if (text_eq(key, keys[i]) && text_u64(value, &v) == 0)
					out[i] = keyed_of(v);
			}
	}
}

size_t
softnet_parse(struct text t, struct arena *a, struct softnet **out)
{
	enum { PROCESSED, DROPPED, SQUEEZED, BACKLOG = 11, CPU, FIELDS };
	struct text line, word;
	size_t n = 0, room = 0;

	*out = NULL;
	while (text_whole_line(&t, &line)) {
		struct keyed f[FIELDS] = { { .known = false } };
		for (size_t i = 0; i < FIELDS && text_word(&line, &word); i++)
			f[i].known = hex_number(word, &f[i].v);
		if (!f[SQUEEZED].known)
			continue;
		*out = arena_grow(a, *out, n, &room, sizeof **out);
		(*out)[n] = (struct softnet){
			.cpu = f[CPU].known && f[CPU].v < UINT16_MAX ? (unsigned)f[CPU].v :
								       (unsigned)n,
			.processed = f[PROCESSED],
			.dropped = f[DROPPED],
			.squeezed = f[SQUEEZED],
			.backlog = f[BACKLOG],
		};
		n++;
	}
	return n;
}

/* "  eth0: 16 numbers": the fourth is the dropped packets of those received. */
struct keyed
net_device_drops(struct text t)
{
	struct text line, head, name;
	struct keyed sum = { .known = false };
	uint64_t v[4];

	while (text_whole_line(&t, &line)) {
		if (!memchr(line.s, ':', line.n) || !text_split(&line, ':', &head) ||
		    !text_word(&head, &name) || text_eq(name, "lo"))
			continue;
		bool known = true;
		for (int i = 0; i < 4; i++)
			known &= text_next_u64(&line, &v[i]) == 0;
		if (known)
			sum = keyed_of(sum.v + v[3]);
	}
	return sum;
}
