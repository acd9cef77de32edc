# pq psi where the kernel was booted with psi=0.
. /vm/lib.sh
mkdir "$CG/web"
for of in "" -a "-g /web"; do
	pq psi $of 1 1 >out 2>err
	is "psi $of is status 3, without rows" "$? $(wc -c <out)" "3 0"
	says "psi $of says what would help" err "psi=1"
	is "psi $of says one line" "$(wc -l <err)" 1
done
