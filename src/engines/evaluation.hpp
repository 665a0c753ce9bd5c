#pragma once
// What an engine is given: samples of one micro-batch at a node, or at several.

#include <ATen/core/Tensor.h>

#include <cstddef>

#include "engines/score_accumulator.hpp"
#include "samples/batch.hpp"

namespace explaind {

/// How W(t) enters a product.
enum class ProductForm {
  formed,  ///< W(t) is formed for every node: y = x W(t)ᵀ
  split    ///< y = x aᵀ + t (x Δᵀ), the rows of all nodes of a round in one product
};

/// Nodes of a micro-batch that run together where products are split; a constant, since the rows of
/// a product decide its rounding.
inline constexpr int split_nodes = 16;

/// One micro-batch at one node, or where products are split at several, with what a schedule keeps
/// of it on the way.
struct Evaluation {
  double t = 0;
  /// Where products are split: t of every member, B, on the device. At t = 1 they are not, since in
  /// fp32 a + (b − a) ≠ b.
  at::Tensor t_of_members;
  bool value_only = false;
  int owner = 0;           ///< rank of the group
  size_t micro_batch = 0;  ///< of the chunk
  MicroBatch batch;        ///< of several nodes: one after another
  Members members;
  at::Tensor hidden;    ///< B T C: the last block's output
  at::Tensor gradient;  ///< B T C: ∂F/∂hidden, or of the block that is next in the backward pass

  /// Where the parameters must be.
  [[nodiscard]] double node() const { return t_of_members.defined() ? 0 : t; }
  /// Token ids: B T, on the host.
  [[nodiscard]] at::Tensor ids() const;
};

}  // namespace explaind
