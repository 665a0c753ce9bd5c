#pragma once
// Stored endpoints turned into W(t) and Δ, by threads or on a device.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "path/trajectory.hpp"
#include "tensors/device.hpp"

namespace explaind {

/// delta = b − a, formed in fp32 or fp64; where delta is bf16, in fp32 and rounded once. delta: as
/// many elements as the endpoints; on a device both must be there, on boundaries of 64 bytes.
void form_delta(const Endpoints& ends, const Device& device, at::Tensor& delta);

/// weight = a + tΔ; a itself at t = 0, b itself at t = 1, where delta may be undefined. Where
/// weight is bf16 Δ is formed anew in fp32 (the rounded one would do for no W(t)) and the sum
/// rounded once.
void form_weight(const Endpoints& ends, const at::Tensor& delta, double t, const Device& device,
                 at::Tensor& weight);

/// A stored tensor in `type` (rounded where that is bf16), on the device. stored: in host memory.
at::Tensor widened(const TensorView& stored, const std::vector<int64_t>& shape, at::ScalarType type,
                   const Device& device);

/// A part of Δ likewise; a sum of several terms, or of one that is multiplied, is formed in fp64.
at::Tensor direction_of(const StoredSum& direction, const std::vector<int64_t>& shape,
                        at::ScalarType type, const Device& device);

/// Rows of both endpoints, and of the directions.
Endpoints rows_of(const Endpoints& ends, int64_t first, int64_t count);

/// What is looked up of a stored matrix V C in host memory: W(t)[id], or Δ[id] with `update`, for
/// every id. ids: any shape, on the host. Returns ids' shape × C in `type` (fp32 or fp64).
at::Tensor looked_up_rows(const Endpoints& ends, const at::Tensor& ids, double t, bool update,
                          at::ScalarType type);

/// Rows of a direction, by id.
at::Tensor looked_up_direction(const Endpoints& ends, int64_t index, const at::Tensor& ids,
                               at::ScalarType type);

}  // namespace explaind
