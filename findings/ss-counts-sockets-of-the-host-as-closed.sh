#!/bin/sh
# ss of iproute2 6.1.0 (Debian package iproute2 6.1.0-3) on Linux 6.18.44. Needs root and python3.
#
# Input: ss -s in a new network namespace, where no program runs and there is no socket, while a program outside holds 500 TCP
# sockets.
# Expected: TCP: 0 (estab 0, closed 0, ...), as the row TCP of the table below it says. ss(8) calls ss -s a summary, and all
# other commands of ss show the sockets of the own namespace only.
# Seen: TCP: 500 (estab 0, closed 500, ...) and more. ss takes the total from the field alloc of /proc/net/sockstat, which is of
# the whole kernel, while inuse beside it is of the namespace. ss calls the difference closed. The fields orphan and mem are also
# those of the whole kernel. So in a container, "closed" is the number of sockets of the host and of all other containers; it is
# no leak of sockets there. pq sock counts the sockets of the namespace one by one.
set -eu
[ "$(id -u)" = 0 ] || { echo "needs root"; exit 2; }
dir=$(mktemp -d)
holds=
trap '[ -z "$holds" ] || kill "$holds" 2>/dev/null || :; rm -rf "$dir"' EXIT
cd "$dir"
apt-get -qq -o APT::Sandbox::User=root download iproute2=6.1.0-3 >/dev/null
dpkg -x iproute2_6.1.0-3_*.deb .
cat >hold.py <<'END'
import socket, time

listeners = [socket.create_server(("127.0.0.1", 0)) for i in range(500)]
open("ready", "w").close()
time.sleep(60)
END
python3 hold.py &
holds=$!
for _ in 1 2 3 4 5 6 7 8 9 10; do [ -e ready ] || sleep 1; done
uname -r
LC_ALL=C bin/ss -V
unshare -n bin/ss -s | grep '^TCP' | tee seen
unshare -n cat /proc/net/sockstat | grep '^TCP'
awk '/^TCP:/ { gsub(",", ""); total = $2; closed = $6 } /^TCP\t/ { of_namespace = $2 }
END { exit !(total >= 500 && closed >= 500 && of_namespace == 0) }' seen
