/* Rows of sockets: their text, and the files of /proc/net. */
#include "proc/sockets.h"

#include <errno.h>

#include "proc/net_files.h"
#include "unit.h"

static struct arena arena;

static void
keeps_rows(void)
{
	struct sock_row r = { .type = SOCK_OF_TCP,
		.state = SOCK_LISTEN,
		.local = "0.0.0.0:80",
		.peer = "0.0.0.0:0",
		.inode = 81712,
		.cookie = UINT64_MAX,
		.uid = 33,
		.recvq = keyed_of(507),
		.sendq = keyed_of(511),
		.pid = keyed_of(4242),
		.owners = keyed_of(3),
		.comm = "a b\\c\n" };
	struct sock_netns head = { .number = 4026531840, .pid = 7, .changing = true }, *ns;
	struct buf b = { 0 };
	size_t n;

	r.figure[FIGURE_DROPS] = keyed_of(9);
	r.figure[FIGURE_SND_US] = keyed_of(0);
	head.count[SOCK_OF_TCP] = (struct sock_count){ true, 10012, 5131, 90112, 4 };
	sock_netns_print(&head, &b);
	sock_row_print(&r, &b);
	sock_row_print(&(struct sock_row){ .type = SOCK_OF_UNIX }, &b);
	CHECK_TEXT(b,
	    "netns 4026531840 7\ntype tcp netlink 10012 5131 90112 4\ntype udp files\ntype unix "
	    "files\nmark changing\n"
	    "socket tcp LISTEN 0.0.0.0:80 0.0.0.0:0 81712 18446744073709551615 33 507 511 4242 3 "
	    "a\\040b\\134c\\012 drops=9 snd=0\n"
	    "socket unix - - - 0 0 0 - - - - -\n");
	CHECK_INT(sock_parse(TN(b.s, b.n), &arena, &ns, &n), 0);
	CHECK_INT(n, 1);
	CHECK_U64(ns->number, 4026531840);
	CHECK(ns->changing && !ns->hidden);
	CHECK(ns->count[SOCK_OF_TCP].known && !ns->count[SOCK_OF_UDP].known);
	CHECK_U64(ns->count[SOCK_OF_TCP].left_out, 4);
	CHECK_INT(ns->n, 2);
	CHECK_U64(ns->v[0].sendq.v, 511);
	CHECK_STRING(ns->v[0].comm, "a\\040b\\134c\\012");
	CHECK(ns->v[0].figure[FIGURE_SND_US].known && !ns->v[0].figure[FIGURE_RTT_US].known);
	CHECK(!ns->v[1].recvq.known && !ns->v[1].local && ns->v[1].state == SOCK_STATE_NONE);
	/* a text that was cut short has fewer rows, or is refused */
	for (size_t cut = 0; cut < b.n; cut++)
		CHECK(sock_parse(TN(b.s, cut), &arena, &ns, &n) < 0 || n == 0 || ns->n < 2);
	buf_free(&b);
}

static void
refuses_damage(void)
{
	struct sock_netns *ns;
	size_t n;

	CHECK_INT(sock_parse(T(""), &arena, &ns, &n), 0);
	CHECK_INT(n, 0);
	CHECK_INT(sock_parse(T("type tcp files\n"), &arena, &ns, &n), -1);
	CHECK_INT(sock_parse(T("netns x 1\n"), &arena, &ns, &n), -1);
	CHECK_INT(sock_parse(T("netns 1 99999999999\n"), &arena, &ns, &n), -1);
	CHECK_INT(sock_parse(T("netns 1 1\nsocket tcp\n"), &arena, &ns, &n), -1);
	CHECK_INT(
	    sock_parse(T("netns 1 1\nsocket sctp LISTEN a b 1 1 1 1 1 1 1 c\n"), &arena, &ns, &n),
	    -1);
	CHECK_INT(sock_parse(T("netns 1 1\ntype tcp netlink 1 2\n"), &arena, &ns, &n), -1);
	CHECK_INT(sock_parse(T("netns 1 1\nlater words\nmark later\n"), &arena, &ns, &n), 0);
}

/* Lines as kernels print them. */
static const char tcp[] =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
    "inode\n"
    "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000004 00:00000000 00000000     0        0 "
    "81712 1 0000000000000000 100 0 0 10 0\n"
    "   1: 0100007F:1F90 0100007F:A2C4 01 00000000:00000000 00:00000000 00000000    33        0 "
    "81713 1 0000000000000000 20 4 30 10 -1\n"
    "   2: 0100007F:1F90 0100007F:A2C6 08 00000000:00000065 00:00000000 00000000    33        0 "
    "81714 1 0000000000000000 20 4 30 10 -1\n"
    "   3: 0100007F:A2C8 0100007F:1F90 01 000000FF:00000000 01:00000014 00000002  1000        0 "
    "81715 1 0000000000000000 20 4 30 10 -1\n"
    "   4: 0100007F:A2CA 0100007F:1F90 06 00000000:00000000 03:00000014 00000000     0        0 "
    "0 3 0000000000000000\n"
    "   5: damaged\n";

