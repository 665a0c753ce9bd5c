#!/bin/bash
# nodekill.sh n2: "power off" a node: kill -9 of every process with its host name
LAB=${LAB:-${TMPDIR:-/tmp}/slurm-lab}
export SLURM_CONF=$LAB/slurm.conf
namespace=$(readlink "/proc/$(cat "$LAB/run/slurmd.$1.pid")/ns/uts")
[ "$namespace" != "$(readlink /proc/1/ns/uts)" ] || exit 1
processes=()
for each in /proc/[0-9]*; do
    [ "$(readlink "$each/ns/uts" 2>/dev/null)" = "$namespace" ] && processes+=("${each#/proc/}")
done
echo "killing in $1: ${processes[*]}"
kill -9 "${processes[@]}"
