#include "runs/run_block.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

#include "core/error.hpp"

// n steps of the block, G groups, P parameters.

namespace explaind {
namespace {

constexpr int64_t largest_batch = 1'000'000'000;  // keeps sums of broken sizes from wrapping
constexpr std::string_view extension = ".safetensors";

template <typename Value>
std::vector<Value> values_of(const TensorView& tensor) {  // the bytes may be unaligned
  std::vector<Value> values(static_cast<size_t>(tensor.elements()));
  if (!values.empty()) std::memcpy(values.data(), tensor.data, tensor.bytes);
  return values;
}

std::optional<int64_t> parse_digits(std::string_view text) {
  int64_t number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc{} || end != text.data() + text.size() || number < 0) return {};
  return number;
}

}  // namespace

std::string block_name(int64_t first, int64_t last) {
  return fmt::format("{:08}-{:08}{}", first, last, extension);
}

std::optional<int64_t> block_first_step(const std::string& name) {
  const size_t dash = name.find('-');
  if (dash == std::string::npos || !name.ends_with(extension)) return {};
  const auto first = parse_digits(std::string_view(name).substr(0, dash));
  const auto last = parse_digits(
      std::string_view(name).substr(dash + 1, name.size() - dash - 1 - extension.size()));
  return first && last ? first : std::nullopt;
}

RunBlock::RunBlock(const std::filesystem::path& path, const RunDescription& description)
    : file_(std::make_shared<const SafetensorsFile>(path)), description_(&description) {
  read_span();
  read_tensors();
  read_hyperparameters();
  read_batches();
}

void RunBlock::fail(const std::string& problem) const {
  throw DataError(file_->file().path().string(), problem,
                  "The run was damaged or written by a broken recorder: record it again");
}

const TensorView* RunBlock::find(const std::string& name) const {
  const auto& tensors = file_->tensors();
  const auto found = std::find_if(tensors.begin(), tensors.end(),
                                  [&](const TensorView& tensor) { return tensor.name == name; });
  return found == tensors.end() ? nullptr : &*found;
}

const TensorView& RunBlock::get(const std::string& name, Dtype dtype,
                                const std::vector<int64_t>& shape) const {
  const TensorView* tensor = find(name);
  if (tensor == nullptr) fail("tensor " + name + " is missing");
  if (tensor->shape != shape) {
    fail(fmt::format("tensor {} has shape {}, not {}", name, shape_to_string(tensor->shape),
                     shape_to_string(shape)) +
         (name.starts_with("second_moment/")
              ? ": this optimizer state does not belong to the weights"
              : ""));
  }
  if (tensor->dtype != dtype) {
    fail(fmt::format("tensor {} has dtype {}, not {}", name, to_string(tensor->dtype),
                     to_string(dtype)));
  }
  return *tensor;
}

void RunBlock::read_span() {
  const auto number = [&](const char* key) {
    const auto found = file_->metadata().find(key);
    const auto value =
        found == file_->metadata().end() ? std::nullopt : parse_digits(found->second);
    if (!value) fail(std::string("its metadata have no ") + key);
    return *value;
  };
  first_ = number("first_step");
  last_ = number("last_step");
  const std::string name = file_->file().path().filename().string();
  if (last_ < first_ || name != block_name(first_, last_)) {
    fail(fmt::format("holds steps {} to {}, which is not what its name says: steps out of order",
                     first_, last_));
  }
}

void RunBlock::read_tensors() {
  const auto all = [&](const std::string& prefix, std::vector<TensorView>& into) {
    for (const RunParameter& parameter : description_->parameters) {
      std::vector<int64_t> shape{last_ - first_ + 1};
      shape.insert(shape.end(), parameter.shape.begin(), parameter.shape.end());
      into.push_back(get(prefix + parameter.name, description_->dtype, shape));
    }
  };
  all("parameter/", parameters_);
  if (description_->second_moments) all("second_moment/", second_moments_);
  if (description_->gradients) all("gradient/", gradients_);
}

