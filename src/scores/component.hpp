#pragma once
// Components: sets of parameters that partition the model, at one of six granularities.

#include <cstdint>
#include <string>
#include <vector>

namespace explaind {

enum class Granularity { kind, layer, tensor, head, row, neuron };

/// "kind", "layer", "tensor", "head", "row", "neuron"; throws UsageError on any other word.
Granularity parse_granularity(const std::string& word);
std::string to_string(Granularity granularity);

/// What a parameter tensor is and how it may be divided. One per tensor of the model, in the
/// model's order.
struct ParameterInfo {
  std::string name;            ///< the name in the checkpoint's file; a tied matrix appears once
  std::vector<int64_t> shape;  ///< [rows], [rows, columns] or [rows, columns, k, k]
  int layer = -1;          ///< block number; −1 before the blocks, L (the number of blocks) after
  std::string layer_name;  ///< "embedding", "layer.0" …, "final_norm", "unembedding"
  std::string kind;  ///< attention, mlp, convolution, norm, bias, embedding, position, unembedding
  /// A matrix is stored in out, not out in: its file's columns are its outputs. A row, as a
  /// component, is an output everywhere.
  bool columns_are_outputs = false;
  int heads = 0;                ///< heads that divide the tensor; 0: not divided by heads
  bool heads_by_input = false;  ///< o_proj: a head is a range of inputs; else a range of outputs
  /// Outputs are queries, keys and values in one: each head's in turn, or (parts_first) all
  /// queries, then all keys, then all values.
  bool fused = false, parts_first = false;
  int neurons = 0;  ///< hidden units of the layer's MLP that divide the tensor; 0: not divided
  bool neurons_by_input = false;  ///< down_proj: a unit is an input; else an output
  int uses = 1;  ///< operations of the model that use it; 2: a tied matrix; 0: none

  bool operator==(const ParameterInfo&) const = default;
  /// Outputs of a matrix; entries of a vector.
  [[nodiscard]] int64_t outputs() const { return shape.at(columns_are_outputs ? 1 : 0); }
};

/// One entry of the `component` axis; the fields are coordinates of the store.
struct Component {
  std::string name;
  int layer = -1;
  std::string kind;    ///< empty where a layer holds several kinds
  std::string tensor;  ///< empty where a component joins several tensors
  int head = -1;       ///< head number, −1 none
  int index = -1;      ///< row, head or neuron number, −1 none
};

/// How the scores of one tensor are laid on the component axis: whole, by outputs, by ranges of
/// outputs, by ranges of inputs.
enum class Division { whole, rows, row_blocks, column_blocks };

struct ParameterSlot {
  int64_t first =
      0;  ///< first component of this tensor (several share theirs at layer, kind and neuron)
  int64_t count = 1;  ///< components of this tensor: 1, rows, heads (of q, k and v each), neurons
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
    return granularity_ == Granularity::kind || granularity_ == Granularity::layer ||
           granularity_ == Granularity::tensor;
  }

 private:
  /// Components of a tensor that is divided alone: its rows or heads.
  ParameterSlot add_parts(const ParameterInfo& parameter);
  /// The units of a layer's MLP, which its tensors share.
  ParameterSlot add_neurons(const ParameterInfo& parameter);
  /// The component `name`, which several tensors may share.
  ParameterSlot add_union(const ParameterInfo& parameter);

  Granularity granularity_ = Granularity::tensor;
  std::vector<ParameterInfo> parameters_;
  std::vector<Component> components_;
  std::vector<ParameterSlot> slots_;
};

}  // namespace explaind
