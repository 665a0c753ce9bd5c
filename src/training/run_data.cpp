#include "training/run_data.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "core/error.hpp"
#include "runs/run_files.hpp"
#include "training/tensor_of.hpp"

namespace explaind {
namespace {

constexpr const char* remedy = "src/runs/recorded_run.md describes the format";

const TensorView* find(const SafetensorsFile& file, const std::string& name) {
  const auto& tensors = file.tensors();
  const auto found = std::find_if(tensors.begin(), tensors.end(),
                                  [&](const TensorView& tensor) { return tensor.name == name; });
  return found == tensors.end() ? nullptr : &*found;
}

/// "train" or "validation".
Dataset read_part(const SafetensorsFile& file, const std::string& part) {
  const std::string where = file.file().path().string();
  const TensorView* inputs = find(file, part + "/inputs");
  const TensorView* labels = find(file, part + "/labels");
  if (inputs == nullptr || labels == nullptr) {
    throw DataError(
        where,
        fmt::format("tensor {}/{} is missing", part, inputs == nullptr ? "inputs" : "labels"),
        remedy);
  }
  const bool images = inputs->dtype == Dtype::u8 && inputs->shape.size() == 4;
  const bool tokens = inputs->dtype == Dtype::i64 && inputs->shape.size() == 2;
  const bool numbers = (inputs->dtype == Dtype::f32 || inputs->dtype == Dtype::f64) &&
                       (inputs->shape.size() == 2 || inputs->shape.size() == 4);
  if (!images && !tokens && !numbers) {
    throw DataError(
        where,
        fmt::format("tensor {} is {} {}, neither images U8 N C H W, token ids I64 N T nor inputs "
                    "F32 or F64 N features or N C H W",
                    inputs->name, to_string(inputs->dtype), shape_to_string(inputs->shape)),
        remedy);
  }
  const std::vector<int64_t> one{inputs->shape[0]};
  if (labels->dtype != Dtype::i64 ||
      (labels->shape != one && !(tokens && labels->shape == inputs->shape))) {
    throw DataError(
        where,
        fmt::format("tensor {} is {} {} beside inputs {}", labels->name, to_string(labels->dtype),
                    shape_to_string(labels->shape), shape_to_string(inputs->shape)),
        remedy);
  }
  Dataset data{tensor_of(*inputs), tensor_of(*labels)};
  if (data.size() > 0 && data.labels.min().item<int64_t>() < 0) {
    throw DataError(where, "tensor " + labels->name + " holds a label below 0", remedy);
  }
  return data;
}

std::vector<double> per_channel(const nlohmann::json& transform, const char* key, int64_t channels,
                                const std::string& where) {
  const auto found = transform.find(key);
  const bool right = found != transform.end() && found->is_array() &&
                     static_cast<int64_t>(found->size()) == channels &&
                     std::all_of(found->begin(), found->end(),
                                 [](const nlohmann::json& value) { return value.is_number(); });
  if (!right) {
    throw DataError(
        where, fmt::format("data.transform.{} is not a list of {} numbers", key, channels), remedy);
  }
  return found->get<std::vector<double>>();
}

}  // namespace

TrainingData load_run_data(const RecordedRun& run) {
  const std::filesystem::path path = run.directory() / run_files::data;
  if (!std::filesystem::exists(path)) {
    throw DataError(path.string(), "is missing: the run does not carry its training data", remedy);
  }
  const SafetensorsFile file(path);
  const std::string description = (run.directory() / run_files::run).string();
  const nlohmann::json& json = run.description().json["data"];
  TrainingData data;
  data.train = read_part(file, "train");
  if (data.train.size() != run.description().samples) {
    throw DataError(path.string(), fmt::format("holds {} training samples, run.json says {}",
                                               data.train.size(), run.description().samples));
  }
  data.validation =
      find(file, "validation/inputs") != nullptr
          ? read_part(file, "validation")
          : Dataset{data.train.inputs.narrow(0, 0, 0), data.train.labels.narrow(0, 0, 0)};
  if (data.train.images()) {
    const auto transform = json.find("transform");
    if (transform == json.end() || !transform->is_object()) {
      throw DataError(description, "data.transform is missing, and the data are images", remedy);
    }
    const int64_t channels = data.train.inputs.size(1);
    data.transform = {per_channel(*transform, "mean", channels, description),
                      per_channel(*transform, "deviation", channels, description)};
  }
  const auto classes = json.find("classes");
  if (classes != json.end() && classes->is_number_integer()) data.classes = classes->get<int64_t>();
  return data;
}

}  // namespace explaind
