#include "app/inspect_series.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "app/network_words.hpp"
#include "app/tokenizer_words.hpp"
#include "checkpoint/layouts/saved_state.hpp"
#include "checkpoint/series_summary.hpp"
#include "core/byte_size.hpp"
#include "core/counted.hpp"
#include "core/error.hpp"
#include "model/network.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;

/// "5B", "1.5T", "4194304000": as names write counts.
std::string short_count(int64_t count) {
  for (const auto& [unit, word] :
       {std::pair(INT64_C(1000000000000), "T"), std::pair(INT64_C(1000000000), "B"),
        std::pair(INT64_C(1000000), "M")}) {
    if (count >= unit && count % (unit / 10) == 0) {
      return fmt::format("{}{}", static_cast<double>(count) / static_cast<double>(unit), word);
    }
  }
  return std::to_string(count);
}

std::string weights_of(const Checkpoint& checkpoint) {
  const CheckpointSummary summary = summarize(checkpoint);
  std::string types;
  for (const DtypeTotal& total : summary.dtypes) {
    types += fmt::format("{}{} ({})", types.empty() ? "" : ", ", to_string(total.dtype),
                         format_bytes(static_cast<double>(total.bytes)));
  }
  return fmt::format("{} parameters, {} in {}, {}", summary.parameters,
                     format_bytes(static_cast<double>(summary.file_bytes)),
                     counted(summary.files, "file"), types);
}

/// How many of the checkpoints have their optimizer's state, and in which files.
std::string optimizers_of(const std::vector<const Checkpoint*>& checkpoints) {
  std::string text;
  size_t found = 0;
  for (const char* file : {"optimizer.safetensors", "optimizer.pt"}) {
    const auto with =
        std::count_if(checkpoints.begin(), checkpoints.end(),
                      [&](const Checkpoint* each) { return fs::exists(each->directory() / file); });
    if (with == 0) continue;
    found += static_cast<size_t>(with);
    text += fmt::format("{}{} in {} of {}", text.empty() ? "" : ", ", file, with,
                        counted(checkpoints.size(), "checkpoint"));
  }
  const auto saved =
      std::count_if(checkpoints.begin(), checkpoints.end(),
                    [](const Checkpoint* each) { return holds_saved_state(each->directory()); });
  if (found == 0 && saved > 0) {
    return fmt::format("what the training program saved, in {} of {}", saved,
                       counted(checkpoints.size(), "checkpoint"));
  }
  return found == 0 ? "none" : text + " (for decompose --source steps)";
}

void print_network(const std::vector<const Checkpoint*>& checkpoints) {
  const Checkpoint& first = *checkpoints.front();
  fmt::print("  network     {}\n  tokenizer   {}\n  optimizer   {}\n", network_of(first.config()),
             tokenizer_of(first.directory()), optimizers_of(checkpoints));
}

/// What names say beside the step: a line for each phase, and the tokens.
void print_names(const std::vector<SeriesEntry>& entries, const NameRules& rules) {
  if (!rules.seed.empty()) fmt::print("  seed        {}\n", rules.seed);
  for (size_t begin = 0, end = 0; begin < entries.size(); begin = end) {
    while (end < entries.size() && entries[end].phase == entries[begin].phase) ++end;
    if (entries[begin].phase.empty()) continue;
    fmt::print("  phase       {}: {}, {}\n", entries[begin].phase,
               counted(end - begin, "checkpoint"),
               end - begin == 1
                   ? fmt::format("step {}", entries[begin].step)
                   : fmt::format("steps {} to {}", entries[begin].step, entries[end - 1].step));
  }
  const auto has_tokens = [](const SeriesEntry& entry) { return entry.tokens.has_value(); };
  const auto with = std::count_if(entries.begin(), entries.end(), has_tokens);
  if (with == 0) return;
  const auto first = std::find_if(entries.begin(), entries.end(), has_tokens);
  const auto last = std::find_if(entries.rbegin(), entries.rend(), has_tokens);
  fmt::print("  tokens      {} to {} in training, as names of {} of {} say\n",
             short_count(*first->tokens), short_count(*last->tokens), with,
             counted(entries.size(), "checkpoint"));
}

