/*
 * queues: sockets whose queues have a known length, for the tests of pq sock. Each prints the port of
 * its listener, or the name of its socket, when all is as it says, and then sleeps.
 *
 *  queues listen BACKLOG PENDING [MS]  a listener on 127.0.0.1 and so many connections that nobody
 *                                       accepts, or that one is accepted of every so many milliseconds
 *  queues unread BYTES [CONNECTIONS]   connections whose server does not read what came; v6 for the last
 *                                       word puts them on ::1
 *  queues closed BYTES                 the same, and the client has closed its side
 *  queues full                         a connection whose client writes until its buffer is full
 *  queues trickle                      a connection whose server reads one byte, and gets one, every 20 ms,
 *                                       with 1000 others unread
 *  queues idle CONNECTIONS             connections with nothing queued
 *  queues listeners N                  so many listeners
 *  queues udp BYTES PACKETS            a UDP socket that reads nothing; its buffer takes some of them
 *  queues loop BACKLOG PENDING          a listener that its event loop has forgotten: it waits for other events
 *  queues served BACKLOG                a listener that accepts each connection at once
 *  queues headless BACKLOG              a listener of a process whose first thread has ended
 *  queues busy BACKLOG PENDING          a listener whose thread runs for 50 ms after each connection
 *  queues late MS                       a connection on which something comes all the time, and whose server
 *                                       reads it every so many milliseconds
 *  queues flow                          a connection on which something comes all the time, and is read at once
 *  queues packets                       a UDP socket to which another process sends 50 packets every 5 ms, and which
 *                                       is read at once
 *  queues unix BACKLOG PENDING NAME    a unix listener, and connections that nobody accepts
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static _Noreturn void
fail(const char *what)
{
	fprintf(stderr, "queues: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int
check(int got, const char *what)
{
	if (got < 0)
		fail(what);
	return got;
}

static void
sleep_ms(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

static _Noreturn void
rest(void)
{
	for (;;)
		pause();
}

static void *
rest_as_thread(void *none)
{
	rest();
	return none;
}

static void
say_port(int fd)
{
	struct sockaddr_in6 a; /* the port is at the same place in both families */
	socklen_t n = sizeof a;

	check(getsockname(fd, (struct sockaddr *)&a, &n), "getsockname");
	printf("%d\n", ntohs(a.sin6_port));
	fflush(stdout);
}

static int
make_listener(int backlog, int family)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in6 b = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int fd = check(socket(family, SOCK_STREAM, 0), "socket");

	check(family == AF_INET ? bind(fd, (struct sockaddr *)&a, sizeof a) :
				  bind(fd, (struct sockaddr *)&b, sizeof b),
	    "bind");
	check(listen(fd, backlog), "listen");
	return fd;
}

/* Connects to the listener; without `wait` the call returns at once. */
static int
connect_to(int listener, int wait)
{
	struct sockaddr_storage a;
	socklen_t n = sizeof a;

	check(getsockname(listener, (struct sockaddr *)&a, &n), "getsockname");
	int fd = check(socket(a.ss_family, SOCK_STREAM | (wait ? 0 : SOCK_NONBLOCK), 0), "socket");
	if (connect(fd, (struct sockaddr *)&a, n) < 0 && errno != EINPROGRESS && errno != EAGAIN)
		fail("connect");
	return fd;
}

static void
send_all(int fd, size_t bytes)
{
	static const char data[65536];

	for (size_t done = 0; done < bytes;) {
		size_t left = bytes - done;
		done += (size_t)check(
		    (int)write(fd, data, left < sizeof data ? left : sizeof data), "write");
	}
}

static _Noreturn void
do_listen(int backlog, int pending, int ms)
{
	int fd = make_listener(backlog, AF_INET);

	for (int i = 0; i < pending; i++)
		connect_to(fd, 0);
	sleep_ms(200);
	say_port(fd);
	while (ms > 0) {
		sleep_ms(ms);
		int one = accept(fd, NULL, NULL);
		if (one >= 0)
			close(one);
		connect_to(fd, 0);
	}
	rest();
}

