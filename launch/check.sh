#!/usr/bin/env bash
# Everything that must hold before a change lands: set-up with the tests' tools, a Release build with warnings as
# errors, clang-format, shellcheck, clang-tidy, all tests. At the end where the time went, and one closing line; the exit
# code is that of the tests, or 1 where another check failed.
#
#   launch/check.sh          clang-tidy over the rooms without LibTorch
#   launch/check.sh --tidy   over all rooms (the first run takes long; later ones only look at what changed)
#   launch/check.sh --crash  and kills small jobs at every call by which they write, not at some, takes the power away after every
#                            call, and kills a job of three ranks a hundred times (two hours more)
#   launch/check.sh --fuzz   and runs the fuzz targets of all readers of foreign bytes, 60 s each (clang 14; 20 minutes more)
#   launch/check.sh --cluster  and tests what runs on clusters, under the services that are here (launch/setup.sh --cluster)
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=launch/phase.sh
source launch/phase.sh

build=build/release
rooms=(core config scores quadrature comm checkpoint runs samples store)
every_crash=
fuzz=
clusters=
case "${1:-}" in
  '') ;;
  --crash) every_crash=yes ;;
  --fuzz) fuzz=yes ;;
  --cluster) clusters=yes ;;
  --tidy) rooms=('') ;; # src itself
  -h | --help)
    sed -n '2,11s/^# \{0,1\}//p' "$0"
    exit 0
    ;;
  *)
    echo "check.sh: unknown option '$1' (there are --tidy, --crash, --fuzz and --cluster)" >&2
    exit 2
    ;;
esac

build_all() {
  cmake --preset release -DEXPLAIND_TESTS=ON -DEXPLAIND_WARNINGS_AS_ERRORS=ON
  cmake --build "$build" -j "$(nproc)"
}

sources() {
  git ls-files -z --cached --others --exclude-standard -- "$@" | while IFS= read -r -d '' file; do
    [ ! -e "$file" ] || printf '%s\0' "$file"
  done
}

# version_14 NAME: the program's name, if it is there as version 14. Other versions judge otherwise.
version_14() {
  local candidate
  for candidate in "$1-14" "$1"; do
    if [[ $("$candidate" --version 2>/dev/null) == *"version 14."* ]]; then
      echo "$candidate"
      return
    fi
  done
  echo "   skipped: there is no $1 14 on this machine" >&2
}

format() {
  local tool
  tool=$(version_14 clang-format)
  [ -z "$tool" ] || sources '*.cpp' '*.hpp' | xargs -0 -r "$tool" --dry-run -Werror
}

scripts() {
  if command -v shellcheck >/dev/null; then
    sources '*.sh' '*.sbatch' .ci/run | xargs -0 shellcheck -x --severity=warning
  else
    echo "   skipped: there is no shellcheck on this machine"
  fi
}

tidy() {
  local tool
  tool=$(version_14 clang-tidy)
  [ -n "$tool" ] || return 0
  # Each source alone, as it is written; nothing is built here.
  cmake --preset release -B build/tidy -DEXPLAIND_TESTS=OFF -DEXPLAIND_UNITY=OFF >build/tidy.log || {
    cat build/tidy.log >&2
    return 1
  }
  python3 launch/tidy.py "$tool" build/tidy build/tidy-cache "${rooms[@]}"
}

run_tests() {
  ctest --preset release -j 4 --no-tests=error
}

crash_everywhere() {
  local shim=$build/tests/system/libkill_at_write.so
  export EXPLAIND="$PWD/$build/explaind" EXPLAIND_SOURCE="$PWD"
  build/deps/venv/bin/python tests/system/crash_points.py "$shim" --all &&
    build/deps/venv/bin/python tests/system/power_loss.py "$shim" --all &&
    build/deps/venv/bin/python tests/system/killed_jobs.py --kills 100
}

fuzz_readers() {
  if [ -z "$(version_14 clang++)" ]; then
    return
  fi
  cmake --preset fuzz
  cmake --build --preset fuzz -j "$(nproc)"
  python3 tests/fuzz/run_targets.py build/fuzz
}

# Each says SKIPPED, with the reason, and exits with 77 where its service cannot be started.
on_clusters() {
  local test status=0
  for test in tests/cluster/*.py; do
    echo "   $test"
    EXPLAIND="$PWD/$build/explaind" EXPLAIND_SOURCE="$PWD" build/deps/venv/bin/python "$test" --slow || [ $? -eq 77 ] || status=1
  done
  return $status
}

began=$(date +%s)
failed=()
code=0
# attempt NAME "WHAT IT DOES" COMMAND…: a phase; the rest goes on when it fails.
attempt() {
  local name=$1 status
  shift
  set +e
  phase "$@"
  status=$?
  set -e
  if [ "$status" -ne 0 ]; then
    failed+=("$name")
    code=1
  fi
  return 0
}

phase "Set-up, with the tools of the tests" launch/setup.sh --tests
attempt build "Release build, warnings as errors" build_all
attempt format "clang-format over all C++ sources" format
attempt scripts "shellcheck over all scripts" scripts
if [[ " ${failed[*]} " != *" build "* ]]; then
  attempt clang-tidy "clang-tidy (src/: ${rooms[*]})" tidy
  set +e
  phase "Tests" run_tests
  tests=$?
  set -e
  if [ "$tests" -ne 0 ]; then
    failed+=(tests)
    code=$tests
  fi
  [ -z "$every_crash" ] || attempt crash "Kills and power failures at every call that writes" crash_everywhere
  [ -z "$fuzz" ] || attempt fuzz "Fuzzing of all readers of foreign bytes" fuzz_readers
  [ -z "$clusters" ] || attempt clusters "Clusters" on_clusters
fi

printf '\n== Where the time went\n'
printf '%s\n' "${phase_times[@]}" | python3 launch/where_time_went.py "$build" "$began" || true # of no weight

if [ ${#failed[@]} -eq 0 ]; then
  printf '\ncheck.sh: all passed in %d s\n' "$SECONDS"
else
  printf '\ncheck.sh: FAILED after %d s: %s\n' "$SECONDS" "${failed[*]}"
fi
exit "$code"
