#!/usr/bin/env bash
# The whole way on a fresh machine: installs what is missing, builds the program, trains a small language model on a
# text in 19 languages, and attributes what it learned about each language to its parts, on two MPI ranks.
#
#   launch/quickstart.sh     everything it makes lies under build/; run again, it redoes only what is missing
#
# Environment: EXPLAIND_GUIDE  the folder of Debian's installation guide, if not its package's
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=launch/phase.sh
source launch/phase.sh

explaind=build/release/explaind
config=configs/quickstart.ini
work=build/quickstart

build() {
  # A tree that already builds the tests keeps them; this one needs just the program.
  local tests=()
  [ -e build/release/CMakeCache.txt ] || tests=(-DEXPLAIND_TESTS=OFF)
  cmake --preset release "${tests[@]}" >build/configure.log || {
    cat build/configure.log >&2
    return 1
  }
  cmake --build build/release --target explaind -j "$(nproc)"
}

# once STAMP INPUT… -- COMMAND…: runs the command unless it has already succeeded with these input files.
once() {
  local stamp=$work/$1 inputs=() now
  shift
  while [ "$1" != -- ]; do
    inputs+=("$1")
    shift
  done
  shift
  now=$(cat "${inputs[@]}" | cksum)
  if [ "$(cat "$stamp" 2>/dev/null)" = "$now" ]; then
    echo "   there from an earlier run"
    return
  fi
  rm -f "$stamp"
  "$@"
  echo "$now" > "$stamp"
}

record() {
  once record.stamp "$config" "$work"/text/*.txt -- "$explaind" record --config "$config" --overwrite
}

decompose() {
  [ -e "$work/influence.h5" ] || rm -f "$work/decompose.stamp"
  once decompose.stamp "$config" "$work/record.stamp" "$work/held_out.jsonl" "$explaind" -- \
    launch/run.sh -n 2 "$explaind" decompose --config "$config" --overwrite
}

show() {
  echo "What each kind of layer did to the loss of each language over the whole training (negative: lowered it):"
  "$explaind" query "$work/influence.h5" --group-by group,kind --columns kind
  echo
  echo "When: what each kind of layer did to the loss, averaged over the languages, up to each checkpoint since the one before:"
  "$explaind" query "$work/influence.h5" --group-by step_to,kind --columns kind
}

report() {
  "$explaind" report "$work/influence.h5" -o "$work/report.html" --overwrite
}

[ -d "$work/series" ] || rm -f "$work/record.stamp"
launch/setup.sh
phase "Building the program (Release)" build
phase "Sample text in $work/text, one paragraph of each language held out" \
  python3 launch/sample_text.py "$work" ${EXPLAIND_GUIDE:+"$EXPLAIND_GUIDE"}
phase "Training a small Llama on it; checkpoints in $work/series" record
phase "Decomposing the held-out losses on 2 ranks into $work/influence.h5" decompose
phase "Result" show
phase "The same as a page, with figures" report

cat <<END

The quickstart took $SECONDS s. What next:
  open $work/report.html in a browser
  $explaind inspect $work/influence.h5
  $explaind query $work/influence.h5 --group-by group,layer --select 'group=de|fr' --top 5
  python3 -c 'import xarray; print(xarray.open_dataset("$work/influence.h5").psi.groupby("kind").sum())'
    (with a Python that has xarray and netCDF4, such as build/deps/venv/bin/python3 after launch/setup.sh --tests)
  README.md: your own checkpoints, all options, what the numbers mean
END
