# shellcheck shell=bash
# How the launch scripts speak: sourced by setup.sh, check.sh and quickstart.sh.

phase_times=() # a line for each phase that has ended: seconds, seconds of processor time, what it does

# processor_seconds: of all commands that this script has run to their end.
processor_seconds() {
  local fields
  read -ra fields </proc/$$/stat
  echo $(((fields[15] + fields[16]) / $(getconf CLK_TCK)))
}

# phase "WHAT IT DOES" COMMAND…: says it, runs it, says how long it took. The exit status is the command's.
# The command is left at its first error, even though the status is looked at; so call `phase` plainly, never in
# `if` or before `||`, which would switch that off.
phase() {
  local what=$1 start=$SECONDS status errexit=$- processor
  processor=$(processor_seconds)
  shift
  printf '\n== %s\n' "$what"
  set +e
  (
    set -e
    "$@"
  )
  status=$?
  [[ $errexit != *e* ]] || set -e
  phase_times+=("$((SECONDS - start))"$'\t'"$(($(processor_seconds) - processor))"$'\t'"$what")
  if [ "$status" -eq 0 ]; then
    printf '   done in %d s\n' $((SECONDS - start))
  else
    printf '   FAILED (exit %d) after %d s\n' "$status" $((SECONDS - start)) >&2
  fi
  return "$status"
}

# stop "WHAT IS WRONG" "WHAT TO DO": ends the script with one message.
stop() {
  printf '%s: %s\n  %s\n' "$(basename "$0")" "$1" "$2" >&2
  exit 1
}
