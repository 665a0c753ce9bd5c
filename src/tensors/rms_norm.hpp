#pragma once
// RMS norm in one pass each way, with what the gain's score needs.

#include <ATen/core/Tensor.h>

#include "tensors/device.hpp"

namespace explaind {

/// y = s x ⊙ g with s = 1/√(mean x² + ε): the shape of x. scale: s, that shape without its last
/// axis.
struct Normalised {
  at::Tensor y, scale;
};

/// Values alone. x: … C; gain: C.
Normalised normalise(const at::Tensor& x, const at::Tensor& gain, double epsilon,
                     const Device& device);

/// y has a graph back to x; the gain requires no gradient and must be the same in the backward
/// pass. Composed of elementwise operations this would read and write x about fifteen times.
Normalised normalise_with_graph(const at::Tensor& x, const at::Tensor& gain, double epsilon,
                                const Device& device);

/// z = s x ⊙ Δg, the response to the gain's update (method.md §5).
at::Tensor norm_response(const at::Tensor& x, const at::Tensor& update, const at::Tensor& scale,
                         const Device& device);

}  // namespace explaind