void RunBlock::read_hyperparameters() {
  const int64_t steps = last_ - first_ + 1;
  const auto groups = static_cast<int64_t>(description_->groups.size());
  hyperparameters_.resize(static_cast<size_t>(steps * groups));
  for (size_t i = 0; i < hyperparameters_.size(); ++i) {
    const nlohmann::json& group = description_->groups[i % static_cast<size_t>(groups)];
    const bool sgd = description_->optimizer == OptimizerKind::sgd;
    hyperparameters_[i].nesterov = sgd && group["nesterov"].get<bool>();
  }
  std::vector<std::string> keys = hyperparameter_keys(description_->optimizer);
  keys.emplace_back("learning_rate");
  for (const std::string& key : keys) {
    const bool by_step = key == "learning_rate" || find(key) != nullptr;
    std::vector<double> values;
    if (by_step) values = values_of<double>(get(key, Dtype::f64, {steps, groups}));
    for (size_t i = 0; i < hyperparameters_.size(); ++i) {
      const size_t g = i % static_cast<size_t>(groups);
      if (!by_step && !description_->groups[g].contains(key)) {
        fail(fmt::format("hyper-parameter {} of group {} is neither here nor in run.json", key, g));
      }
      const double value = by_step ? values[i] : description_->groups[g][key].get<double>();
      if (!std::isfinite(value) || value < 0) {
        fail(fmt::format("{} of group {} at step {} is {}", key, g,
                         first_ + static_cast<int64_t>(i) / groups, value));
      }
      hyperparameter(hyperparameters_[i], key) = value;
    }
  }
  clip_ = values_of<double>(get("clip", Dtype::f64, {steps}));
  for (size_t i = 0; i < clip_.size(); ++i) {
    if (!(clip_[i] > 0 && clip_[i] <= 1)) {
      fail(fmt::format("clip at step {} is {}, not in (0, 1]", first_ + static_cast<int64_t>(i),
                       clip_[i]));
    }
  }
  if (find("loss") != nullptr) loss_ = values_of<double>(get("loss", Dtype::f64, {steps}));
  if (find("stepped") != nullptr) {
    const auto parameters = static_cast<int64_t>(description_->parameters.size());
    stepped_ = values_of<uint8_t>(get("stepped", Dtype::u8, {steps, parameters}));
  }
}

void RunBlock::read_batches() {
  const int64_t steps = last_ - first_ + 1;
  batch_begin_.push_back(0);
  for (const int64_t size : values_of<int64_t>(get("batch_size", Dtype::i64, {steps}))) {
    if (size < 1 || size > largest_batch) fail(fmt::format("a batch of {} samples", size));
    batch_begin_.push_back(batch_begin_.back() + static_cast<size_t>(size));
  }
  const auto total = static_cast<int64_t>(batch_begin_.back());
  batch_samples_ = values_of<int64_t>(get("batch_index", Dtype::i64, {total}));
  for (size_t i = 0; i < batch_samples_.size(); ++i) {
    if (batch_samples_[i] >= 0 && batch_samples_[i] < description_->samples) continue;
    const auto after = std::upper_bound(batch_begin_.begin(), batch_begin_.end(), i);
    fail(fmt::format("batch index {} at step {} is out of range: there are {} training samples",
                     batch_samples_[i], first_ + (after - batch_begin_.begin()) - 1,
                     description_->samples));
  }
  if (description_->flips) batch_flips_ = values_of<uint8_t>(get("batch_flip", Dtype::u8, {total}));
}

TensorView RunBlock::of_step(const std::vector<TensorView>& tensors, int64_t step,
                             size_t parameter) const {
  TensorView view = tensors.at(parameter).rows(step - first_, 1);
  view.name = description_->parameters[parameter].name;
  view.shape = description_->parameters[parameter].shape;
  return view;
}

TensorView RunBlock::parameter(int64_t step, size_t parameter) const {
  return of_step(parameters_, step, parameter);
}

TensorView RunBlock::second_moment(int64_t step, size_t parameter) const {
  return of_step(second_moments_, step, parameter);
}

TensorView RunBlock::gradient(int64_t step, size_t parameter) const {
  return of_step(gradients_, step, parameter);
}

Hyperparameters RunBlock::hyperparameters(int64_t step, size_t group) const {
  return hyperparameters_[row(step) * description_->groups.size() + group];
}

std::optional<double> RunBlock::loss(int64_t step) const {
  return loss_.empty() ? std::nullopt : std::optional(loss_[row(step)]);
}

bool RunBlock::stepped(int64_t step, size_t parameter) const {
  return stepped_.empty() || stepped_[row(step) * description_->parameters.size() + parameter] != 0;
}

RunBatch RunBlock::batch(int64_t step) const {
  const auto begin = static_cast<int64_t>(batch_begin_[row(step)]);
  const auto end = static_cast<int64_t>(batch_begin_[row(step) + 1]);
  RunBatch batch{{batch_samples_.begin() + begin, batch_samples_.begin() + end}, {}};
  if (!batch_flips_.empty())
    batch.flips = {batch_flips_.begin() + begin, batch_flips_.begin() + end};
  return batch;
}

}  // namespace explaind
