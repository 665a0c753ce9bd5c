#include "copies/merged_provenance.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <span>

#include "checkpoint/sha256.hpp"
#include "core/revision.hpp"
#include "core/utc_time.hpp"
#include "store/layout.hpp"

namespace explaind {
namespace {

using Json = nlohmann::ordered_json;

/// Each value once, in the order of the stores; of many the first few. An attribute has 64 KiB.
std::string joined(const std::vector<std::string>& values, const std::string& between) {
  constexpr size_t most = 20;
  std::vector<std::string> once;
  for (const std::string& value : values) {
    if (std::find(once.begin(), once.end(), value) == once.end()) once.push_back(value);
  }
  const size_t rest = once.size() - std::min(once.size(), most);
  once.resize(once.size() - rest);
  if (rest > 0) once.push_back(fmt::format("and {} more: see {}", rest, merged_from));
  return fmt::format("{}", fmt::join(once, between));
}

template <typename Text>
std::string joined_of(const std::vector<MergeSource>& sources, const std::string& between,
                      Text text) {
  std::vector<std::string> values;
  for (const MergeSource& each : sources) values.push_back(text(each));
  return joined(values, between);
}

std::string option_text(const MergeSource& source, const std::string& key) {
  return source.configuration.value(key, std::string());
}

/// A member of an array, or an array's members.
void append(Json& array, const Json& more) {
  if (more.is_array()) {
    for (const Json& each : more) array.push_back(each);
  } else {
    array.push_back(more);
  }
}

class ProvenanceMerger {
 public:
  ProvenanceMerger(const std::vector<MergeSource>& sources, const MergeAxis& axis)
      : sources_(sources), axis_(axis) {}

  MergedProvenance run() {
    const std::string now = utc_now();
    merged_.attributes["identity"] = identity();
    auto& of_configuration = first().outline.find("provenance/configuration") == nullptr
                                 ? merged_.attributes
                                 : merged_.documents;
    of_configuration["configuration"] = configuration().dump(2);
    merged_.attributes["created"] = now;
    merged_.attributes["revision"] =
        joined_of(sources_, ", ", [](const MergeSource& each) { return each.text("revision"); });
    merged_.attributes["history"] =
        joined_of(sources_, "\n", [](const MergeSource& each) { return each.text("history"); }) +
        fmt::format("\n{}: explaind store merge {}, revision {}", now, file_names(), revision());
    merged_.documents["inputs"] = inputs().dump(2);
    merged_.documents[merged_from] = origins().dump(2);
    add_tokens();
    for (const MergeSource& each : sources_) {
      for (const std::string& line : each.store.texts("run_log")) {
        if (!line.empty()) merged_.run_log.push_back(line);
      }
    }
    return std::move(merged_);
  }

 private:
  [[nodiscard]] const MergeSource& first() const { return sources_.front(); }

  [[nodiscard]] std::string file_names() const {
    return joined_of(sources_, " ", [](const MergeSource& each) {
      return std::filesystem::path(each.name()).filename().string();
    });
  }

  /// Of the parts and the way in which they were joined.
  [[nodiscard]] std::string identity() const {
    std::string all = "merged along " + axis_.name;
    for (const MergeSource& each : sources_) all += "\n" + each.text("identity");
    return sha256_of(std::as_bytes(std::span(all)));
  }

  [[nodiscard]] Json configuration() const {
    Json options = first().configuration;
    for (const char* key : {"series", "samples"}) {
      options[key] = joined_of(sources_, ", ",
                               [&](const MergeSource& each) { return option_text(each, key); });
    }
    const std::string steps = option_text(first(), "steps");
    const bool same = std::all_of(sources_.begin(), sources_.end(), [&](const auto& each) {
      return option_text(each, "steps") == steps;
    });
    if (!same) options["steps"] = range_of_steps();
    return options;
  }

