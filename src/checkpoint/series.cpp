#include "checkpoint/series.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "checkpoint/model_config.hpp"
#include "core/error.hpp"

namespace explaind {
namespace {

/// Differences shown in one message.
constexpr size_t shown_differences = 10;

ModelConfig model_of(const Checkpoint& checkpoint) {
  return parse_model_config(checkpoint.config(), (checkpoint.directory() / "config.json").string());
}

/// Tensors missing, added or of another shape, in name order ("here" is `checkpoint`).
std::vector<std::string> tensor_differences(const Checkpoint& checkpoint, const Checkpoint& first) {
  std::vector<std::string> found;
  for (const auto& [name, expected] : first.tensors()) {
    const auto here = checkpoint.tensors().find(name);
    if (here == checkpoint.tensors().end()) {
      found.push_back(fmt::format("tensor \"{}\" is missing here", name));
    } else if (here->second.shape != expected.shape) {
      found.push_back(fmt::format("tensor \"{}\": shape {} here, {} there", name,
                                  shape_to_string(here->second.shape),
                                  shape_to_string(expected.shape)));
    }
  }
  for (const auto& [name, tensor] : checkpoint.tensors()) {
    if (!first.tensors().contains(name)) {
      found.push_back(fmt::format("tensor \"{}\" is here only", name));
    }
  }
  return found;
}

void require_same(const Checkpoint& checkpoint, const Checkpoint& first,
                  const ModelConfig& first_model) {
  std::vector<std::string> found = config_differences(model_of(checkpoint), first_model);
  const std::vector<std::string> tensors = tensor_differences(checkpoint, first);
  found.insert(found.end(), tensors.begin(), tensors.end());
  if (found.empty()) return;
  std::string more;
  if (found.size() > shown_differences) {
    more = fmt::format("; and {} more", found.size() - shown_differences);
    found.resize(shown_differences);
  }
  throw DataError(checkpoint.directory().string(),
                  fmt::format("differs from the first checkpoint of the series, {}: {}{}",
                              first.directory().string(), fmt::join(found, "; "), more),
                  "A series holds checkpoints of one network only");
}

}  // namespace

CheckpointSeries CheckpointSeries::open(const std::filesystem::path& path,
                                        const std::vector<Phase>& phases, size_t least) {
  CheckpointSeries series;
  series.entries_ = list_series(path, least, phases);
  series.checkpoints_.push_back(Checkpoint::open(series.entries_.front().directory));
  const ModelConfig model = model_of(series.checkpoints_.front());
  for (size_t i = 1; i < series.entries_.size(); ++i) {
    series.checkpoints_.push_back(Checkpoint::open(series.entries_[i].directory));
    require_same(series.checkpoints_.back(), series.checkpoints_.front(), model);
  }
  return series;
}

}  // namespace explaind
