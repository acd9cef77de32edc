#!/bin/sh
# runqlat of libbpf-tools 0.26.0 (Debian package libbpf-tools 0.26.0+ds-1) on Linux 6.18.44. Needs root, BTF, cgroup2 and
# python3.
#
# Input: a process in its own cgroup reads a pipe. A process outside writes to it a thousand times, on the same CPU, so the
# reader is woken and waits for that CPU a thousand times. Three runqlat count at once: -c with the reader's cgroup, -c with
# the writer's, and -p with the reader's PID.
# Expected: about 1000 waits by -c of the reader's cgroup, as by -p. runqlat --help says: trace process in cgroup path.
# Seen: 1000 by -p, hardly any by -c of the reader's cgroup, and the thousand by -c of the writer's. The tool asks for the
# cgroup of the current task; that is the one that wakes, and then the one that leaves the CPU, not the one that waits. So for
# a service that others wake, as any server, -c shows few waits, or those of its neighbours. pq runqlat -g decides by
# the thread that waits.
set -eu
[ "$(id -u)" = 0 ] || { echo "needs root"; exit 2; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
apt-get -qq -o APT::Sandbox::User=root download libbpf-tools=0.26.0+ds-1 >/dev/null
dpkg -x libbpf-tools_0.26.0+ds-1_*.deb .
cat >waits.py <<'END'
import os, subprocess, time


def started(*options):
    return subprocess.Popen(["usr/sbin/runqlat", *options, "12", "1"], stdout=subprocess.PIPE, text=True)


def waits(tool):  # the sum of a histogram with rows such as "4 -> 7 : 111 |***|"
    return sum(int(row.split(":")[1].split()[0]) for row in tool.communicate()[0].splitlines() if "->" in row)


top = next(row.split()[1] for row in open("/proc/mounts") if row.split()[2] == "cgroup2")
groups = [f"{top}/finding-runqlat-{role}" for role in ("reader", "writer")]
for group in groups:
    os.mkdir(group)
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
end, start = os.pipe()
reader = os.fork()
if reader == 0:
    os.close(start)
    while os.read(end, 1):
        pass
    os._exit(0)
writer = None
try:
    open(groups[0] + "/cgroup.procs", "w").write(str(reader))
    tools = [started("-p", str(reader)), started("-c", groups[0]), started("-c", groups[1])]
    time.sleep(6)
    writer = os.fork()
    if writer == 0:
        open(groups[1] + "/cgroup.procs", "w").write(str(os.getpid()))
        for i in range(1000):
            os.write(start, b"x")
            time.sleep(0.001)
        os._exit(0)
    print("waits: by -p %d, by -c of the reader's cgroup %d, of the writer's %d" % tuple(map(waits, tools)))
finally:
    os.close(start)
    for child in filter(None, (writer, reader)):
        os.waitpid(child, 0)
    for group in groups:
        os.rmdir(group)
END
uname -r
python3 waits.py >seen
cat seen
awk '{ gsub(",", ""); exit !($4 >= 900 && $4 <= 1100 && $11 < 100 && $15 > 800) }' seen
