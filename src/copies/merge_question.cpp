#include "copies/merge_question.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "config/decompose_options.hpp"
#include "core/error.hpp"

namespace explaind {
namespace {

using Json = nlohmann::ordered_json;

/// The text of an option where it is not given.
std::string default_of(const std::string& key) {
  // Before there was this option F had the precision of the scores.
  if (key == "value-precision") return "same";
  DecomposeOptions fresh;
  for (const ResolvedOption& option : resolved(option_table(fresh))) {
    if (option.key == key) return option.value;
  }
  return "";
}

std::string option_of(const MergeSource& source, const std::string& key) {
  const auto found = source.configuration.find(key);
  if (found == source.configuration.end()) return default_of(key);
  return found->is_string() ? found->get<std::string>() : found->dump();
}

bool has_batch_of_each_step(const MergeSource& source) {
  return option_of(source, "training-batch").find("{step}") != std::string::npos;
}

/// One phrase for each thing in which a store differs from the first.
class Differences {
 public:
  Differences(const MergeSource& first, const MergeSource& other) : first_(first), other_(other) {}

  std::vector<std::string> find(const std::string& axis) {
    compare_options(axis);
    const bool of_segments = axis == "segment";
    if (of_segments) {
      compare_checkpoints_of_steps();
      compare_files("samples", "samples");
    } else {
      compare_files("series", "weights");
      compare_files("optimizers", "the optimizer's states");
    }
    // Else each checkpoint has a batch of its own.
    if (!of_segments || !has_batch_of_each_step(first_) || !has_batch_of_each_step(other_)) {
      compare_files("training_batch", "the training batch");
    }
    compare_texts("model_config", "config.json");
    compare_texts("config_changes", "what changes in config.json within the series");
    return std::move(found_);
  }

 private:
  void compare_options(const std::string& axis) {
    std::set<std::string> passed_over{"series", "samples", "tokenizer", "training-batch", "chunk"};
    if (axis == "segment") passed_over.insert("steps");
    std::set<std::string> keys;
    for (const MergeSource* source : {&first_, &other_}) {
      for (const auto& [key, value] : source->configuration.items()) keys.insert(key);
    }
    for (const std::string& key : keys) {
      const std::string one = option_of(first_, key), other = option_of(other_, key);
      if (passed_over.contains(key) || one == other) continue;
      found_.push_back(fmt::format("{} is '{}' there and '{}' here", key, one, other));
    }
  }

  [[nodiscard]] static Json files_of(const MergeSource& source, const std::string& key) {
    return without_places(source.inputs.value(key, Json()));
  }

  void compare_files(const std::string& key, const std::string& what) {
    const Json one = files_of(first_, key), other = files_of(other_, key);
    if (one == other) return;
    if (one.is_array() && other.is_array() && one.size() == other.size()) {
      for (size_t i = 0; i < one.size(); ++i) compare_file(what, one[i], other[i]);
    } else {
      found_.push_back(fmt::format("{} are not the same", what));
    }
  }

  /// What only one of them says (a hash of all bytes) is not compared.
  void compare_file(const std::string& what, const Json& one, const Json& other) {
    for (const auto& [key, value] : one.items()) {
      if (!other.contains(key) || other[key] == value) continue;
      const std::string step = one.contains("step") && key != "step"
                                   ? fmt::format(" of step {}", one["step"].dump())
                                   : "";
      found_.push_back(fmt::format("{} of {}{} is {} there and {} here", key, what, step,
                                   value.dump(), other[key].dump()));
      return;
    }
  }

  /// Checkpoints that both were made from must be the same; a recorded run is one.
  void compare_checkpoints_of_steps() {
    const Json one = files_of(first_, "series"), other = files_of(other_, "series");
    const bool steps =
        !one.empty() && one[0].contains("step") && !other.empty() && other[0].contains("step");
    if (!steps) return compare_files("series", "weights");
    std::map<std::string, std::vector<Json>> of_step;
    for (const Json& file : one) of_step[file["step"].dump()].push_back(file);
    std::map<std::string, size_t> next;
    for (const Json& file : other) {
      const auto known = of_step.find(file["step"].dump());
      if (known == of_step.end()) continue;
      const size_t place = next[known->first]++;
      if (place < known->second.size()) compare_file("weights", known->second[place], file);
    }
    for (const auto& [step, count] : next) {
      if (count == of_step.at(step).size()) continue;
      found_.push_back(fmt::format("step {} has {} files there and {} here", step,
                                   of_step.at(step).size(), count));
    }
  }

  void compare_texts(const std::string& key, const std::string& what) {
    if (first_.text(key) != other_.text(key)) found_.push_back(what + " is another one");
  }

  const MergeSource& first_;
  const MergeSource& other_;
  std::vector<std::string> found_;
};

}  // namespace

Json without_places(Json files) {
  if (files.is_object()) {
    files.erase("file");
    files.erase("modified");
    return files;
  }
  if (!files.is_array()) return files;
  for (Json& each : files) each = without_places(each);
  return files;
}

void require_same_question(const std::vector<MergeSource>& sources, const std::string& axis) {
  const MergeSource& first = sources.front();
  for (auto other = sources.begin() + 1; other != sources.end(); ++other) {
    const std::vector<std::string> found = Differences(first, *other).find(axis);
    if (found.empty()) continue;
    throw DataError(
        other->name(),
        fmt::format("does not answer the question of {}: {}", first.name(), fmt::join(found, "; ")),
        "Merge stores that were made with the same options from the same weights");
  }
}

}  // namespace explaind
