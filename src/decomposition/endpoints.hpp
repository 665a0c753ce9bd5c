#pragma once
// Stored endpoints turned into W(t) and Δ, split over threads.

#include <ATen/core/Tensor.h>

#include "decomposition/trajectory.hpp"

namespace explaind {

/// delta = b − a, formed in delta's type (fp32 or fp64). delta: as many elements as the endpoints.
void form_delta(const Endpoints& ends, at::Tensor& delta);

/// weight = a + tΔ; a itself at t = 0, b itself at t = 1.
void form_weight(const Endpoints& ends, const at::Tensor& delta, double t, at::Tensor& weight);

/// Rows of both endpoints.
Endpoints rows_of(const Endpoints& ends, int64_t first, int64_t count);

}  // namespace explaind
