#pragma once
// Matrix products whose bits no number of threads decides.
//
// Large ones are cut in pieces of rows and columns of the result (thread_team.hpp); the index that
// is summed is never cut. Small ones, and those of a device, are LibTorch's own.

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace explaind {

/// How the result of a product is cut, by its shape alone: `down` × `across` pieces of `rows` ×
/// `columns`, less at the ends.
struct ProductCut {
  int64_t rows = 0, columns = 0, down = 1, across = 1;
  [[nodiscard]] int64_t pieces() const { return down * across; }
};
/// inner: length of the index that is summed. whole_rows: pieces have all columns.
ProductCut cut_of_product(int64_t rows, int64_t columns, int64_t inner, bool whole_rows = false);

/// A stored matrix as out in, whatever its file has: a view.
at::Tensor out_in(const at::Tensor& stored, bool columns_are_outputs);

/// x Wᵀ + b, with a graph where an operand has one. x: … in; matrix: out in; bias: out, or
/// undefined; all of one type. Returns … out.
at::Tensor affine(const at::Tensor& x, const at::Tensor& matrix, const at::Tensor& bias = {});

/// a b, without a graph. a: m k; b: k n; of one type. Returns m n.
at::Tensor product(const at::Tensor& a, const at::Tensor& b);

/// a b of every member, without a graph. a: B m k; b: B k n; of one type. Returns B m n.
at::Tensor product_of_each(const at::Tensor& a, const at::Tensor& b);

}  // namespace explaind
