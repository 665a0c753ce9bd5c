#!/bin/bash
# Brings up munged, slurmctld and four slurmd (n1..n4) on this machine, as root, no systemd, no cgroups.
# Everything lives under $LAB. Needs slurm-wlm and munge. Usage: up.sh   (env LAB, KILLWAIT=5 SLURMDTIMEOUT=15 CREDEXP=15)
set -euo pipefail
LAB=${LAB:-${TMPDIR:-/tmp}/slurm-lab}; HERE=$(cd "$(dirname "$0")" && pwd)
HOST=$(hostname -s)
t0=$(date +%s.%N)
[ -e "$LAB/run/slurmctld.pid" ] && kill -0 "$(cat "$LAB/run/slurmctld.pid")" 2>/dev/null && { echo "already up"; exit 0; }
rm -rf "$LAB/run"
mkdir -p "$LAB/run/ctld" "$LAB/log"
for n in 1 2 3 4; do mkdir -p "$LAB/run/spool/n$n" "$LAB/run/tmp/n$n"; done
chmod 1777 "$LAB"/run/tmp/n*
chmod 0755 "$LAB" "$LAB/run" "$LAB/log"
sed -e "s#@LAB@#$LAB#g; s#@HOST@#$HOST#g; s#@KILLWAIT@#${KILLWAIT:-5}#; s#@SLURMDTIMEOUT@#${SLURMDTIMEOUT:-15}#; s#@CREDEXP@#${CREDEXP:-15}#" \
    "$HERE/slurm.conf.in" > "$LAB/slurm.conf"
export SLURM_CONF=$LAB/slurm.conf
( umask 077; dd if=/dev/urandom of="$LAB/run/munge.key" bs=1 count=1024 status=none )
/usr/sbin/munged --key-file="$LAB/run/munge.key" --socket="$LAB/run/munge.socket" \
    --pid-file="$LAB/run/munged.pid" --log-file="$LAB/log/munged.log" --seed-file="$LAB/run/munge.seed"
/usr/sbin/slurmctld -c
for n in 1 2 3 4; do unshare --uts sh -c "hostname n$n; exec /usr/sbin/slurmd -N n$n"; done   # own host name per virtual node
for _ in $(seq 300); do
    idle=$(sinfo -h -N -t idle -o %N 2>/dev/null | sort -u | wc -l)
    [ "$idle" = 4 ] && break
    sleep 0.1
done
t1=$(date +%s.%N)
sinfo -N -o "%N %T %c %E"
[ "$idle" = 4 ] || { echo "NOT UP"; exit 1; }
echo "up in $(echo "$t1 - $t0" | bc 2>/dev/null || python3 -c "print($t1-$t0)") s"