/// Why a network of this config cannot be decomposed; empty where it can.
std::string refusal_of(const nlohmann::json& config, const fs::path& directory) {
  try {
    static_cast<void>(build_network(config, (directory / "config.json").string()));
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

void print_difference(const CheckpointDifference& change) {
  fmt::print("{:>10} {:>10}  {:>11.3e}  {:>11.3e}  {:>7.1f} %{}\n", change.step_from,
             change.step_to, change.relative_change, change.largest_change,
             100 * change.changed_share,
             change.not_finite > 0
                 ? "  " + counted(change.not_finite, "weight is", "weights are") + " not finite"
                 : "");
}

/// The checkpoints of a series, whether or not it can be decomposed.
struct Opened {
  std::vector<SeriesEntry> entries;
  std::optional<CheckpointSeries> series;  ///< where all of it is one network that is known
  std::vector<Checkpoint> alone;           ///< else
  std::string refusal;
  std::vector<std::string> notes;  ///< what of it is passed over or not used

  [[nodiscard]] std::vector<const Checkpoint*> checkpoints() const {
    std::vector<const Checkpoint*> all;
    for (size_t i = 0; i < entries.size(); ++i) {
      all.push_back(series ? &series->checkpoint(i) : &alone[i]);
    }
    return all;
  }
  [[nodiscard]] CheckpointDifference change(size_t i) const {
    if (series) return difference(*series, i);
    CheckpointDifference found = difference(alone[i], alone[i + 1]);
    found.step_from = entries[i].step;
    found.step_to = entries[i + 1].step;
    return found;
  }
};

Opened open(const fs::path& path, const NameRules& rules) {
  Opened opened;
  opened.entries = list_series(path, 1, rules, &opened.notes);
  try {
    opened.series = CheckpointSeries::open(path, rules, 1);
    opened.notes = opened.series->notes();
    opened.refusal = refusal_of(opened.series->config(), opened.series->checkpoint(0).directory());
  } catch (const Error& error) {
    opened.refusal = error.what();
    for (const SeriesEntry& entry : opened.entries) {
      opened.alone.push_back(Checkpoint::open(entry.directory));
    }
  }
  return opened;
}

}  // namespace

bool is_series(const fs::path& path, const NameRules& rules) {
  if (!is_checkpoint_directory(path)) return true;
  try {
    return !list_series(path, 1, rules).empty();
  } catch (const Error&) {
    return false;  // folders beside the weights that are no checkpoints
  }
}

void inspect_series(const fs::path& path, const NameRules& rules) {
  const Opened opened = open(path, rules);
  const std::vector<const Checkpoint*> checkpoints = opened.checkpoints();
  fmt::print("{}: {}, steps {} to {}\neach {}\n", path.string(),
             counted(checkpoints.size(), "checkpoint"), opened.entries.front().step,
             opened.entries.back().step, weights_of(*checkpoints.front()));
  print_network(checkpoints);
  print_names(opened.entries, rules);
  if (is_checkpoint_directory(path) && holds_weights(path)) {
    fmt::print("  beside      weights of no step, which are not part of the series\n");
  }
  if (!opened.refusal.empty()) fmt::print("  cannot be decomposed: {}\n", opened.refusal);
  for (const std::string& note : opened.notes) fmt::print("  note        {}\n", note);
  fmt::print("\n{:>10} {:>10}  {:>11}  {:>11}  {:>9}\n", "step from", "step to", "|Δ|/|θ|",
             "max |Δ|", "changed");
  for (size_t i = 0; i + 1 < checkpoints.size(); ++i) print_difference(opened.change(i));
}

void inspect_checkpoint(const fs::path& path) {
  const Checkpoint checkpoint = Checkpoint::open(path);
  fmt::print("{}: {}\n{}\n", path.string(),
             checkpoint.config().value("model_type", std::string("?")), weights_of(checkpoint));
  print_network({&checkpoint});
  const std::string refusal = refusal_of(checkpoint.config(), path);
  if (!refusal.empty()) fmt::print("  cannot be decomposed: {}\n", refusal);
  fmt::print("\n");
  size_t width = 0;
  for (const auto& [name, tensor] : checkpoint.tensors()) width = std::max(width, name.size());
  for (const auto& [name, tensor] : checkpoint.tensors()) {
    fmt::print("  {:<{}}  {:<5} [{}]\n", name, width, to_string(tensor.dtype),
               fmt::join(tensor.shape, ", "));
  }
}

}  // namespace explaind
