#pragma once
// Components: sets of parameters that partition the model, at one of five granularities.

#include <cstdint>
#include <string>
#include <vector>

namespace explaind {

enum class Granularity { kind, layer, tensor, head, row };

/// "kind", "layer", "tensor", "head", "row"; throws UsageError on any other word.
Granularity parse_granularity(const std::string& word);
std::string to_string(Granularity granularity);

/// What a parameter tensor is and how it may be divided. One per tensor of the model, in the
/// model's order.
struct ParameterInfo {
  std::string name;            ///< the name in the checkpoint's file; a tied matrix appears once
  std::vector<int64_t> shape;  ///< [rows], [rows, columns] or [rows, columns, k, k]
  int layer = -1;          ///< block number; −1 before the blocks, L (the number of blocks) after
  std::string layer_name;  ///< "embedding", "layer.0" …, "final_norm", "unembedding"
  std::string kind;        ///< attention, mlp, convolution, norm, embedding, unembedding
  int heads = 0;           ///< heads that divide the tensor; 0: not divided by heads
  bool heads_by_column = false;  ///< o_proj: a head is a range of columns; else a range of rows
  int uses = 1;                  ///< operations of the model that use it; 2: a tied matrix; 0: none
};

/// One entry of the `component` axis; the fields are coordinates of the store.
struct Component {
  std::string name;
  int layer = -1;
  std::string kind;    ///< empty where a layer holds several kinds
  std::string tensor;  ///< empty where a component joins several tensors
  int head = -1;       ///< head number, −1 none
  int index = -1;      ///< row or head number, −1 none
};

/// How the scores of one tensor are laid on the component axis.
enum class Division { whole, rows, row_blocks, column_blocks };

struct ParameterSlot {
  int64_t first =
      0;  ///< first component of this tensor (several tensors share one at `layer` and `kind`)
  int64_t count = 1;  ///< components of this tensor: 1, rows, or heads
  Division division = Division::whole;
};

/// The component axis of one granularity: labels and, per parameter, where its scores go.
class ComponentTable {
 public:
  ComponentTable() = default;
  ComponentTable(Granularity granularity, std::vector<ParameterInfo> parameters);

  [[nodiscard]] Granularity granularity() const { return granularity_; }
  [[nodiscard]] const std::vector<ParameterInfo>& parameters() const { return parameters_; }
  [[nodiscard]] const std::vector<Component>& components() const { return components_; }
  [[nodiscard]] int64_t size() const { return static_cast<int64_t>(components_.size()); }
  [[nodiscard]] const ParameterSlot& slot(int64_t parameter) const {
    return slots_[static_cast<size_t>(parameter)];
  }
  /// True where every component is a whole tensor or a union of tensors.
  [[nodiscard]] bool sums_of_tensors() const {
    return granularity_ != Granularity::head && granularity_ != Granularity::row;
  }

 private:
  Granularity granularity_ = Granularity::tensor;
  std::vector<ParameterInfo> parameters_;
  std::vector<Component> components_;
  std::vector<ParameterSlot> slots_;
};

}  // namespace explaind