static _Noreturn void
do_unread(size_t bytes, int connections, int family, int closes)
{
	int fd = make_listener(128, family);

	for (int i = 0; i < connections; i++) {
		int client = connect_to(fd, 1);
		check(accept(fd, NULL, NULL), "accept");
		send_all(client, bytes);
		if (closes)
			shutdown(client, SHUT_WR);
	}
	sleep_ms(100);
	say_port(fd);
	rest();
}

static _Noreturn void
do_full(void)
{
	static const char data[65536];
	int fd = make_listener(1, AF_INET), client = connect_to(fd, 1);

	check(accept(fd, NULL, NULL), "accept");
	check(fcntl(client, F_SETFL, O_NONBLOCK), "fcntl");
	for (int i = 0; i < 20; i++) {
		while (write(client, data, sizeof data) > 0)
			;
		sleep_ms(10);
	}
	say_port(fd);
	rest();
}

static _Noreturn void
do_trickle(void)
{
	int fd = make_listener(1, AF_INET), client = connect_to(fd, 1);
	int server = check(accept(fd, NULL, NULL), "accept");
	char byte[20];

	send_all(client, 1000);
	say_port(fd);
	for (;;) {
		sleep_ms(20);
		check((int)read(server, byte, sizeof byte), "read");
		send_all(client, sizeof byte);
	}
}

static _Noreturn void
do_idle(int connections)
{
	int fd = make_listener(4096, AF_INET);

	for (int i = 0; i < connections; i++) {
		if (i % 20000 == 0 && i > 0) {
			fd = make_listener(4096, AF_INET); /* another port: clients' ports repeat */
		}
		connect_to(fd, 1);
		check(accept(fd, NULL, NULL), "accept");
	}
	say_port(fd);
	rest();
}

static _Noreturn void
do_listeners(int n)
{
	int fd = -1;

	for (int i = 0; i < n; i++)
		fd = make_listener(128, AF_INET);
	say_port(fd);
	rest();
}

static _Noreturn void
do_udp(size_t bytes, int packets)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	static const char data[65000];
	socklen_t n = sizeof a;
	int fd = check(socket(AF_INET, SOCK_DGRAM, 0), "socket"),
	    client = check(socket(AF_INET, SOCK_DGRAM, 0), "socket");

	check(bind(fd, (struct sockaddr *)&a, sizeof a), "bind");
	check(getsockname(fd, (struct sockaddr *)&a, &n), "getsockname");
	for (int i = 0; i < packets; i++)
		check((int)sendto(client, data, bytes, 0, (struct sockaddr *)&a, n), "sendto");
	say_port(fd);
	for (;;) {
		sleep_ms(50);
		sendto(client, data, bytes, 0, (struct sockaddr *)&a, n);
	}
}

static _Noreturn void
do_loop(int backlog, int pending)
{
	struct epoll_event event;
	int fd = make_listener(backlog, AF_INET), epoll = check(epoll_create1(0), "epoll_create1");

	for (int i = 0; i < pending; i++)
		connect_to(fd, 0);
	sleep_ms(200);
	say_port(fd);
	for (;;)
		epoll_wait(epoll, &event, 1, 1000);
}

/* Another process connects every 5 ms. */
static _Noreturn void
do_served(int backlog)
{
	int fd = make_listener(backlog, AF_INET);

	if (check(fork(), "fork") == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;) {
			close(connect_to(fd, 1));
			sleep_ms(5);
		}
	}
	say_port(fd);
	for (;;)
		close(check(accept(fd, NULL, NULL), "accept"));
}

static _Noreturn void
do_busy(int backlog, int pending)
{
	int fd = make_listener(backlog, AF_INET);

	for (int i = 0; i < pending; i++)
		connect_to(fd, 0);
	sleep_ms(200);
	say_port(fd);
	for (;;) {
		clock_t end = clock() + CLOCKS_PER_SEC / 20;
		close(check(accept(fd, NULL, NULL), "accept"));
		connect_to(fd, 0);
		while (clock() < end)
			;
	}
}

