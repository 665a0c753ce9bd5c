#!/usr/bin/env bash
# Runs a program under mpirun with the flags that suit this machine; its exit code is the program's.
#
#   launch/run.sh -n RANKS PROGRAM ARGUMENTS…
#
# More ranks than cores are allowed; ranks are not bound to cores, and each takes its part of those of its node.
# Environment: MPIRUN  another mpirun
set -euo pipefail

usage() {
  sed -n '2,7s/^# \{0,1\}//p' "$0"
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

flags=(--bind-to none --oversubscribe -n "$ranks")
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
