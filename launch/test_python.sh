#!/usr/bin/env bash
# Makes the Python of the tests: a virtual environment with tests/requirements.txt, the PyTorch that is LibTorch, and the wheels of
# tests/wheels.txt in its folder wheels/, to be read as archives.
# Called by launch/setup.sh --tests, not by hand.
#
#   launch/test_python.sh PYTHON LIBTORCH VENV
#
# The wheel under LIBTORCH lacks 5 GB of CUDA libraries that `import torch` links but a CPU never calls. So the
# environment has its own torch/ of links into LIBTORCH, beside an nvidia/ folder in which every absent library is
# replaced by an empty stand-in whose functions abort. CUDA is hidden from this Python.
set -euo pipefail
python=$1 libtorch=$(realpath "$2") venv=$3
requirements=$(dirname "$0")/../tests/requirements.txt
wheels=$(dirname "$0")/../tests/wheels.txt

stamp=$(cat "$requirements" "$wheels" "$0" "$libtorch/torch/version.py" | cksum)
if [ "$(cat "$venv/explaind.stamp" 2>/dev/null)" = "$stamp" ]; then
  exit 0
fi

# link_torch SITE: the wheel's Python packages as links. torch/ and torch/lib/ are real folders, since the loader
# looks for the CUDA libraries in ../../nvidia as seen from torch/lib.
link_torch() {
  local site=$1
  mkdir -p "$site/torch/lib" "$site/nvidia/cu13/lib"
  ln -s "$libtorch"/torch-*.dist-info "$libtorch"/torchgen "$libtorch"/functorch "$site/"
  find "$libtorch/torch" -mindepth 1 -maxdepth 1 ! -name lib -exec ln -s -t "$site/torch" {} +
  ln -s "$libtorch"/torch/lib/* "$site/torch/lib/"
  ln -s "$libtorch"/nvidia/cu13/lib/* "$site/nvidia/cu13/lib/"
  printf 'import os; os.environ["CUDA_VISIBLE_DEVICES"] = ""\n' > "$site/explaind_no_cuda.pth"
}

# needed_libraries: "soname version" per line (version "-" where there is none) for each CUDA library torch links.
needed_libraries() {
  readelf -dVW "$libtorch"/torch/lib/*.so | awk '
    $2 == "(NEEDED)"  { gsub(/[][]/, "", $NF); version[$NF] = version[$NF] }
    / File: .* Cnt: / { sub(/.* File: /, ""); library = $1 }
    / Name: .*Flags:/ { sub(/.* Name: /, ""); version[library] = $1 }
    END { for (l in version) if (l ~ /^lib(cu|nccl|nvshmem)/) print l, version[l] == "" ? "-" : version[l] }' | sort
}

# undefined_symbols VERSION: what torch wants of the library with that symbol version; "-": C symbols without one.
undefined_symbols() {
  nm -D --undefined-only "$libtorch"/torch/lib/*.so | awk -v version="$1" '
    NF == 2 && version == "-" && $2 ~ /^(nccl|cu)[A-Za-z0-9]+$/ { print $2 }
    NF == 2 && split($2, part, "@") > 1 && part[2] == version   { print part[1] }' | sort -u
}

# stand_ins FOLDER: one empty library for each that FOLDER lacks.
stand_ins() {
  local folder=$1 library version
  while read -r library version; do
    [ -e "$folder/$library" ] && continue
    {
      echo 'void abort(void);'
      undefined_symbols "$version" | sed 's/.*/void &(void) { abort(); }/'
    } > "$folder/stand_in.c"
    local version_script=()
    if [ "$version" != - ]; then
      echo "$version {};" > "$folder/stand_in.map"
      version_script=("-Wl,--version-script,$folder/stand_in.map")
    fi
    gcc -w -fno-builtin -shared -fPIC "-Wl,-soname,$library" "${version_script[@]}" \
      "$folder/stand_in.c" -o "$folder/$library"
  done < <(needed_libraries)
  rm -f "$folder"/stand_in.*
}

# verify: the libraries really work together, on a Llama small enough to take no time.
verify() {
  "$venv/bin/python" - <<'PYTHON'
import aiohttp, dask.array, h5netcdf, h5py, kerchunk.hdf, netCDF4, safetensors.torch, sentencepiece, torch, transformers, xarray
config = transformers.LlamaConfig(vocab_size=32, hidden_size=16, intermediate_size=24, num_hidden_layers=1,
                                  num_attention_heads=4, num_key_value_heads=2, attn_implementation="sdpa")
model = transformers.AutoModelForCausalLM.from_config(config)
tokens = torch.arange(8)[None]
model(input_ids=tokens, labels=tokens).loss.backward()
assert not torch.cuda.is_available()
assert torch.isfinite(model.lm_head.weight.grad).all()
PYTHON
}

rm -rf "$venv"
"$python" -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input -r "$requirements"
"$venv/bin/python" -m pip download --quiet --disable-pip-version-check --no-input --no-deps -d "$venv/wheels" -r "$wheels"
site=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
link_torch "$site"
stand_ins "$site/nvidia/cu13/lib"
verify
echo "$stamp" > "$venv/explaind.stamp"
