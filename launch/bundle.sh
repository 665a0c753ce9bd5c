#!/usr/bin/env bash
# Makes a folder with the program and its Open MPI, HDF5, Boost and other libraries, for machines that have LibTorch
# (any Python with torch 2.11) but none of those. The machine's glibc must be as new as this one's.
#
#   launch/bundle.sh [--tests] [FOLDER]     default: build/bundle
#
# There:  FOLDER/mpirun -n 2 FOLDER/explaind decompose …     or FOLDER/explaind alone
# --tests: the tests of devices come along, for tests/device/check.py;  there: FOLDER/test NAME
# Environment here:  EXPLAIND           another program than build/release/explaind
# Environment there: EXPLAIND_LIBTORCH  the folder that holds torch/lib; else the one that `python3` imports
#                    EXPLAIND_ARROW     the folder that holds pyarrow (for samples in Parquet and Arrow files, of the version in
#                                       launch/setup.sh); else the one beside torch. It is not in the bundle, of which it would be half
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=launch/phase.sh
source "$root/launch/phase.sh"

tests=()
case "${1:-}" in
  --tests)
    tests=(cuda_kernels_tests device_tests nccl_device_tests)
    shift
    ;;
  -h | --help)
    sed -n '2,12s/^# \{0,1\}//p' "$0"
    exit 0
    ;;
esac
bundle=${1:-$root/build/bundle}
program=${EXPLAIND:-$root/build/release/explaind}
[ -x "$program" ] || stop "$program is missing" "Build it first: cmake --build build/release"
command -v ompi_info >/dev/null || stop "ompi_info was not found" "The bundle carries Open MPI; other MPIs are not supported."

ompi_path() { ompi_info --parsable --path "$1" | sed -n "s/^path:$1://p"; }
prefix=$(ompi_path prefix)
plugins=$(ompi_path pkglibdir)
messages=$(ompi_path pkgdatadir)
for folder in "$plugins" "$messages"; do
  [[ $folder == "$prefix"/* ]] || stop "Open MPI's $folder is not below its prefix $prefix" "Such an installation cannot be moved."
done

# Opened by the program itself, where a text is cut by a tokenizer.json (src/tokenizers/oniguruma.hpp).
patterns=$(PATH=$PATH:/usr/sbin:/sbin ldconfig -p | sed -n 's/.*libonig\.so\.5 .* => //p' | head -n 1)
[ -n "$patterns" ] || stop "libonig.so.5 is not installed" "Run launch/setup.sh."

# libraries FILE…: what they load, one path a line; not glibc, LibTorch or CUDA, which the other machine has.
libraries() {
  ldd "$@" | sed -n 's/.* => \(\/[^ ]*\) .*/\1/p' | sort -u |
    grep -Ev '/(libc|libm|libdl|librt|libpthread|libutil|libresolv)\.so|/(libtorch|libc10|libgomp|libcud|libcupti)[^/]*$'
}

# Only what this script has made is removed.
if [ -n "$(ls -A "$bundle" 2>/dev/null)" ] && [ ! -e "$bundle/.explaind-bundle" ]; then
  stop "$bundle is there, and this script did not make it" "Remove it, or name another folder."
fi
rm -rf "$bundle"
mkdir -p "$bundle"
touch "$bundle/.explaind-bundle"
mkdir -p "$bundle/bin" "$bundle/lib" "$bundle${plugins#"$prefix"}" "$bundle$(dirname "${messages#"$prefix"}")"
strip -o "$bundle/bin/explaind" "$program"
arrow=$(dirname "$program")/libexplaind_arrow.so
[ ! -e "$arrow" ] || cp "$arrow" "$bundle/bin/"
for test in "${tests[@]}"; do
  built=$(find "$(dirname "$program")" -maxdepth 1 -name "$test")
  [ -n "$built" ] || stop "$test is missing beside $program" "Build it where nvcc is found, with -DEXPLAIND_TESTS=ON."
  strip -o "$bundle/bin/$test" "$built"
done
cp -L "$(command -v orterun)" "$(command -v orted)" "$bundle/bin/"
cp -r "$messages" "$bundle$(dirname "${messages#"$prefix"}")/"
mapfile -t needed < <(libraries "$program" "$bundle/bin/orterun" "${tests[@]/#/$bundle/bin/}")
cp -L "${needed[@]}" "$patterns" "$bundle/lib/"

# Plugins for fabrics need drivers' libraries: those stay away, shared memory and TCP remain. PMIx comes with its own.
for plugin in "$plugins"/*.so; do
  mapfile -t wanted < <(libraries "$plugin" || true)
  extra=()
  for library in "${wanted[@]}"; do
    [ -e "$bundle/lib/$(basename "$library")" ] || extra+=("$library")
  done
  case "${extra[*]}" in
    '') ;;
    *libpmix*) cp -L "${extra[@]}" "$bundle/lib/" ;;
    *) continue ;;
  esac
  cp -L "$plugin" "$bundle${plugins#"$prefix"}/"
done
pmix=$(find /usr/lib /usr/local/lib -type d -path '*pmix*/lib/pmix' 2>/dev/null | head -n 1)
if [ -n "$pmix" ]; then
  mkdir -p "$bundle/lib/pmix"
  cp -L "$pmix"/*.so "$bundle/lib/pmix/"
fi

cat > "$bundle/environment.sh" <<'END'
# Sourced by the programs of this folder.
torch=${EXPLAIND_LIBTORCH:+$EXPLAIND_LIBTORCH/torch}
torch=${torch:-$(python3 -c 'import importlib.util as u; print(u.find_spec("torch").submodule_search_locations[0])' 2>/dev/null || true)}
if [ ! -e "$torch/lib/libtorch_cpu.so" ]; then
  echo "explaind: LibTorch was not found: set EXPLAIND_LIBTORCH to the folder that holds torch/lib" >&2
  exit 2
fi
nvidia=$(printf '%s:' "$(dirname "$torch")"/nvidia/*/lib)
arrow=${EXPLAIND_ARROW:-$(dirname "$torch")}/pyarrow
export LD_LIBRARY_PATH=$here/lib:$torch/lib:$arrow:$nvidia${LD_LIBRARY_PATH:-}
export OPAL_PREFIX=$here PMIX_INSTALL_PREFIX=$here PMIX_MCA_mca_base_component_path=$here/lib/pmix
export OMPI_MCA_mca_base_component_show_load_errors=0 PMIX_MCA_mca_base_component_show_load_errors=0
END
for name in explaind mpirun; do
  target=$name
  [ "$name" = explaind ] || target=orterun
  cat > "$bundle/$name" <<END
#!/usr/bin/env bash
here=\$(cd "\$(dirname "\${BASH_SOURCE[0]}")" && pwd)
. "\$here/environment.sh"
exec "\$here/bin/$target" "\$@"
END
  chmod +x "$bundle/$name"
done
if [ ${#tests[@]} -gt 0 ]; then
  cat > "$bundle/test" <<'END'
#!/usr/bin/env bash
# test NAME ARGUMENTS…: one of the tests of devices
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/environment.sh"
exec "$here/bin/$1" "${@:2}"
END
  chmod +x "$bundle/test"
fi
echo "$bundle: $(du -sh "$bundle" | cut -f1)"
