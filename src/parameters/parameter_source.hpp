#pragma once
// Where the weights at a node and the updates come from.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "model/network.hpp"
#include "path/trajectory.hpp"
#include "tensors/device.hpp"
#include "tensors/precision.hpp"

namespace explaind {

/// Rows [first, first + count) of a parameter.
struct ParameterRows {
  ParameterId parameter = no_parameter;
  int64_t first = 0, count = 0;
  bool operator==(const ParameterRows&) const = default;
};

/// W(t) and Δ of one segment, of those parts of the model that are open. Every element is the same
/// to the bit in all implementations: Δ = b − a from the stored endpoints a and b, W(t) = a + tΔ,
/// and W(0) = a, W(1) = b (in fp32 a + (b − a) ≠ b). Matrices are rounded to the precision's
/// products, vectors are not.
///
/// Tensors handed out are overwritten in place by open() and set_node().
class ParameterSource {
 public:
  virtual ~ParameterSource() = default;

  /// The segment that everything below is of. Throws DataError naming checkpoint, tensor and
  /// element of a weight that is not finite, where the source reads them all.
  virtual void load(int64_t segment) = 0;
  /// What is loaded; −1: nothing yet.
  [[nodiscard]] virtual int64_t segment() const = 0;
  /// False for a parameter, or a segment, whose Δ is zero: it needs no product of its own.
  [[nodiscard]] virtual bool moves(ParameterId /*parameter*/) { return true; }
  [[nodiscard]] virtual bool moves() { return true; }
  /// Makes the Δ of these parts available, at most one part a parameter; what was open is closed.
  /// `next` is what will be opened afterwards: it may be fetched meanwhile.
  virtual void open(const std::vector<ParameterRows>& parts,
                    const std::vector<ParameterRows>& next) = 0;
  /// W(t) of what is open, and the t of weight_rows.
  virtual void set_node(double t) = 0;

  /// The open part of a parameter: its rows × the rest of its shape.
  [[nodiscard]] virtual const at::Tensor& weight(ParameterId parameter) const = 0;
  [[nodiscard]] virtual const at::Tensor& delta(ParameterId parameter) const = 0;

  /// Rows of a matrix V C that need not be open, by id, not rounded. ids: any shape, on the host.
  /// Returns ids' shape × C.
  [[nodiscard]] virtual at::Tensor weight_rows(ParameterId parameter, const at::Tensor& ids) = 0;
  [[nodiscard]] virtual at::Tensor delta_rows(ParameterId parameter, const at::Tensor& ids) = 0;

  /// The trajectory's parts of Δ, handed out like Δ itself; they come from the mapped files in
  /// every source. index: below Trajectory::directions().
  [[nodiscard]] virtual const at::Tensor& direction(int64_t index, ParameterId parameter) = 0;
  [[nodiscard]] virtual at::Tensor direction_rows(int64_t index, ParameterId parameter,
                                                  const at::Tensor& ids) = 0;

  /// Bytes of stored weights that were opened so far, where the source opens parts of a model.
  [[nodiscard]] virtual int64_t bytes_opened() const { return 0; }
  /// The precision of all tensors handed out.
  [[nodiscard]] virtual const Precision& precision() const = 0;
  [[nodiscard]] virtual const Device& device() const = 0;
};

/// The type in which a parameter is handed out.
at::ScalarType type_of(const ParameterInfo& parameter, const Precision& precision);

/// The whole of these parameters.
std::vector<ParameterRows> whole(const Network& network, const std::vector<ParameterId>& ids);

}  // namespace explaind
