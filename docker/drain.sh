#!/usr/bin/env bash
# Before a worker's container is ended: ranks finish the units they are in, here and on the other workers, for a signal at one rank counts for
# all; then the launcher ends with exit code 75 and is started again. Comes back when no rank is left here.
ranks() {
  local file
  for file in /proc/[0-9]*/comm; do
    if [ "$(cat "$file" 2>/dev/null)" = explaind ]; then
      file=${file%/comm}
      echo "${file##*/}"
    fi
  done
}

mapfile -t found < <(ranks)
[ ${#found[@]} -eq 0 ] || kill -USR1 "${found[@]}" 2>/dev/null
while [ -n "$(ranks)" ]; do
  sleep .2
done
