#include "training/run_data.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "checkpoint/safetensors_file.hpp"
#include "core/error.hpp"
#include "runs/run_files.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;

at::Tensor copy_of(const TensorView& view) {
  at::Tensor tensor = at::empty(view.shape, view.dtype == Dtype::u8 ? at::kByte : at::kLong);
  std::memcpy(tensor.data_ptr(), view.data, view.bytes);
  return tensor;
}

const TensorView* find(const SafetensorsFile& file, const std::string& name) {
  const auto& tensors = file.tensors();
  const auto found = std::find_if(tensors.begin(), tensors.end(),
                                  [&](const TensorView& tensor) { return tensor.name == name; });
  return found == tensors.end() ? nullptr : &*found;
}

[[noreturn]] void fail(const fs::path& path, const std::string& problem) {
  throw DataError(path.string(), problem, "recorded_run.md says what it holds");
}

/// Images N C H W (u8) with classes N, or token ids N T with classes N or next tokens N T.
Dataset read_split(const SafetensorsFile& file, const fs::path& path, const std::string& split) {
  const TensorView* inputs = find(file, split + "/inputs");
  const TensorView* labels = find(file, split + "/labels");
  if (inputs == nullptr || labels == nullptr) {
    fail(path,
         fmt::format("tensor {}/{} is missing", split, inputs == nullptr ? "inputs" : "labels"));
  }
  const bool images = inputs->dtype == Dtype::u8 && inputs->shape.size() == 4;
  const bool tokens = inputs->dtype == Dtype::i64 && inputs->shape.size() == 2;
  if (!images && !tokens) {
    fail(path,
         fmt::format("tensor {} is {} {}, neither images N C H W (U8) nor token ids N T (I64)",
                     inputs->name, to_string(inputs->dtype), shape_to_string(inputs->shape)));
  }
  const bool per_sample = labels->shape == std::vector<int64_t>{inputs->shape[0]};
  if (labels->dtype != Dtype::i64 || !(per_sample || (tokens && labels->shape == inputs->shape))) {
    fail(path, fmt::format("tensor {} is {} {} beside inputs of {}", labels->name,
                           to_string(labels->dtype), shape_to_string(labels->shape),
                           shape_to_string(inputs->shape)));
  }
  return {.inputs = copy_of(*inputs), .labels = copy_of(*labels)};
}

void require_labels(const Dataset& data, int64_t classes, const fs::path& path,
                    const std::string& split) {
  if (data.size() == 0) return;
  const auto lowest = data.labels.min().item<int64_t>(),
             highest = data.labels.max().item<int64_t>();
  if (lowest >= 0 && highest < classes) return;
  fail(path, fmt::format("{}/labels go from {} to {}; there are {} classes", split, lowest, highest,
                         classes));
}

}  // namespace

TrainingData load_run_data(const RecordedRun& run) {
  const fs::path path = run.directory() / run_files::data;
  const nlohmann::json& about = run.description().json.at("data");
  const SafetensorsFile file(path);
  TrainingData data;
  data.train = read_split(file, path, "train");
  if (data.train.size() != run.description().samples) {
    fail(path, fmt::format("holds {} training samples, run.json says {}", data.train.size(),
                           run.description().samples));
  }
  if (find(file, "validation/inputs") != nullptr) {
    data.validation = read_split(file, path, "validation");
  } else {
    data.validation = {.inputs = data.train.inputs.narrow(0, 0, 0),
                       .labels = data.train.labels.narrow(0, 0, 0)};
  }
  try {
    data.classes = about.at("classes").get<int64_t>();
    data.description = about.value("source", nlohmann::json());
    if (data.train.images()) {
      data.transform.mean = about.at("transform").at("mean").get<std::vector<double>>();
      data.transform.deviation = about.at("transform").at("deviation").get<std::vector<double>>();
    }
  } catch (const nlohmann::json::exception& error) {
    throw DataError((run.directory() / run_files::run).string(),
                    std::string("data: ") + error.what(), "recorded_run.md says what it holds");
  }
  if (data.train.images() &&
      (static_cast<int64_t>(data.transform.mean.size()) != data.train.inputs.size(1) ||
       data.transform.deviation.size() != data.transform.mean.size())) {
    throw DataError((run.directory() / run_files::run).string(),
                    "data.transform is not of as many channels as the images", "");
  }
  require_labels(data.train, data.classes, path, "train");
  require_labels(data.validation, data.classes, path, "validation");
  return data;
}

}  // namespace explaind
