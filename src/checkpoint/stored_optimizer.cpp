#include "checkpoint/stored_optimizer.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <map>

#include "checkpoint/json_file.hpp"
#include "checkpoint/layouts/layout_optimizer.hpp"
#include "checkpoint/layouts/saved_state.hpp"
#include "checkpoint/safetensors_file.hpp"
#include "checkpoint/trainer_state.hpp"
#include "core/error.hpp"

namespace explaind {

namespace fs = std::filesystem;

/// optimizer.json and optimizer.safetensors.
class RecordedState {
 public:
  static StoredOptimizer open(const fs::path& directory, const std::vector<NamedShape>& parameters,
                              const WeightsMove& moves) {
    const fs::path json = directory / "optimizer.json", path = directory / "optimizer.safetensors";
    const auto file = std::make_shared<const SafetensorsFile>(path);
    std::map<std::string, TensorView> tensors;
    for (const TensorView& each : file->tensors()) tensors.emplace(each.name, each);
    const nlohmann::json description = read_json_object(json);
    const std::map<std::string, AdamWParameter> groups = read_groups(description, json.string());
    if (tensors.size() != 2 * groups.size()) {
      refuse(path,
             fmt::format("holds {} moments, and the {} parameters of {} need {}", tensors.size(),
                         groups.size(), json.filename().string(), 2 * groups.size()));
    }
    StoredOptimizer opened;
    for (const NamedShape& parameter : parameters) {
      const auto group = groups.find(parameter.name);
      if (group == groups.end()) {
        opened.parameters_.push_back({.stepped = false});
        continue;
      }
      AdamWParameter each = group->second;
      each.first_moment = moment(tensors, parameter, "exp_avg", path);
      each.second_moment = moment(tensors, parameter, "exp_avg_sq", path);
      opened.parameters_.push_back(std::move(each));
    }
    if (opened.parameters_.size() - opened.frozen() != groups.size()) {
      refuse(json, "names parameters that the weights do not have");
    }
    opened.require_still(parameters, moves, json.string());
    const MappedFile text(json);
    opened.add_file(file->file(), file->header());
    opened.add_file(text, text.bytes());
    opened.mapped_.push_back(file);
    return opened;
  }

 private:
  [[noreturn]] static void refuse(const fs::path& path, const std::string& problem) {
    throw DataError(path.string(), problem,
                    "Give the optimizer state that was saved with these weights");
  }
  static std::map<std::string, AdamWParameter> read_groups(const nlohmann::json& description,
                                                           const std::string& where) {
    std::map<std::string, AdamWParameter> groups;
    try {
      if (description.at("optimizer") != "adamw") {
        throw DataError(where, "is the state of another optimizer than adamw",
                        "Steps are decomposed of AdamW");
      }
      for (const nlohmann::json& group : description.at("groups")) {
        const AdamWParameter shared{.updates = group.at("updates").get<int64_t>(),
                                    .learning_rate = group.at("learning_rate").get<double>(),
                                    .beta1 = group.at("beta1").get<double>(),
                                    .beta2 = group.at("beta2").get<double>(),
                                    .epsilon = group.at("epsilon").get<double>(),
                                    .weight_decay = group.at("weight_decay").get<double>()};
        for (const nlohmann::json& name : group.at("parameters")) {
          groups.emplace(name.get<std::string>(), shared);
        }
      }
    } catch (const nlohmann::json::exception& error) {
      throw DataError(where, json_problem(error), "optimizer_state.md says what it holds");
    }
    return groups;
  }
  static TensorView moment(const std::map<std::string, TensorView>& tensors,
                           const NamedShape& parameter, const std::string& key,
                           const fs::path& path) {
    const auto found = tensors.find(parameter.name + "." + key);
    if (found == tensors.end()) refuse(path, "has no " + parameter.name + "." + key);
    if (found->second.shape != parameter.shape) {
      refuse(path,
             fmt::format("{}.{} is {}, and the weights are {}", parameter.name, key,
                         shape_to_string(found->second.shape), shape_to_string(parameter.shape)));
    }
    return found->second;
  }
};

void StoredOptimizer::add_file(const MappedFile& file, std::span<const std::byte> header) {
  const fs::path& path = file.path();
  const auto* data = reinterpret_cast<const Bytef*>(header.data());
  files_.push_back({.name = (path.parent_path().filename() / path.filename()).string(),
                    .size = file.bytes().size(),
                    .header_crc32 = static_cast<uint32_t>(crc32_z(0, data, header.size()))});
}

size_t StoredOptimizer::frozen() const {
  return static_cast<size_t>(
      std::count_if(parameters_.begin(), parameters_.end(),
                    [](const AdamWParameter& parameter) { return !parameter.stepped; }));
}

void StoredOptimizer::require_still(const std::vector<NamedShape>& parameters,
                                    const WeightsMove& moves, const std::string& where) const {
  if (frozen() == parameters.size()) {
    throw DataError(where, "holds no moments: no step was made yet",
                    "Take a checkpoint that was saved after a step");
  }
  for (size_t i = 0; i < parameters.size(); ++i) {
    if (parameters_[i].stepped || !moves(i).value_or(false)) continue;
    throw DataError(where,
                    fmt::format("has no state of {}, and its weights move between this checkpoint "
                                "and its neighbour, so it is not frozen",
                                parameters[i].name),
                    "Give the optimizer state that was saved with these weights, or leave out "
                    "--source steps: the change of weights alone needs none");
  }
}

StoredOptimizer StoredOptimizer::open(const fs::path& directory,
                                      const std::vector<NamedShape>& parameters,
                                      const WeightsMove& moves) {
  if (fs::exists(directory / "optimizer.safetensors")) {
    return RecordedState::open(directory, parameters, moves);
  }
  if (fs::exists(directory / "optimizer.pt")) {
    return TrainerState::open(directory, parameters, moves);
  }
  if (holds_saved_state(directory)) return LayoutOptimizer::open(directory, parameters, moves);
  throw DataError(directory.string(),
                  "holds no optimizer state (optimizer.pt, or optimizer.safetensors)",
                  "Use a series that was saved with its optimizer's state (Trainer saves it unless "
                  "save_only_model; record with --optimizer-state)");
}

}  // namespace explaind
