#pragma once
// How a Hugging Face model's tensors lie in the tensors that a training program saved.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "checkpoint/layouts/boxed_tensor.hpp"
#include "checkpoint/layouts/put_together.hpp"
#include "checkpoint/tensor_view.hpp"

namespace explaind {

/// Elements first … first + count − 1 of a saved tensor, as it counts them row by row.
struct ElementRun {
  std::string source;
  int64_t first = 0, count = 0;
};

/// A tensor: its elements are those of the runs, one after the other.
struct TensorPlan {
  std::string name;
  std::vector<int64_t> shape;
  std::vector<ElementRun> runs;
};

/// Names and shapes of what was saved.
using SavedShapes = std::map<std::string, std::vector<int64_t>>;

/// What a naming makes of a saved state: the tensors, and what it left out.
struct Naming {
  std::vector<TensorPlan> tensors;
  std::vector<std::string> notes;        ///< a sentence each
  std::vector<std::string> state_notes;  ///< the same of its optimizer's state, where there is one
};

/// The tensors of plans: views of the files where their elements follow each other there, others
/// put together when the first of them is read.
class PlannedTensors {
 public:
  /// sources: by name, all that the plans name; their bytes must outlive this. Throws DataError
  /// naming `where` and the tensor: elements of two types, or not as many as its shape has.
  PlannedTensors(std::vector<TensorPlan> plans, std::map<std::string, BoxedTensor> sources,
                 const std::string& where);

  /// In the order of the plans. Elements are there after prepare().
  [[nodiscard]] const std::vector<TensorView>& views() const { return views_; }
  /// Before a view's elements are read; a view of other tensors is nothing to it.
  void prepare(const TensorView& view) const;
  /// How many are put together, and their bytes, as a note; empty: none.
  [[nodiscard]] std::string note() const;

 private:
  void put_together() const;

  std::vector<TensorPlan> plans_;
  std::map<std::string, BoxedTensor> sources_;
  std::vector<TensorView> views_;
  std::unique_ptr<LateRoom> room_;
  size_t copied_ = 0;
};

}  // namespace explaind
