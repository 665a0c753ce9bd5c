#pragma once
// Tensors that lie in pieces of several files.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "checkpoint/layouts/put_together.hpp"
#include "checkpoint/tensor_view.hpp"

namespace explaind {

/// `runs` rows of `run` bytes, and where they go in the tensor.
struct Piece {
  const std::byte* from = nullptr;
  size_t run = 0, to = 0;
  size_t runs = 1, from_step = 0, to_step = 0;  ///< bytes from one row to the next
};

/// Elements [first, first + count) of `flat`, in row-major order, which become the tensor's from
/// `to` on. Throws DataError naming `where` and flat's name where it does not hold them.
Piece piece_of(const TensorView& flat, int64_t first, int64_t count, int64_t to,
               const std::string& where);
/// The whole of `part` at index `at` of `axis` in a tensor of `length` along it.
Piece slice_along(const TensorView& part, size_t axis, int64_t at, int64_t length);

/// Views: of a file where a tensor lies in one piece, else of memory that it is copied into.
class Assembly {
 public:
  /// where: the checkpoint, for messages.
  explicit Assembly(std::string where) : where_(std::move(where)) {}

  /// Throws DataError where the pieces are not as long as the tensor or lie outside it. They must
  /// not overlap.
  void add(std::string name, Dtype dtype, std::vector<int64_t> shape, std::vector<Piece> pieces);
  void add(TensorView whole);
  /// What was added, in that order. Elements of what is put together are there after prepare().
  const std::vector<TensorView>& finish();
  /// Puts together what was added, once, where `view` is one of these. From any thread. Throws
  /// DataError where there is no room.
  void prepare(const TensorView& view) const {
    if (room_ != nullptr && room_->holds(view.data)) fill();
  }
  void fill() const;
  /// What finish() gave.
  [[nodiscard]] const std::vector<TensorView>& tensors() const { return tensors_; }
  [[nodiscard]] size_t copied() const { return room_ == nullptr ? 0 : room_->bytes(); }

 private:
  std::string where_;
  std::vector<TensorView> tensors_;
  std::vector<std::vector<Piece>> pieces_;  ///< none: the view is there
  std::unique_ptr<LateRoom> room_;
};

}  // namespace explaind
