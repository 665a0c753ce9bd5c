#include "checkpoint/series.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <optional>

#include "core/error.hpp"
#include "families/config_keys.hpp"
#include "families/decoder_config.hpp"

namespace explaind {
namespace {

/// Differences shown in one message.
constexpr size_t shown_differences = 10;

DecoderConfig model_of(const nlohmann::json& config, const Checkpoint& checkpoint) {
  return read_decoder_config(config, (checkpoint.directory() / "config.json").string());
}

/// The config as the network is to be built from it.
nlohmann::json config_of(const Checkpoint& checkpoint, TiedHead head) {
  nlohmann::json config = checkpoint.config();
  const std::string matrix = names_in(config).unembedding + ".weight";
  const bool stored = checkpoint.tensors().contains(matrix);
  if (head == TiedHead::stored && stored) config["tie_word_embeddings"] = false;
  return config;
}

/// Used tensors that are missing, added or of another shape, in name order ("here" is
/// `checkpoint`).
std::vector<std::string> tensor_differences(const Checkpoint& checkpoint, const Checkpoint& first,
                                            const DecoderConfig& model) {
  std::vector<std::string> found;
  for (const auto& [name, expected] : first.tensors()) {
    if (is_unused(model, name)) continue;
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
    if (!is_unused(model, name) && !first.tensors().contains(name)) {
      found.push_back(fmt::format("tensor \"{}\" is here only", name));
    }
  }
  return found;
}

[[noreturn]] void refuse_another(const Checkpoint& checkpoint, const Checkpoint& first,
                                 std::vector<std::string> found) {
  std::string more;
  if (found.size() > shown_differences) {
    more = fmt::format("; and {} more", found.size() - shown_differences);
    found.resize(shown_differences);
  }
  throw DataError(checkpoint.directory().string(),
                  fmt::format("differs from an earlier checkpoint of the series, {}: {}{}",
                              first.directory().string(), fmt::join(found, "; "), more),
                  "A series holds checkpoints of one network only; its sizes, heads and names do "
                  "not change");
}

/// "in all 5 checkpoints", "in 2 of 5 checkpoints".
std::string share(size_t some, size_t all) {
  return some == all ? fmt::format("in all {} checkpoints", all)
                     : fmt::format("in {} of {} checkpoints", some, all);
}

/// The storage type that most elements have.
Dtype main_dtype(const Checkpoint& checkpoint) {
  std::map<Dtype, int64_t> elements;
  for (const auto& [name, tensor] : checkpoint.tensors()) {
    if (is_floating(tensor.dtype)) elements[tensor.dtype] += tensor.elements();
  }
  const auto most = std::max_element(elements.begin(), elements.end(),
                                     [](auto& a, auto& b) { return a.second < b.second; });
  return most == elements.end() ? Dtype::f32 : most->first;
}

/// Empty where config.json names no storage type.
std::string declared_dtype(const nlohmann::json& config) {
  for (const char* key : {"dtype", "torch_dtype"}) {
    const auto found = config.find(key);
    if (found != config.end() && found->is_string()) return found->get<std::string>();
  }
  return "";
}

std::string torch_name(Dtype dtype) {
  switch (dtype) {
    case Dtype::f64:
      return "float64";
    case Dtype::f16:
      return "float16";
    case Dtype::bf16:
      return "bfloat16";
    default:
      return "float32";
  }
}

}  // namespace

TiedHead parse_tied_head(const std::string& text) {
  if (text == "equal") return TiedHead::equal;
  if (text == "embedding") return TiedHead::embedding;
  if (text == "stored") return TiedHead::stored;
  throw UsageError("--tied-head", "'" + text + "' is not known", "Use equal, embedding or stored");
}

CheckpointSeries CheckpointSeries::open(const std::filesystem::path& path, const NameRules& rules,
                                        size_t least, TiedHead head) {
  CheckpointSeries series;
  series.entries_ = list_series(path, least, rules, &series.notes_);
  std::optional<DecoderConfig> model;  // of the stretch
  std::vector<int64_t> positions;
  for (const SeriesEntry& entry : series.entries_) {
    const size_t place = series.checkpoints_.size();
    series.checkpoints_.push_back(Checkpoint::open(entry.directory));
    const Checkpoint& checkpoint = series.checkpoints_.back();
    const nlohmann::json config = config_of(checkpoint, head);
    const DecoderConfig here = model_of(config, checkpoint);
    positions.push_back(here.max_positions);
    const std::vector<std::string> changes =
        model ? config_differences(here, *model) : std::vector<std::string>();
    if (model && (changes.empty() || !share_tensors(here, *model))) {
      const Checkpoint& first = series.checkpoints_[series.stretches_.back().first];
      std::vector<std::string> found = changes;
      const std::vector<std::string> tensors = tensor_differences(checkpoint, first, *model);
      found.insert(found.end(), tensors.begin(), tensors.end());
      if (!found.empty()) refuse_another(checkpoint, first, std::move(found));
      continue;
    }
    series.stretches_.push_back({.first = place, .config = config, .changes = changes});
    model = here;
  }
  series.note_what_is_ignored(positions);
  return series;
}

CheckpointSeries CheckpointSeries::described(std::vector<SeriesEntry> entries,
                                             const Checkpoint& all, TiedHead head) {
  CheckpointSeries series;
  series.entries_ = std::move(entries);
  series.checkpoints_.assign(series.entries_.size(), all);
  series.stretches_.push_back({.first = 0, .config = config_of(all, head)});
  series.note_what_is_ignored({model_of(series.config(), all).max_positions});
  return series;
}

void require_same_network(const Checkpoint& checkpoint, const Checkpoint& first, TiedHead head) {
  const DecoderConfig here = model_of(config_of(checkpoint, head), checkpoint),
                      there = model_of(config_of(first, head), first);
  std::vector<std::string> found = config_differences(here, there);
  const std::vector<std::string> tensors = tensor_differences(checkpoint, first, there);
  found.insert(found.end(), tensors.begin(), tensors.end());
  if (!found.empty()) refuse_another(checkpoint, first, std::move(found));
}

size_t CheckpointSeries::stretch_of(size_t i) const {
  const auto after =
      std::upper_bound(stretches_.begin(), stretches_.end(), i,
                       [](size_t place, const Stretch& stretch) { return place < stretch.first; });
  return static_cast<size_t>(after - stretches_.begin()) - 1;
}

void CheckpointSeries::note_what_is_ignored(const std::vector<int64_t>& max_positions) {
  const DecoderConfig model = model_of(config(), checkpoints_.front());
  size_t rotary = 0, head = 0, others = 0;
  std::map<std::string, size_t> unknown, renamed;
  for (const Checkpoint& checkpoint : checkpoints_) {
    const auto has_unused = [&](const std::string& word) {
      return std::any_of(
          checkpoint.tensors().begin(), checkpoint.tensors().end(), [&](const auto& tensor) {
            return is_unused(model, tensor.first) && tensor.first.find(word) != std::string::npos;
          });
    };
    rotary += has_unused("rotary_emb") ? 1 : 0;
    head += has_unused(model.names.unembedding + ".weight") ? 1 : 0;
    others += has_unused("_extra_state") || has_unused("masked_bias") ||
                      has_unused("causal_mask") || has_unused("position_ids")
                  ? 1
                  : 0;
    for (const std::string& key : unknown_config_keys(checkpoint.config())) ++unknown[key];
    for (const std::string& note : checkpoint.notes()) ++renamed[note];
  }
  const size_t all = checkpoints_.size();
  for (const auto& [note, count] : renamed) {
    notes_.push_back(fmt::format("{} ({})", note, share(count, all)));
  }
  if (rotary > 0) {
    notes_.push_back(
        fmt::format("ignored: rotary tables {}: the network computes them from config.json",
                    share(rotary, all)));
  }
  if (others > 0) {
    notes_.push_back(fmt::format("ignored: masks and other buffers {}: they are no weights",
                                 share(others, all)));
  }
  if (head > 0) {
    notes_.push_back(
        fmt::format("ignored: {}.weight {}: config.json ties the unembedding to the embedding",
                    model.names.unembedding, share(head, all)));
  }
  for (size_t i = 1; i < stretches_.size(); ++i) {
    const Stretch& stretch = stretches_[i];
    notes_.push_back(
        fmt::format("config.json changes at step {} (\"there\" is the checkpoint before): {}",
                    entries_[stretch.first].step, fmt::join(stretch.changes, "; ")));
  }
  const auto [least, most] = std::minmax_element(max_positions.begin(), max_positions.end());
  if (*least != *most) {
    for (Stretch& stretch : stretches_) stretch.config["max_position_embeddings"] = *least;
    notes_.push_back(fmt::format(
        "max_position_embeddings is {} to {} in the series; the network does not use it, and "
        "samples may have {} tokens where --max-length is not given",
        *least, *most, *least));
  }
  if (!unknown.empty()) {
    std::vector<std::string> keys;
    for (const auto& [key, count] : unknown) keys.push_back(key);
    notes_.push_back(fmt::format("config.json: {}'s network knows no {}, and it is not obeyed",
                                 model.family, fmt::join(keys, ", ")));
  }
  const std::string declared = declared_dtype(checkpoints_.front().config());
  const Dtype stored = main_dtype(checkpoints_.front());
  if (!declared.empty() && declared != "auto" && declared != torch_name(stored)) {
    notes_.push_back(fmt::format(
        "config.json says {}, and the weights are stored as {}: they are used as they are stored",
        declared, torch_name(stored)));
  }
}

}  // namespace explaind
