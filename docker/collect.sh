#!/usr/bin/env bash
# Gathers what the finished image gets of the stage that builds:  collect.sh BUILD FOLDER
#   FOLDER/root      program and libraries as they will lie below /, stripped
#   FOLDER/packages  the system's packages that own the other libraries they load, one a line (launch/setup.sh --runtime)
set -euo pipefail
build=$1 root=$2/root
libtorch=$EXPLAIND_LIBTORCH arrow=$EXPLAIND_ARROW
mkdir -p "$root/usr/local/bin" "$root/usr/local/lib/explaind" "$root/usr/share/doc/explaind"
cp "$build/explaind" "$root/usr/local/bin/"
cp "$build/libexplaind_arrow.so" "$root/usr/local/lib/explaind/"
cp LICENSE "$root/usr/share/doc/explaind/copyright"

# Devices' libraries are opened by name, so all of them come along where the build has them.
devices=()
if [ "${DEVICE:-cpu}" = cuda ]; then
  mapfile -t devices < <(find "$libtorch"/torch/lib "$libtorch"/nvidia -name '*.so*' -not -name 'libtorch_python*' -not -name 'libnvvm*')
fi

loaded() { ldd "$@" | sed -n 's/.* => \(\/[^ ]*\) .*/\1/p' | sort -u; }
mapfile -t libraries < <(loaded "$build/explaind" "$build/libexplaind_arrow.so" "${devices[@]}")
system=()
for library in "${libraries[@]}" "${devices[@]}"; do
  # Paths as the loader has them go through /torch/lib/../..
  library=$(realpath -s "$library")
  case $library in
    "$libtorch"/* | "$arrow"/*)
      mkdir -p "$root$(dirname "$library")"
      cp -n "$library" "$root$library"
      ;;
    *) system+=("$(realpath "$library")") ;;
  esac
done
# Signed or compressed parts of libraries do not outlive strip: NVIDIA's stay as they are.
find "$root" \( -name '*.so*' -o -name explaind \) -type f -not -path '*/nvidia/*' -exec strip --strip-unneeded {} +

# What says whose these are and under which licence: of wheels that have given a file.
for folder in "$libtorch"/*.dist-info "$arrow"/*.dist-info; do
  given=$(comm -12 <(cut -d, -f1 "$folder/RECORD" | sort) <(cd "$root$(dirname "$folder")" && find . -type f -printf '%P\n' | sort))
  [ -n "$given" ] || continue
  find "$folder" \( -name METADATA -o -iname '*licen[sc]e*' -o -iname '*notice*' \) -type f | while read -r file; do
    install -D -m 644 "$file" "$root$file"
  done
done

# Packages know a library by the folder they brought it into, which may since be a link into /usr.
for library in "${system[@]}"; do
  dpkg-query -S "$library" 2>/dev/null || dpkg-query -S "${library#/usr}"
done | sed 's/:.*//' | sort -u > "$2/packages"