  /// As an option that chooses all the segments.
  [[nodiscard]] std::string range_of_steps() const {
    std::vector<int64_t> begins;
    for (const MergeSource& each : sources_) {
      begins.insert(begins.end(), each.shape.step_from.begin(), each.shape.step_from.end());
    }
    const auto [least, most] = std::minmax_element(begins.begin(), begins.end());
    return fmt::format("range:{}:{}", *least, *most);
  }

  [[nodiscard]] Json inputs() const {
    Json inputs = first().inputs;
    if (axis_.name == "sample") {
      inputs["samples"] = all_of("samples");
      return inputs;
    }
    inputs["series"] = series();
    for (const char* key : {"training_batch", "optimizers"}) {
      const bool same = std::all_of(sources_.begin(), sources_.end(), [&](const auto& each) {
        return each.inputs.value(key, Json()) == first().inputs.value(key, Json());
      });
      if (!same) inputs[key] = all_of(key);
    }
    return inputs;
  }

  [[nodiscard]] Json all_of(const char* key) const {
    Json all = Json::array();
    for (const MergeSource& each : sources_) append(all, each.inputs.value(key, Json()));
    return all;
  }

  /// Files of all checkpoints, those of a checkpoint once; a recorded run is the same in all.
  [[nodiscard]] Json series() const {
    std::map<int64_t, Json> of_step;
    for (const MergeSource& each : sources_) {
      std::map<int64_t, Json> theirs;
      for (const Json& file : each.inputs["series"]) {
        if (!file.contains("step")) return first().inputs["series"];
        theirs[file["step"].get<int64_t>()].push_back(file);
      }
      of_step.merge(theirs);
    }
    Json all = Json::array();
    for (const auto& [step, files] : of_step) append(all, files);
    return all;
  }

  /// What each store says, or said of its own parts.
  [[nodiscard]] Json origins() const {
    Json all = Json::array();
    for (const MergeSource& each : sources_) {
      const Json earlier = Json::parse(each.text(merged_from), nullptr, false);
      if (earlier.is_array()) {
        append(all, earlier);
        continue;
      }
      Json origin{{"file", std::filesystem::path(each.name()).filename().string()},
                  {"segments", each.shape.segments},
                  {"samples", each.shape.samples}};
      for (const char* key : {"identity", "revision", "created", "history", "ranks"}) {
        origin[key] = each.text(key);
      }
      origin["configuration"] = each.configuration;
      origin["inputs"] = each.inputs;
      for (const char* key : {"execution", "hosts", "libraries", "begun_by"}) {
        const Json value = Json::parse(each.text(key), nullptr, false);
        if (!value.is_discarded()) origin[key] = value;
      }
      all.push_back(std::move(origin));
    }
    return all;
  }

  /// Tokens of the samples, in their order.
  void add_tokens() {
    if (axis_.name != "sample") return;
    const bool any = std::any_of(sources_.begin(), sources_.end(), [](const MergeSource& each) {
      return each.store.has("provenance/tokens");
    });
    if (!any) return;
    nlohmann::json all = nlohmann::json::array();
    for (const MergeSource& each : sources_) {
      for (int64_t i = 0; i < each.shape.samples && !each.store.has("provenance/tokens"); ++i) {
        all.push_back({{"ids", nlohmann::json::array()}});
      }
      if (!each.store.has("provenance/tokens")) {
        merged_.notes.push_back(fmt::format("{} does not have its samples' tokens", each.name()));
        continue;
      }
      for (const auto& sample :
           nlohmann::json::parse(each.store.texts("provenance/tokens").front())) {
        all.push_back(sample);
      }
    }
    merged_.documents["tokens"] = all.dump();
  }

  const std::vector<MergeSource>& sources_;
  const MergeAxis& axis_;
  MergedProvenance merged_;
};

}  // namespace

MergedProvenance merged_provenance(const std::vector<MergeSource>& sources, const MergeAxis& axis) {
  return ProvenanceMerger(sources, axis).run();
}

}  // namespace explaind
