#pragma once
// Plain data as torch.save writes them with tensors of F32, all in one storage.

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "checkpoint/convert.hpp"
#include "checkpoint/layouts/saved_state.hpp"
#include "unit/checkpoint/written_files.hpp"
#include "unit/checkpoint/written_torch.hpp"

namespace explaind::testing {

/// Collects tensors, then writes the file.
class TorchWriter {
 public:
  std::string tensor(const std::vector<float>& values, std::vector<int64_t> shape = {}) {
    if (shape.empty()) shape = {static_cast<int64_t>(values.size())};
    PickledView view{.elements = 1 << 10, .offset = static_cast<int64_t>(numbers_.size())};
    view.shape = shape;
    view.strides.assign(shape.size(), 1);
    for (size_t i = shape.size(); i-- > 1;) view.strides[i - 1] = view.strides[i] * shape[i];
    numbers_.insert(numbers_.end(), values.begin(), values.end());
    return pickled(view);
  }
  std::string scalar(float value) {
    PickledView view{.elements = 1 << 10, .offset = static_cast<int64_t>(numbers_.size())};
    view.shape = {};
    view.strides = {};
    numbers_.push_back(value);
    return pickled(view);
  }
  void write(const std::filesystem::path& path, const std::string& value) {
    numbers_.resize(1 << 10);
    write_bytes(path, torch_archive(pickle(value), f32_bytes(numbers_)));
  }

 private:
  std::vector<float> numbers_;
};

using Entries = std::vector<std::pair<std::string, std::string>>;

inline std::string pickled_number(double value) {
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(bits));
  std::string text = "G";
  for (size_t i = 8; i-- > 0;) text += static_cast<char>(bits >> (8 * i) & 0xff);
  return text;
}
inline std::string pickled_list(const std::vector<std::string>& items) {
  std::string list = "](";
  for (const std::string& item : items) list += item;
  return list + "e";
}
/// A dict whose keys are whole numbers.
inline std::string pickled_by_number(const std::vector<std::string>& values) {
  std::string dict = "}(";
  for (size_t i = 0; i < values.size(); ++i) dict += pickled(static_cast<int64_t>(i)) + values[i];
  return dict + "u";
}
inline std::string pickled_object(const std::string& type, const Entries& fields) {
  return "c" + type + "\n)\x81" + pickled(fields) + "b";
}
inline std::string pickled_shape(const std::vector<int64_t>& shape) {
  return "ctorch\nSize\n(" + pickled(shape) + "tR";
}

/// An element of param_groups of torch.optim.AdamW.
inline Entries adamw_entries(int64_t number, double weight_decay = 0.1, double rate = 0.5) {
  return {{"lr", pickled_number(rate)},
          {"betas", pickled_list({pickled_number(0.9), pickled_number(0.99)})},
          {"eps", pickled_number(1e-8)},
          {"weight_decay", pickled_number(weight_decay)},
          {"params", pickled_list({pickled(number)})}};
}

/// Opened, with all elements of its weights there to be read.
inline std::unique_ptr<SavedState> open_prepared(const std::filesystem::path& folder) {
  std::unique_ptr<SavedState> state = open_saved_state(folder);
  for (const TensorView& each : state->weights()) state->prepare(each);
  return state;
}
/// Its optimizer's state, the same way.
inline const SavedOptimizer& prepared_optimizer(const SavedState& state) {
  const SavedOptimizer& optimizer = state.optimizer();
  for (const SavedMoments& each : optimizer.moments) {
    state.prepare(each.first);
    state.prepare(each.second);
  }
  return optimizer;
}

inline std::vector<double> values_in(const TensorView& tensor) {
  std::vector<double> values(static_cast<size_t>(tensor.elements()));
  to_double(tensor, values);
  return values;
}
/// All weights by name.
inline std::map<std::string, std::vector<double>> weights_in(const std::filesystem::path& folder) {
  const auto state = open_prepared(folder);
  std::map<std::string, std::vector<double>> all;
  for (const TensorView& each : state->weights()) all.emplace(each.name, values_in(each));
  return all;
}
/// What is said against opening it, and against its optimizer's state.
inline std::string opening(const std::filesystem::path& folder) {
  return data_error([&] { open_saved_state(folder); });
}
inline std::string asking(const std::filesystem::path& folder) {
  return data_error([&] { open_saved_state(folder)->optimizer(); });
}

}  // namespace explaind::testing
