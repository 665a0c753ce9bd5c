#!/usr/bin/env bash
# Runs a program under mpirun with the flags that suit this machine; its exit code is the program's.
#
#   launch/run.sh -n RANKS PROGRAM ARGUMENTS…
#
# More ranks than cores are allowed; ranks are not bound to cores; OMP_NUM_THREADS defaults to cores / ranks.
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

cores=$(nproc)
threads=$((cores / ranks > 0 ? cores / ranks : 1))
flags=(--quiet --bind-to none --oversubscribe -n "$ranks" -x OMP_NUM_THREADS="${OMP_NUM_THREADS:-$threads}")
if [ "$(id -u)" -eq 0 ]; then
  flags+=(--allow-run-as-root)
fi
exec "${MPIRUN:-mpirun}" "${flags[@]}" "$@"
