#include "runs/run_writer.hpp"

#include <fmt/format.h>

#include <stdexcept>
#include <system_error>
#include <utility>

#include "checkpoint/json_file.hpp"
#include "checkpoint/new_file.hpp"
#include "checkpoint/safetensors_writer.hpp"
#include "core/error.hpp"
#include "runs/run_block.hpp"
#include "runs/run_files.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;

/// The fixed columns, in this order; those of the parameters follow.
enum FixedColumn : size_t {
  learning_rate,
  clip,
  loss,
  batch_size,
  batch_index,
  stepped,
  batch_flip
};

/// The top-level keys in which two descriptions differ. The revision of the program may change.
std::string differing_keys(const nlohmann::json& a, const nlohmann::json& b) {
  std::string keys;
  for (const auto& [key, value] : a.items()) {
    if (key != "revision" && (!b.contains(key) || b[key] != value)) {
      keys += (keys.empty() ? "" : ", ") + key;
    }
  }
  return keys;
}

int64_t steps_done(const SafetensorsFile& state) {
  const auto found = state.metadata().find(state_step_key);
  if (found == state.metadata().end()) {
    throw DataError(state.file().path().string(),
                    std::string("its metadata have no ") + state_step_key, "Record the run again");
  }
  return std::stoll(found->second);
}

/// Empty where the state does not say (made before December 2026).
Likeness maker_of(const SafetensorsFile& state) {
  const auto text = [&](const char* key) {
    const auto found = state.metadata().find(key);
    return found == state.metadata().end() ? std::string() : found->second;
  };
  return {.host = text("host"), .build = text("build"), .instructions = text("instructions")};
}

}  // namespace

RunWriter::RunWriter(fs::path directory, const nlohmann::json& run, int64_t block_bytes)
    : directory_(std::move(directory)),
      description_(parse_run_description(run, (directory_ / run_files::run).string())),
      block_bytes_(block_bytes) {
  const auto groups = static_cast<int64_t>(description_.groups.size());
  const auto parameters = static_cast<int64_t>(description_.parameters.size());
  const auto add_fixed = [&](const char* name, Dtype dtype, std::vector<int64_t> shape,
                             bool ragged = false) {
    columns_.push_back({name, dtype, std::move(shape), ragged, {}});
  };
  add_fixed("learning_rate", Dtype::f64, {groups});
  add_fixed("clip", Dtype::f64, {});
  add_fixed("loss", Dtype::f64, {});
  add_fixed("batch_size", Dtype::i64, {});
  add_fixed("batch_index", Dtype::i64, {}, true);
  add_fixed("stepped", Dtype::u8, {parameters});
  if (description_.flips) add_fixed("batch_flip", Dtype::u8, {}, true);
  const auto add = [&](const std::string& prefix) {
    for (const RunParameter& parameter : description_.parameters) {
      columns_.push_back({prefix + parameter.name, description_.dtype, parameter.shape, false, {}});
    }
  };
  add("parameter/");
  if (description_.second_moments) add("second_moment/");
  if (description_.gradients) add("gradient/");
}

RunWriter RunWriter::create(const fs::path& directory, const nlohmann::json& run,
                            std::span<const TensorView> start, std::span<const TensorView> data,
                            int64_t block_bytes) {
  RunWriter writer(directory, run, block_bytes);
  std::error_code failure;
  fs::create_directories(directory / run_files::blocks, failure);
  if (failure) throw DataError(directory.string(), "cannot be created: " + failure.message());
  std::vector<TensorView> named(start.begin(), start.end());
  for (TensorView& tensor : named) tensor.name = "parameter/" + tensor.name;
  write_safetensors(directory / run_files::data, data);
  write_safetensors(directory / run_files::start, named);
  write_text_file(directory / run_files::run, run.dump(2) + "\n");
  return writer;
}

