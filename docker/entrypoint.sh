#!/usr/bin/env bash
# The first process of a container.  docker run IMAGE decompose …          explaind's verbs and options
#                                    docker run IMAGE mpirun -n 2 explaind …   any other program
#                                    docker run IMAGE job mpirun …             as without `job`, for schedulers that know success and failure alone:
#                                                                              exit code 3 (samples missed their tolerance) becomes 0, with a line
# SIGTERM (docker stop, a pod that ends) becomes SIGUSR1 for explaind and mpirun: ranks finish the units they are in and end with exit code 75.
# Every other program takes this one's place and gets its signals as they are.
verbs=(decompose plan inspect query find store record report verify study tokenize help)

job=no
if [ "${1:-}" = job ]; then
  job=yes
  shift
fi
if [ $# -eq 0 ] || [[ $1 == -* ]] || [[ " ${verbs[*]} " == *" $1 "* ]] || ! type -P "$1" >/dev/null; then
  set -- explaind "$@" # what is no program either is explaind's to refuse
fi
case ${1##*/} in
  explaind | mpirun | mpiexec | orterun) ;;
  *) exec "$@" ;;
esac

# Ranks talk through it, and Open MPI keeps its files there (openmpi-mca-params.conf).
if [ ! -w /dev/shm ] && [[ ${1##*/} != explaind || " decompose plan study " == *" ${2:-} "* ]]; then
  echo "error: /dev/shm cannot be written here, and MPI needs it. Leave --ipc=none away; on Kubernetes mount an emptyDir with medium: Memory" >&2
  exit 1
fi

program='' asked=''
# pass SIGNAL: to the program, or to remember until there is one.
pass() {
  asked=$1
  [ -z "$program" ] || kill -s "$1" "$program" 2>/dev/null
}
trap 'pass USR1' TERM USR1
if [ -t 0 ]; then
  trap : INT # a terminal sends Ctrl-C to the program itself
else
  trap 'pass INT' INT
fi
# By exec, since a shell starts programs in the background with SIGINT ignored.
(exec "$@") <&0 &
program=$!
[ -z "$asked" ] || kill -s "$asked" "$program"
while kill -0 "$program" 2>/dev/null; do
  wait "$program" # until it ends, or a signal comes
done
trap '' TERM USR1 INT
wait "$program"
status=$?

if [ "$asked" = USR1 ] && [ "$status" -eq 138 ]; then
  status=75 # it came before the program listened: nothing was begun
fi
if [ $job = yes ] && [ "$status" -eq 3 ]; then
  echo "job: done; some samples missed their tolerance, and are flagged in the store"
  status=0
fi
exit "$status"