static void
reads_tcp(void)
{
	struct sock_netns ns = { .number = 0 };

	net_sockets_parse(TN(tcp, sizeof tcp - 1), SOCK_OF_TCP, false, &arena, &ns);
	CHECK_U64(ns.count[SOCK_OF_TCP].sockets, 4);
	CHECK_U64(ns.count[SOCK_OF_TCP].recvq, 100);
	CHECK_U64(ns.count[SOCK_OF_TCP].sendq, 255);
	CHECK_INT(ns.n, 3);
	CHECK_STRING(ns.v[0].local, "127.0.0.1:8080");
	CHECK_U64(ns.v[0].recvq.v, 4);
	CHECK(!ns.v[0].sendq.known);     /* the backlog is not in the file */
	CHECK_U64(ns.v[1].recvq.v, 100); /* 0x65 with the FIN */
	CHECK_STRING(ns.v[1].peer, "127.0.0.1:41670");
	CHECK_U64(ns.v[2].sendq.v, 255);
	CHECK_U64(ns.v[2].figure[FIGURE_TRIES].v, 2);
	CHECK_INT(ns.v[2].uid, 1000);
}

static void
reads_v6_and_udp(void)
{
	struct sock_netns ns = { .number = 0 };

	net_sockets_parse(T("h\n   0: 00000000000000000000000001000000:0016 "
			    "00000000000000000000000000000000:0000 0A 00000000:00000001 "
			    "00:00000000 00000000 0 0 7 1 0 100 0 0 10 0\n"),
	    SOCK_OF_TCP, true, &arena, &ns);
	CHECK_STRING(ns.n ? ns.v[0].local : "", "[::1]:22");
	net_sockets_parse(
	    T("h\n  210: 00000000:0044 00000000:0000 07 00000000:00000100 00:00000000 "
	      "00000000     0        0 8 2 0000000000000000 12\n"),
	    SOCK_OF_UDP, false, &arena, &ns);
	CHECK_INT(ns.n, 2);
	CHECK_U64(ns.v[1].figure[FIGURE_DROPS].v, 12);
	CHECK_U64(ns.v[1].recvq.v, 256);
	CHECK(ns.v[1].state == SOCK_CLOSE);
}

static void
reads_counters(void)
{
	static const char *const keys[] = { "ListenOverflows", "ListenDrops", "Missing" };
	struct keyed v[3];

	net_counters_parse(T("TcpExt: SyncookiesSent ListenOverflows ListenDrops\nTcpExt: 1 20 "
			     "30\nIpExt: ListenDrops\nIpExt: 9\n"),
	    "TcpExt:", keys, 3, v);
	CHECK_U64(v[0].v, 20);
	CHECK_U64(v[1].v, 30);
	CHECK(!v[2].known);
	net_counters_parse(T("TcpExt: ListenDrops\n"), "TcpExt:", keys, 3, v);
	CHECK(!v[1].known);
}

static void
reads_softnet(void)
{
	struct softnet *v;

	/* 11 columns before 5.10, 13 since, 15 since 6.10; an offline CPU has no line */
	CHECK_INT(softnet_parse(T("000000ff 00000001 00000002 0 0 0 0 0 0 0 0\n"), &arena, &v), 1);
	CHECK(v[0].cpu == 0 && v[0].processed.v == 255 && !v[0].backlog.known);
	CHECK_INT(softnet_parse(T("1 2 3 0 0 0 0 0 0 0 0 0000000a 00000003\n1 2 3 0 0 0 0 0 0 0 0 "
				  "0 5 1 2\ndamaged\n"),
		      &arena, &v),
	    2);
	CHECK(v[0].cpu == 3 && v[0].backlog.v == 10 && v[0].dropped.v == 2 && v[0].squeezed.v == 3);
	CHECK_INT(v[1].cpu, 5);
	CHECK_U64(net_device_drops(T("Inter-| a\n face |b\n    lo: 1 2 3 4 5\n  eth0: 1 2 3 40 "
				     "5\nwl:1 2 3 2\n"))
		      .v,
	    42);
	CHECK(!net_device_drops(T("    lo: 1 2 3 4 5\n")).known);
}

int
main(void)
{
	unit_test("rows are kept as text and read again", keeps_rows);
	unit_test("a damaged text is refused, lines of later versions are skipped", refuses_damage);
	unit_test("tcp has listeners, and sockets with something queued", reads_tcp);
	unit_test("addresses of IPv6, and drops of UDP", reads_v6_and_udp);
	unit_test("counters in pairs of lines are found by their names", reads_counters);
	unit_test("softnet_stat of 11, 13 and 15 columns; drops of interfaces", reads_softnet);
	arena_free(&arena);
	return unit_done();
}
