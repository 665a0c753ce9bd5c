#pragma once
// The kernels' twins on a CUDA device. Each does what the function of the same name in
// kernels/*.hpp does, for a whole tensor (or batch) at once, on pointers into device memory, in the
// order of a stream. Sums are formed in double and in an order that shapes alone decide: a run
// repeats to the bit, and differs from the reference by rounding in that order only.
//
// Errors of launches are thrown as Error. Where the program was built without CUDA everything here
// but built() and devices() throws.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/dtype.hpp"
#include "kernels/bfloat16.hpp"
#include "kernels/cross_entropy.hpp"
#include "kernels/norm_rows.hpp"

namespace explaind::kernels::device {

/// A cudaStream_t.
using Stream = void*;

/// Built with a CUDA toolkit.
bool built();
/// Devices that this process can use; 0 without a driver.
int devices();

struct Memory {
  size_t free = 0, total = 0;  ///< bytes
};
Memory memory(int device);

/// Stored values on the device, row-major, on a boundary of 64 bytes.
using Stored = StoredValues;

/// out = from, widened or rounded. Out: float, double, Bfloat16.
template <typename Out>
void widen(Stored from, int64_t count, Out* out, Stream stream);

/// delta = to − from, formed in float or double and rounded once. Floor: both endpoints read, delta
/// written.
template <typename Out>
void difference(Stored from, Stored to, int64_t count, Out* delta, Stream stream);

/// out = from + t · delta. Floor: from and delta read, out written.
template <typename Real>
void interpolate(Stored from, const Real* delta, Real t, int64_t count, Real* out, Stream stream);

/// out = from + t · (to − from) in float, rounded once. Floor: both endpoints read, out written.
void interpolate_between(Stored from, Stored to, float t, int64_t count, Bfloat16* out,
                         Stream stream);

/// Rows of B samples: `sample` elements from one sample to the next, `position` from one position
/// to the next (0: the same row everywhere).
template <typename Real>
struct Batch {
  const Real* data = nullptr;
  int64_t sample = 0, position = 0;
};

struct Extent {
  int64_t batch = 0, positions = 0, columns = 0;  ///< B T N
  const int64_t* lengths = nullptr;               ///< B, on the device: positions that exist
};

/// out[b, n] = Σ_{t < length_b} delta[b, t, n] z[b, t, n]. out: B N. Floor: each of delta and z
/// read once.
template <typename Real>
void contract_positions(Batch<Real> delta, Batch<Real> z, const Extent& extent, double* out,
                        Stream stream);

/// out[b, t, i] = Σ over the i-th of `parts` equal runs of columns of delta z; 0 past a sample's
/// end. out: B T parts.
template <typename Real>
void contract_columns(Batch<Real> delta, Batch<Real> z, const Extent& extent, int64_t parts,
                      double* out, Stream stream);

/// out[b, t, n] = delta z; 0 past a sample's end. out: B T N.
template <typename Real>
void contract_nothing(Batch<Real> delta, Batch<Real> z, const Extent& extent, double* out,
                      Stream stream);

/// out[r, i] = Σ over the i-th of `parts` equal runs of the row. values: rows columns.
void sum_runs(const double* values, int64_t rows, int64_t columns, int64_t parts, double* out,
              Stream stream);

/// Logits of the vocabulary's ids [first, first + n), a row a token.
template <typename Real>
struct LogitSlice {
  Real* logits = nullptr;  ///< rows n
  int64_t rows = 0, n = 0, first = 0;
  const int64_t* targets = nullptr;  ///< rows; −1: nothing is predicted, the row is skipped
};

/// totals, chosen: rows, added to as add_slice does; chosen takes the target's logit where it is in
/// the slice. Floor: two reads of the logits, an exponential each.
template <typename Real>
void add_slice(const LogitSlice<const Real>& slice, SoftmaxSum* totals, double* chosen,
               Stream stream);

/// Logits become scales[row] · (softmax − onehot(target)), 0 where nothing is predicted. Floor: one
/// read, one write, an exponential each.
template <typename Real>
void softmax_gradient(const LogitSlice<Real>& slice, const SoftmaxSum* totals, const double* scales,
                      Stream stream);

/// kernels/rms_norm.hpp, all rows.
template <typename Real>
void rms_norm(const NormRows<Real>& in, double epsilon, int64_t rows, Real* y, Real* scale,
              Stream stream);
template <typename Real>
void rms_norm_backward(const NormRows<Real>& in, const Real* scale, const Real* delta, int64_t rows,
                       Real* input_gradient, Stream stream);
template <typename Real>
void rms_norm_response(const NormRows<Real>& in, const Real* scale, int64_t rows, Real* z,
                       Stream stream);

}  // namespace explaind::kernels::device
