#!/bin/sh
# ss of iproute2 6.1.0 (Debian package iproute2 6.1.0-3) on Linux 6.18.44. Needs a C compiler.
#
# Input: a server whose first thread has ended by pthread_exit, as POSIX permits, while another thread listens. root runs ss -ltnp.
# Expected: users:(("server",pid=...)), as before the first thread ended. ss(8) says that -p shows the process using the socket.
# Seen: no users at all, as for a socket that no process has. The kernel lists the files of a process in /proc/PID/fd for
# its first thread only; when that has ended, the folder is empty, and the process is in state Z, though it serves on. The files are
# in /proc/PID/task/TID/fd of the other threads, where ss does not look. So a listener without an owner is no proof of a
# leaked or a kernel socket. pq sock looks at another thread when the first one has ended.
set -eu
dir=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || :; rm -rf "$dir"' EXIT
cd "$dir"
apt-get -qq -o APT::Sandbox::User=root download iproute2=6.1.0-3 >/dev/null
dpkg -x iproute2_6.1.0-3_*.deb .
cat >server.c <<'END'
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static void *
serve(void *none)
{
	sleep(60);
	return none;
}

int
main(void)
{
	struct sockaddr_in own = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof own;
	pthread_t thread;
	int s = socket(AF_INET, SOCK_STREAM, 0);

	bind(s, (void *)&own, size);
	listen(s, 5);
	getsockname(s, (void *)&own, &size);
	printf("%d\n", ntohs(own.sin_port));
	fflush(stdout);
	pthread_create(&thread, NULL, serve, NULL);
	sleep(4);
	pthread_exit(NULL);
}
END
cc -O1 -pthread -o server server.c
./server >port &
server=$!
sleep 2
show() {
	LC_ALL=C bin/ss -Hltnp "sport = :$(cat port)" | grep -c 'users:.*"server"' || :
}
uname -r
LC_ALL=C bin/ss -V
before=$(show)
sleep 4
after=$(show)
state=$(awk '{ print $3 }' "/proc/$server/stat")
files=$(for thread in "/proc/$server/task"/*; do find "$thread/fd" -lname 'socket:*'; done 2>/dev/null | wc -l)
echo "listeners with an owner: $before, after the end of the first thread $after; state $state, sockets of its threads: $files" | tee seen
[ "$(cat seen)" = "listeners with an owner: 1, after the end of the first thread 0; state Z, sockets of its threads: 1" ]
