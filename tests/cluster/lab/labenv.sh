# shellcheck shell=bash
LAB=${LAB:-${TMPDIR:-/tmp}/slurm-lab}
# source this after up.sh: what every client and job of the lab needs
export SLURM_CONF=$LAB/slurm.conf
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1          # only for root
dev=$(ip -o route show default | awk '{print $5; exit}'); dev=${dev:-$(ip -o -4 addr show up | awk '$2 != "lo" {print $2; exit}')}; dev=${dev:-lo}
export OMPI_MCA_btl_tcp_if_include=$dev OMPI_MCA_oob_tcp_if_include=$dev  # container bridges make Open MPI hang
