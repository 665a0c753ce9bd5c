#pragma once
// One element of `param_groups` as torch.optim saves it.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/torch_file.hpp"

namespace explaind {

/// AdamW's hyper-parameters in it, read key by key.
class TorchGroup {
 public:
  /// index: its place in param_groups, for messages.
  TorchGroup(const PlainData& group, const TorchData& file, size_t index)
      : group_(group), file_(file), index_(index) {}

  /// Each throws DataError naming file, group and key where the value is missing or of another
  /// kind.
  [[nodiscard]] double number(const std::string& key) const { return number_of(require(key), key); }
  [[nodiscard]] std::array<double, 2> pair(const std::string& key) const;
  [[nodiscard]] bool flag(const std::string& key, bool otherwise) const;
  [[nodiscard]] std::vector<int64_t> parameters() const;
  /// Empty where the optimizer was not given named parameters.
  [[nodiscard]] std::vector<std::string> names() const;
  /// A number, or a tensor of one.
  [[nodiscard]] double number_of(const PlainData& value, const std::string& key) const;
  /// Refuses variants of AdamW: amsgrad, maximize, without bias correction, and a weight decay
  /// other than zero that enters the gradient.
  void require_plain_adamw(double weight_decay) const;
  [[noreturn]] void refuse(const std::string& problem) const;

 private:
  [[nodiscard]] const PlainData& require(const std::string& key) const;

  const PlainData& group_;
  const TorchData& file_;
  size_t index_;
};

/// The value of a tensor of one element; nothing where it has more.
std::optional<double> single_number(const TorchData& file, const PickledTensor& tensor);

/// Refuses the state of an optimizer other than AdamW by its name, which its keys tell. state: of
/// one parameter.
void require_adamw(const PlainData& state, const std::string& where);

}  // namespace explaind
