// In place of the .cu files where there is no CUDA toolkit.

#include "core/error.hpp"
#include "kernels/device.hpp"

namespace explaind::kernels::device {
namespace {

[[noreturn]] void refuse() {
  throw Error("CUDA", "this program was built without CUDA",
              "Build it where nvcc is found (-DEXPLAIND_CUDA=ON says why it is not)");
}

}  // namespace

bool built() { return false; }
int devices() { return 0; }
Memory memory(int) { refuse(); }

template <typename Out>
void widen(Stored, int64_t, Out*, Stream) {
  refuse();
}
template <typename Out>
void difference(Stored, Stored, int64_t, Out*, Stream) {
  refuse();
}
template <typename Real>
void interpolate(Stored, const Real*, Real, int64_t, Real*, Stream) {
  refuse();
}
void interpolate_between(Stored, Stored, float, int64_t, Bfloat16*, Stream) { refuse(); }
template <typename Real>
void contract_positions(Batch<Real>, Batch<Real>, const Extent&, double*, Stream) {
  refuse();
}
template <typename Real>
void contract_columns(Batch<Real>, Batch<Real>, const Extent&, int64_t, double*, Stream) {
  refuse();
}
template <typename Real>
void contract_nothing(Batch<Real>, Batch<Real>, const Extent&, double*, Stream) {
  refuse();
}
void sum_runs(const double*, int64_t, int64_t, int64_t, double*, Stream) { refuse(); }
template <typename Real>
void add_slice(const LogitSlice<const Real>&, SoftmaxSum*, double*, Stream) {
  refuse();
}
template <typename Real>
void softmax_gradient(const LogitSlice<Real>&, const SoftmaxSum*, const double*, Stream) {
  refuse();
}
template <typename Real>
void rms_norm(const NormRows<Real>&, double, int64_t, Real*, Real*, Stream) {
  refuse();
}
template <typename Real>
void rms_norm_backward(const NormRows<Real>&, const Real*, const Real*, int64_t, Real*, Stream) {
  refuse();
}
template <typename Real>
void rms_norm_response(const NormRows<Real>&, const Real*, int64_t, Real*, Stream) {
  refuse();
}

template void widen(Stored, int64_t, Bfloat16*, Stream);
template void difference(Stored, Stored, int64_t, Bfloat16*, Stream);

#define EXPLAIND_FOR(Real)                                                                         \
  template void widen(Stored, int64_t, Real*, Stream);                                             \
  template void difference(Stored, Stored, int64_t, Real*, Stream);                                \
  template void interpolate(Stored, const Real*, Real, int64_t, Real*, Stream);                    \
  template void contract_positions(Batch<Real>, Batch<Real>, const Extent&, double*, Stream);      \
  template void contract_columns(Batch<Real>, Batch<Real>, const Extent&, int64_t, double*,        \
                                 Stream);                                                          \
  template void contract_nothing(Batch<Real>, Batch<Real>, const Extent&, double*, Stream);        \
  template void add_slice<Real>(const LogitSlice<const Real>&, SoftmaxSum*, double*, Stream);      \
  template void softmax_gradient(const LogitSlice<Real>&, const SoftmaxSum*, const double*,        \
                                 Stream);                                                          \
  template void rms_norm(const NormRows<Real>&, double, int64_t, Real*, Real*, Stream);            \
  template void rms_norm_backward(const NormRows<Real>&, const Real*, const Real*, int64_t, Real*, \
                                  Stream);                                                         \
  template void rms_norm_response(const NormRows<Real>&, const Real*, int64_t, Real*, Stream);
EXPLAIND_FOR(float)
EXPLAIND_FOR(double)

}  // namespace explaind::kernels::device
