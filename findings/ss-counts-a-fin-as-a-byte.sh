#!/bin/sh
# ss of iproute2 6.1.0 (Debian package iproute2 6.1.0-3) on Linux 6.18.44. Needs python3.
#
# Input: two TCP connections over loopback. One peer closes without sending a byte; the other sends 3
# bytes and closes. The program reads nothing and keeps its sockets open: CLOSE-WAIT.
# Expected: Recv-Q 0 and 3. netstat(8) calls Recv-Q of an established connection the bytes that the
# program has not copied; proc(5) calls rx_queue of /proc/net/tcp kernel memory in use.
# Seen: Recv-Q 1 and 4, and the same in rx_queue, while ioctl FIONREAD returns 0 and 3. The kernel
# reports rcv_nxt - copied_seq, and the FIN of the peer uses a sequence number; only FIONREAD
# subtracts it. When the program has read the end of the stream, all three are 0. So Recv-Q 1 in
# CLOSE-WAIT is not an unread byte: the program has not read the end of the stream yet. pq sock
# subtracts the FIN and shows one byte less than ss.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
apt-get -qq -o APT::Sandbox::User=root download iproute2=6.1.0-3 >/dev/null
dpkg -x iproute2_6.1.0-3_*.deb .
cat >closed.py <<'END'
import array, fcntl, socket, subprocess, termios, time


def recv_q(own, peer):
    ports = f"sport = :{own} and dport = :{peer}"
    row = subprocess.check_output(["bin/ss", "-Htn", "state", "close-wait", ports], text=True)
    return int(row.split()[0])  # Recv-Q Send-Q local peer


def rx_queue(own, peer):
    for row in open("/proc/net/tcp"):
        if f":{own:04X} " in row and f":{peer:04X} 08 " in row:  # 08: CLOSE-WAIT
            return int(row.split()[4].split(":")[1], 16)


def show(when, s):
    ports = s.getsockname()[1], s.getpeername()[1]
    n = array.array("i", [0])
    fcntl.ioctl(s, termios.FIONREAD, n)
    print(f"{when}: Recv-Q {recv_q(*ports)}, rx_queue {rx_queue(*ports)}, FIONREAD {n[0]}")


listener = socket.create_server(("127.0.0.1", 0))
for sent in b"", b"abc":
    peer = socket.create_connection(listener.getsockname())
    s, _ = listener.accept()
    peer.sendall(sent)
    peer.close()
    time.sleep(0.5)
    show(f"{len(sent)} bytes sent", s)
    while s.recv(16):
        pass
    show("end of stream read", s)
END
uname -r
LC_ALL=C bin/ss -V
python3 closed.py >seen
cat seen
[ "$(cat seen)" = "0 bytes sent: Recv-Q 1, rx_queue 1, FIONREAD 0
end of stream read: Recv-Q 0, rx_queue 0, FIONREAD 0
3 bytes sent: Recv-Q 4, rx_queue 4, FIONREAD 3
end of stream read: Recv-Q 0, rx_queue 0, FIONREAD 0" ]
