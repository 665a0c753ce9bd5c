#!/bin/bash
# Ends only what up.sh started, by pid file.
LAB=${LAB:-${TMPDIR:-/tmp}/slurm-lab}
export SLURM_CONF=$LAB/slurm.conf
alive() { [ -e /proc/$1/stat ] && [ "$(sed "s/.*) //" /proc/$1/stat 2>/dev/null | cut -c1)" != Z ]; }   # a zombie is gone
for j in $(squeue -h -o %A 2>/dev/null); do scancel "$j"; done
for _ in $(seq 100); do [ -z "$(squeue -h 2>/dev/null)" ] && break; sleep 0.1; done
for f in "$LAB"/run/slurmd.n*.pid "$LAB/run/slurmctld.pid" "$LAB/run/munged.pid"; do
    [ -e "$f" ] || continue
    p=$(cat "$f"); kill "$p" 2>/dev/null
    for _ in $(seq 100); do alive "$p" || break; sleep 0.1; done
    alive "$p" && kill -9 "$p"
done
echo down