/* Another process sends 100 bytes every 10 ms, if the buffers have room. */
static _Noreturn void
do_late(int ms)
{
	int fd = make_listener(1, AF_INET), client = connect_to(fd, 1);
	int server = check(accept(fd, NULL, NULL), "accept");
	static char data[65536];

	if (check(fork(), "fork") == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;) {
			if (send(client, data, 100, MSG_DONTWAIT) < 0 && errno != EAGAIN)
				_exit(0);
			sleep_ms(10);
		}
	}
	close(client);
	say_port(fd);
	for (;;) {
		if (ms > 0)
			sleep_ms(ms);
		check((int)read(server, data, sizeof data), "read");
	}
}

static _Noreturn void
do_packets(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = check(socket(AF_INET, SOCK_DGRAM, 0), "socket");
	socklen_t n = sizeof a;
	char data[100] = { 0 };

	check(bind(fd, (struct sockaddr *)&a, sizeof a), "bind");
	check(getsockname(fd, (struct sockaddr *)&a, &n), "getsockname");
	say_port(fd);
	if (check(fork(), "fork") == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (unsigned i = 1;; i++) {
			sendto(fd, data, sizeof data, 0, (struct sockaddr *)&a, n);
			if (i % 50 == 0)
				sleep_ms(5);
		}
	}
	for (;;)
		check((int)read(fd, data, sizeof data), "read");
}

static _Noreturn void
do_unix(int backlog, int pending, const char *name)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = check(socket(AF_UNIX, SOCK_STREAM, 0), "socket");

	strncpy(a.sun_path, name, sizeof a.sun_path - 1);
	check(bind(fd, (struct sockaddr *)&a, sizeof a), "bind");
	check(listen(fd, backlog), "listen");
	for (int i = 0; i < pending; i++)
		connect_to(fd, 0);
	puts(name);
	fflush(stdout);
	rest();
}

static _Noreturn void
do_headless(int backlog)
{
	pthread_t thread;

	say_port(make_listener(backlog, AF_INET));
	check(-pthread_create(&thread, NULL, rest_as_thread, NULL), "pthread_create");
	pthread_exit(NULL);
}

int
main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	int a = argc > 2 ? atoi(argv[2]) : 0, b = argc > 3 ? atoi(argv[3]) : 0;
	const struct rlimit many = { 1 << 20, 1 << 20 };

	if (setrlimit(RLIMIT_NOFILE, &many) < 0 && strcmp(what, "idle") == 0)
		fprintf(stderr, "queues: open files stay limited\n");
	if (strcmp(what, "listen") == 0)
		do_listen(a, b, argc > 4 ? atoi(argv[4]) : 0);
	if (strcmp(what, "unread") == 0)
		do_unread((size_t)a, b > 0 ? b : 1, argc > 4 ? AF_INET6 : AF_INET, 0);
	if (strcmp(what, "closed") == 0)
		do_unread((size_t)a, 1, AF_INET, 1);
	if (strcmp(what, "full") == 0)
		do_full();
	if (strcmp(what, "trickle") == 0)
		do_trickle();
	if (strcmp(what, "idle") == 0)
		do_idle(a);
	if (strcmp(what, "listeners") == 0)
		do_listeners(a);
	if (strcmp(what, "udp") == 0)
		do_udp((size_t)a, b);
	if (strcmp(what, "loop") == 0)
		do_loop(a, b);
	if (strcmp(what, "served") == 0)
		do_served(a);
	if (strcmp(what, "headless") == 0)
		do_headless(a);
	if (strcmp(what, "busy") == 0)
		do_busy(a, b);
	if (strcmp(what, "late") == 0 || strcmp(what, "flow") == 0)
		do_late(a);
	if (strcmp(what, "packets") == 0)
		do_packets();
	if (strcmp(what, "unix") == 0 && argc > 4)
		do_unix(a, b, argv[4]);
	fputs("queues: see its first lines for what it can do\n", stderr);
	return 2;
}
