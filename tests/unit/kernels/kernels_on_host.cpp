// The CUDA kernels as ordinary functions.
#include "unit/kernels/cuda_on_host.hpp"
// After it:
#include "kernels/cuda/contract.cu"
#include "kernels/cuda/cross_entropy.cu"
#include "kernels/cuda/interpolate.cu"
#include "kernels/cuda/rms_norm.cu"