RunWriter RunWriter::resume(const fs::path& directory, const nlohmann::json& run,
                            int64_t block_bytes, bool other_build) {
  RunWriter writer(directory, run, block_bytes);
  const fs::path path = directory / run_files::run;
  const nlohmann::json there = read_json_object(path);
  std::string keys = differing_keys(run, there);
  if (keys.empty()) keys = differing_keys(there, run);
  if (!keys.empty()) {
    throw DataError(path.string(), "the run was begun with other options; these differ: " + keys,
                    "Give the same options, or record into another folder");
  }
  if (fs::exists(directory / run_files::complete)) {
    throw DataError(directory.string(), "the run has ended: there is nothing to resume");
  }
  const fs::path state = directory / run_files::state;
  if (fs::exists(state)) {
    writer.state_ = std::make_shared<const SafetensorsFile>(state);
    writer.first_ = steps_done(*writer.state_);
    require_going_on(directory.string(), maker_of(*writer.state_), writer.maker_, other_build);
  }
  for (const auto& entry : fs::directory_iterator(directory / run_files::blocks)) {
    std::string name = entry.path().filename().string();
    const bool unfinished = name.ends_with(".tmp");
    if (unfinished) name.resize(name.size() - 4);
    // A block without its state, or one that was being written, is made again. Other files are not
    // the run's.
    const auto first = block_first_step(name);
    if (first && (unfinished || *first >= writer.first_)) fs::remove(entry.path());
  }
  return writer;
}

void RunWriter::put(size_t column, const void* data, size_t bytes) {
  const auto* from = static_cast<const std::byte*>(data);
  columns_[column].bytes.insert(columns_[column].bytes.end(), from, from + bytes);
}

void RunWriter::add(const StepRecord& step) {
  const auto samples = static_cast<int64_t>(step.samples.size());
  if (step.learning_rates.size() != description_.groups.size() ||
      step.stepped.size() != description_.parameters.size() ||
      step.flips.size() != (description_.flips ? step.samples.size() : 0)) {
    throw std::invalid_argument("a step that does not fit the run's description");
  }
  put(learning_rate, step.learning_rates.data(), step.learning_rates.size() * sizeof(double));
  put(clip, &step.clip, sizeof(double));
  put(loss, &step.loss, sizeof(double));
  put(batch_size, &samples, sizeof samples);
  put(batch_index, step.samples.data(), step.samples.size_bytes());
  put(stepped, step.stepped.data(), step.stepped.size());
  if (description_.flips) put(batch_flip, step.flips.data(), step.flips.size());
  size_t column = description_.flips ? batch_flip + 1 : batch_flip;
  for (const auto* tensors : {&step.parameters, &step.second_moments, &step.gradients}) {
    for (const TensorView& tensor : *tensors) {
      if (column >= columns_.size() || tensor.shape != columns_[column].shape) {
        throw std::invalid_argument("a tensor that does not fit the run's description: " +
                                    tensor.name);
      }
      put(column++, tensor.data, tensor.bytes);
    }
  }
  if (column != columns_.size()) throw std::invalid_argument("tensors are missing from a step");
  ++count_;
}

bool RunWriter::full() const {
  if (count_ == 0) return false;
  int64_t bytes = 0;
  for (const Column& column : columns_) bytes += static_cast<int64_t>(column.bytes.size());
  return bytes + bytes / count_ > block_bytes_;
}

void RunWriter::write_block(std::span<const TensorView> state) {
  if (count_ == 0) return;
  std::vector<TensorView> tensors;
  for (const Column& column : columns_) {
    std::vector<int64_t> shape{
        column.ragged ? static_cast<int64_t>(column.bytes.size() / dtype_size(column.dtype))
                      : count_};
    shape.insert(shape.end(), column.shape.begin(), column.shape.end());
    tensors.push_back(
        {column.name, column.dtype, std::move(shape), column.bytes.data(), column.bytes.size()});
  }
  const int64_t last = first_ + count_ - 1;
  write_safetensors(directory_ / run_files::blocks / block_name(first_, last), tensors,
                    {{"format", "pt"},
                     {"first_step", std::to_string(first_)},
                     {"last_step", std::to_string(last)},
                     {"build", maker_.build},
                     {"instructions", maker_.instructions}});
  write_safetensors(directory_ / run_files::state, state,
                    {{"format", "pt"},
                     {state_step_key, std::to_string(last + 1)},
                     {"host", maker_.host},
                     {"build", maker_.build},
                     {"instructions", maker_.instructions}});
  first_ = last + 1;
  count_ = 0;
  for (Column& column : columns_) column.bytes.clear();
}

void RunWriter::complete(nlohmann::json ending) {
  if (count_ != 0) throw std::logic_error("a block is still to be written");
  ending["steps"] = first_;
  write_text_file(directory_ / run_files::complete, ending.dump(2) + "\n");
}

}  // namespace explaind
