#!/usr/bin/env bash
# Runs a program under mpirun with the flags that suit this machine; its exit code is the program's.
#
#   launch/run.sh -n RANKS PROGRAM ARGUMENTS…
#
# More ranks than cores are allowed. Where the job has all of a node, and its ranks are a multiple of the NUMA domains
# there, each is bound to one domain; else ranks are not bound, and each takes its part of the cores of its node.
# Environment: MPIRUN  another mpirun
#              BIND    none: ranks are never bound
set -euo pipefail

usage() {
  sed -n '2,9s/^# \{0,1\}//p' "$0"
}

case "${1:-}" in
  -h | --help)
    usage
    exit 0
    ;;
  -n) ;;
  *)
    usage >&2
    exit 2
    ;;
esac
ranks=${2:-}
if ! [[ $ranks =~ ^[1-9][0-9]*$ ]] || [ $# -lt 3 ]; then
  usage >&2
  exit 2
fi
shift 2

# Nodes of an allocation are taken to be like this one, and filled evenly.
nodes=${SLURM_JOB_NUM_NODES:-1}
domains=$(lscpu -p=NODE 2>/dev/null | grep -v '^#' | sort -u | grep -c . || true)
flags=(--bind-to none)
if [ "${BIND:-numa}" = numa ] && [ "$domains" -gt 1 ] && [ "$((ranks % (nodes * domains)))" -eq 0 ] && [ "$(env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc)" -eq "$(nproc --all)" ]; then
  flags=(--map-by "ppr:$((ranks / nodes / domains)):numa" --bind-to numa)
fi
# The last three: a node that does not answer is noticed within a minute.
flags+=(--oversubscribe -n "$ranks" --mca oob_tcp_keepalive_time 20 --mca oob_tcp_keepalive_intvl 5 --mca oob_tcp_keepalive_probes 4)
if [ -n "${OMP_NUM_THREADS:-}" ]; then
  flags+=(-x OMP_NUM_THREADS)
fi
if [ "$(id -u)" -eq 0 ]; then
  flags+=(--allow-run-as-root)
fi

# mpirun's words on how a job ended are left out where the ranks have spoken themselves. Who was killed could not.
filter() {
  local line block=""
  while IFS= read -r line || [ -n "$line" ]; do
    if [[ $line == "mpirun: Forwarding signal"* || $line == *"ORTE_ERROR_LOG"*"show_help.c at line"* ]]; then
      continue # the latter: mpirun could not print one of the texts below, at the end of a job
    elif [[ -z $block && $line =~ ^-{60,}$ ]]; then
      block=$line
    elif [[ -z $block ]]; then
      printf '%s\n' "$line"
    elif [[ $line =~ ^-{60,}$ ]]; then
      case $block in
        *"exited on signal"*) printf 'error: %s\n' "$(sed -n 's/.*process \(rank [0-9]*\) with PID [0-9]* \(.*signal [^.]*\).*/\1 \2/p' <<<"$block")" ;;
        *"terminated normally"* | *"exited with non-zero status"* | *"MPI_ABORT was invoked"*) ;;
        *) printf '%s\n%s\n' "$block" "$line" ;;
      esac
      block=""
    else
      block+=$'\n'$line
    fi
  done
  if [ -n "$block" ]; then
    printf '%s\n' "$block"
  fi
}
exec "${MPIRUN:-mpirun}" "${flags[@]}" "$@" 2> >(trap '' INT TERM USR1; filter >&2)
