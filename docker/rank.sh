#!/usr/bin/env bash
# A rank in a container of its own, where mpirun is the machine's (Open MPI 4.1, as in the image):
#
#   mpirun -n 8 docker/rank.sh -v /scratch:/scratch IMAGE decompose …      what follows is given to `docker run`
#
# The container shares network, process numbers and memory with its machine, has the user's own numbers, and sees what mpirun has left for its
# ranks. Environment: ENGINE  another program that understands `docker run`
set -euo pipefail
options=(--rm --network host --pid host --ipc host --user "$(id -u):$(id -g)")
for name in $(compgen -e); do
  case $name in
    OMPI_* | PMIX_* | SLURM_* | OMP_* | EXPLAIND_* | CUDA_VISIBLE_DEVICES) options+=(--env "$name") ;;
  esac
done
# mpirun's folder of this job: the file by which ranks find it lies in there.
if [ -n "${PMIX_SERVER_TMPDIR:-}" ]; then
  options+=(--volume "$PMIX_SERVER_TMPDIR:$PMIX_SERVER_TMPDIR")
fi
exec "${ENGINE:-docker}" run "${options[@]}" "$@"
