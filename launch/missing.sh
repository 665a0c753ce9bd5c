#!/usr/bin/env bash
# What the build finds on this machine and what it lacks; installs and builds nothing. Called by launch/setup.sh --check.
#
#   launch/missing.sh [-DNAME=DIR …]   what follows goes to CMake
#
# Its exit code is 1 where something is missing. The answers are those of the build's own search.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)

lacking=0
# lacks WHAT HOW: says it in the list.
lacks() {
  printf 'missing  %-42s %s\n' "$1" "$2"
  lacking=1
}

tools() {
  local cxx=${CXX:-c++}
  if ! command -v cmake >/dev/null; then
    lacks 'CMake 3.22 or newer' 'PATH (module load cmake, or pip install cmake)'
  elif [ "$(printf '%s\n' 3.22 "$(cmake --version | sed -n 's/^cmake version //p')" | sort -V | head -1)" != 3.22 ]; then
    lacks "CMake 3.22 or newer ($(cmake --version | head -1) is here)" 'PATH (module load cmake, or pip install cmake)'
  fi
  if ! command -v "$cxx" >/dev/null; then
    lacks 'a compiler of C++20 (GCC 11 or newer)' 'CXX and CC in the environment'
  fi
  command -v ninja >/dev/null || command -v make >/dev/null || lacks 'Ninja or Make' 'PATH'
}

tools
if [ "$lacking" -eq 0 ]; then
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
  if ! cmake -S "$root" -B "$folder" -DEXPLAIND_CHECK=ON -DEXPLAIND_TESTS=OFF -DEXPLAIND_CUDA=OFF "$@" >"$folder/log" 2>&1; then
    cat "$folder/log" >&2
    exit 1
  fi
  while IFS=$'\t' read -r state what variable package; do
    if [ "$state" = missing ]; then
      lacks "$what" "-D$variable, or $package"
    else
      printf 'found    %s\n' "$what"
    fi
  done <"$folder/dependencies.txt"
fi
if [ "$lacking" -eq 0 ]; then
  echo "Nothing is missing: cmake --preset release $*"
else
  echo "DIR: the folder that has its include and lib. -DCMAKE_PREFIX_PATH='DIR;DIR' names several at once."
fi
exit "$lacking"
