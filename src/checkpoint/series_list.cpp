// list_series: from a directory or a list to (step, directory) in ascending order.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "checkpoint/json_file.hpp"
#include "checkpoint/series.hpp"
#include "checkpoint/series_folder.hpp"
#include "checkpoint/series_parts.hpp"
#include "checkpoint/step_name.hpp"
#include "checkpoint/step_pattern.hpp"
#include "claims/own_folder.hpp"
#include "core/counted.hpp"
#include "core/error.hpp"
#include "core/file_kind.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;

std::string_view trim(std::string_view text) {
  constexpr std::string_view blank = " \t\r\n";
  const size_t first = text.find_first_not_of(blank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

/// `where` names list and line; `path` is as written in a list that lies in `folder`.
SeriesEntry from_list(const std::string& where, std::optional<int64_t> step,
                      const std::string& path, const fs::path& folder) {
  if (!step) throw DataError(where, "the step is not an integer from 0 to 2^63 − 1", list_form);
  if (path.empty()) throw DataError(where, "the path of the checkpoint is missing", list_form);
  fs::path directory = folder / path;
  if (!directory.has_filename()) directory = directory.parent_path();  // "a/" is "a"
  if (!is_checkpoint_directory(directory)) {
    throw DataError(where,
                    directory.string() + " is not a checkpoint (a directory with config.json)",
                    "Paths in a list are relative to the list's own folder");
  }
  return {.step = *step, .directory = directory};
}

std::vector<SeriesEntry> read_text_list(const std::string& text, const fs::path& path) {
  std::vector<SeriesEntry> entries;
  std::istringstream lines(text);
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    const std::string_view content = trim(line);
    if (content.empty() || content.front() == '#') continue;
    const size_t gap = std::min(content.find_first_of(" \t"), content.size());
    entries.push_back(from_list(fmt::format("{}:{}", path.string(), number),
                                parse_step(content.substr(0, gap)),
                                std::string(trim(content.substr(gap))), path.parent_path()));
  }
  return entries;
}

SeriesEntry from_json_entry(const nlohmann::json& item, const std::string& where,
                            const fs::path& folder) {
  if (!item.is_object() || item.size() != 2 || !item.contains("step") || !item.contains("path") ||
      !item["path"].is_string()) {
    throw DataError(where, R"(is not of the form {"step": 100, "path": "checkpoint"})");
  }
  std::optional<int64_t> step;
  if (item["step"].is_number_unsigned()) step = parse_step(item["step"].dump());
  return from_list(where, step, item["path"].get<std::string>(), folder);
}

std::vector<SeriesEntry> read_json_list(const std::string& text, const fs::path& path) {
  const nlohmann::json list = parse_json(text, path.string());
  std::vector<SeriesEntry> entries;
  if (list.is_array()) {
    for (size_t i = 0; i < list.size(); ++i) {
      const std::string where = fmt::format("{}: entry {}", path.string(), i + 1);
      entries.push_back(from_json_entry(list[i], where, path.parent_path()));
    }
    return entries;
  }
  for (const auto& [key, value] : list.items()) {
    const std::string where = path.string() + ": entry \"" + key + "\"";
    if (!value.is_string()) throw DataError(where, "is not of the form \"100\": \"checkpoint\"");
    entries.push_back(
        from_list(where, parse_step(key), value.get<std::string>(), path.parent_path()));
  }
  return entries;
}

std::vector<SeriesEntry> read_list(const fs::path& path) {
  const std::string text = read_text_file(path);
  refuse_foreign_content(text, path.string());
  if (text.find('\0') != std::string::npos) {
    throw DataError(path.string(), "is no text, and so no list of checkpoints",
                    "Name the folder that holds the checkpoints' folders, or a list. " +
                        std::string(list_form));
  }
  const std::string_view content = trim(text);
  const bool json = !content.empty() && (content.front() == '[' || content.front() == '{');
  return json ? read_json_list(text, path) : read_text_list(text, path);
}

/// What list_series was asked, and where it says what it found.
struct Asked {
  const NameRules& rules;
  std::vector<std::string>& notes;
  std::vector<BrokenEntry>* broken;
};

/// Broken entries are an error, or told.
void take_broken(const std::vector<BrokenEntry>& found, const Asked& asked) {
  if (found.empty()) return;
  const BrokenEntry& first = found.front();
  if (asked.broken == nullptr) throw DataError(first.where.string(), first.problem, first.remedy);
  asked.broken->insert(asked.broken->end(), found.begin(), found.end());
}

/// Folders or revisions, those of the seed that is meant.
Found read_names(const fs::path& path, const Asked& asked) {
  const bool cache = is_hub_cache(path);
  Found found = cache ? read_hub_cache(path, asked.rules) : read_folder(path, asked.rules);
  take_broken(found.broken, asked);
  found.checkpoints =
      of_one_seed(path, std::move(found.checkpoints), asked.rules.seed, asked.notes);
  return found;
}

/// Notes of what was found and, apart from the phases' folders, of what was passed over.
void take_notes(const fs::path& path, const Found& found, const Asked& asked,
                const std::vector<Phase>& phases = {}) {
  asked.notes.insert(asked.notes.end(), found.notes.begin(), found.notes.end());
  std::vector<std::string> passed = found.passed;
  std::erase_if(passed, [&](const std::string& name) {
    return std::any_of(phases.begin(), phases.end(),
                       [&](const Phase& phase) { return phase.name == name; });
  });
  if (passed.empty()) return;
  asked.notes.push_back(fmt::format("{}: passed over, as they are no checkpoints: {}",
                                    path.string(), listed(passed)));
}

/// Every checkpoint below path, whatever form path has; one part of a training.
std::vector<SeriesEntry> read_series(const fs::path& path, const Asked& asked) {
  std::error_code code;
  const fs::file_status status = fs::status(path, code);
  if (!fs::exists(status)) {
    throw DataError(path.string(), "no such file or directory",
                    "Name a directory of checkpoints or a list of them");
  }
  if (!fs::is_directory(status)) return read_list(path);
  const Found found = read_names(path, asked);
  if (is_cut_short(path)) {
    asked.notes.push_back(fmt::format(
        "{}: recording this series did not end: {} there, and more were to come", path.string(),
        counted(found.checkpoints.size(), "checkpoint is", "checkpoints are")));
  }
  if (found.checkpoints.empty() && found.broken.empty() && !found.passed.empty()) {
    refuse_empty(path, found, asked.rules);
  }
  take_notes(path, found, asked);
  return of_one_part(path, found.checkpoints);
}

/// The phase's folder, or those checkpoints of `names` whose names say the phase.
std::vector<SeriesEntry> read_phase(const fs::path& path, const Phase& phase,
                                    const std::optional<Found>& names, const Asked& asked) {
  std::vector<SeriesEntry> named =
      names ? of_phase(names->checkpoints, phase.name) : std::vector<SeriesEntry>{};
  const fs::path folder = path / phase.name;
  std::error_code ignored;
  const bool is_folder = phase.name != "." && fs::is_directory(folder, ignored);
  if (is_folder && (named.empty() || !is_checkpoint_directory(folder))) {
    if (!named.empty()) {
      throw DataError(folder.string(),
                      fmt::format("may be meant by the phase {}, and so may {}", phase.name,
                                  named.front().directory.filename().string()),
                      "Move one of them away, or list the checkpoints. " + std::string(list_form));
    }
    std::vector<SeriesEntry> entries = read_series(folder, asked);
    for (SeriesEntry& entry : entries) entry.phase = phase.name;
    if (entries.empty()) {
      throw DataError(folder.string(), "is a phase without a checkpoint", "See --phases");
    }
    return entries;
  }
  if (named.empty()) {
    std::vector<std::string> words;
    for (const PartOfTraining& part :
         names ? parts_of(names->checkpoints) : std::vector<PartOfTraining>{}) {
      words.push_back(in_words(part));
    }
    throw DataError(
        folder.string(),
        fmt::format("no such file or directory, and no checkpoint's name says the "
                    "phase {}{}{}",
                    phase.name, words.empty() ? "" : "; they say ", fmt::join(words, ", ")),
        "See --phases");
  }
  return named;
}

/// A phase may not begin before the one in front of it ends: a segment would lead from one into the
/// other, and the next one back.
void require_apart(const std::vector<std::vector<SeriesEntry>>& phases, const fs::path& path) {
  struct Extent {
    int64_t first, last;
    std::string name;
  };
  std::vector<Extent> extents;
  for (const std::vector<SeriesEntry>& entries : phases) {
    Extent extent{INT64_MAX, 0, entries.front().phase};
    for (const SeriesEntry& entry : entries) {
      extent.first = std::min(extent.first, entry.step);
      extent.last = std::max(extent.last, entry.step);
    }
    extents.push_back(extent);
  }
  std::sort(extents.begin(), extents.end(),
            [](const Extent& a, const Extent& b) { return a.first < b.first; });
  for (size_t i = 1; i < extents.size(); ++i) {
    const Extent &before = extents[i - 1], &after = extents[i];
    if (after.first >= before.last) continue;  // the same step twice is said by require_distinct
    throw DataError(
        path.string(),
        fmt::format("the phases {} (steps {} to {}) and {} ({} to {}) overlap", before.name,
                    before.first, before.last, after.name, after.first, after.last),
        fmt::format("Give {} an OFFSET that is larger by {} at least, or leave one out "
                    "of --phases",
                    after.name, before.last - after.first + 1));
  }
}

std::vector<SeriesEntry> read_phases(const fs::path& path, const Asked& asked) {
  std::error_code ignored;
  std::optional<Found> names;
  if (fs::is_directory(path, ignored)) names = read_names(path, asked);
  std::vector<std::vector<SeriesEntry>> phases;
  std::vector<SeriesEntry> entries;
  for (const Phase& phase : asked.rules.phases) {
    std::vector<SeriesEntry> own = read_phase(path, phase, names, asked);
    for (SeriesEntry& entry : own) {
      if (entry.step > std::numeric_limits<int64_t>::max() - phase.offset) {
        throw DataError(entry.directory.string(),
                        "its step and the phase's offset do not fit 64 bits", "See --phases");
      }
      entry.step += phase.offset;
      entries.push_back(entry);
    }
    phases.push_back(std::move(own));
  }
  require_apart(phases, path);
  if (names) take_notes(path, *names, asked, asked.rules.phases);
  std::vector<std::string> left_out;
  for (const PartOfTraining& part :
       names ? parts_of(names->checkpoints) : std::vector<PartOfTraining>{}) {
    const bool meant =
        std::any_of(asked.rules.phases.begin(), asked.rules.phases.end(),
                    [&](const Phase& phase) { return small_letters(phase.name) == part.name; });
    if (!meant) left_out.push_back(in_words(part));
  }
  if (!left_out.empty()) {
    asked.notes.push_back(fmt::format("{}: passed over, as --phases does not name them: {}",
                                      path.string(), listed(left_out)));
  }
  return entries;
}

void require_distinct(const std::vector<SeriesEntry>& sorted, const fs::path& path) {
  for (size_t i = 1; i < sorted.size(); ++i) {
    if (sorted[i].step != sorted[i - 1].step) continue;
    throw DataError(path.string(),
                    fmt::format("step {} is given twice: {} and {}", sorted[i].step,
                                sorted[i - 1].directory.string(), sorted[i].directory.string()),
                    "Keep one of them");
  }
}

}  // namespace

std::vector<Phase> parse_phases(const std::string& text) {
  std::vector<Phase> phases;
  std::istringstream items(text);
  for (std::string item; std::getline(items, item, ',');) {
    const size_t gap = std::min(item.rfind('='), item.size());
    const std::string name(trim(item.substr(0, gap)));
    const std::optional<int64_t> offset =
        gap < item.size() ? parse_step(trim(std::string_view(item).substr(gap + 1))) : std::nullopt;
    const bool known = std::any_of(phases.begin(), phases.end(),
                                   [&](const Phase& phase) { return phase.name == name; });
    if (name.empty() || !offset || known) {
      throw UsageError("--phases",
                       "'" + item + "' is not of the form NAME=OFFSET, or its phase comes twice",
                       "For example stage1=0,stage2=500000: what names say beside the step, or "
                       "folders of the series, and the step at which each begins");
    }
    phases.push_back({.name = name, .offset = *offset});
  }
  return phases;
}

NameRules name_rules(const std::string& phases, const std::string& seed,
                     const std::string& pattern) {
  if (!pattern.empty()) static_cast<void>(StepPattern(pattern));
  return {.phases = parse_phases(phases), .seed = seed, .pattern = pattern};
}

std::vector<SeriesEntry> list_series(const fs::path& path, size_t least, const NameRules& rules,
                                     std::vector<std::string>* notes,
                                     std::vector<BrokenEntry>* broken) {
  std::vector<std::string> said;
  const Asked asked{.rules = rules, .notes = said, .broken = broken};
  std::vector<SeriesEntry> entries;
  try {
    entries = rules.phases.empty() ? read_series(path, asked) : read_phases(path, asked);
  } catch (const fs::filesystem_error& error) {
    throw DataError(error.path1().empty() ? path.string() : error.path1().string(),
                    "cannot be read: " + error.code().message());
  }
  std::sort(entries.begin(), entries.end(), [](const SeriesEntry& a, const SeriesEntry& b) {
    return std::pair(a.step, a.directory) < std::pair(b.step, b.directory);
  });
  if (notes != nullptr) notes->insert(notes->end(), said.begin(), said.end());
  if (entries.empty() && least > 0) {
    throw DataError(path.string(), "holds no checkpoint",
                    std::string("A series is a directory of checkpoint directories whose names say "
                                "the step (step-100). Or: ") +
                        list_form);
  }
  require_distinct(entries, path);
  if (entries.size() < least) {
    throw DataError(path.string(),
                    fmt::format("holds {} checkpoint{} only ({}), but {} are needed",
                                entries.size(), entries.size() == 1 ? "" : "s",
                                entries.front().directory.filename().string(), least),
                    "A change is decomposed between neighbouring checkpoints: add another");
  }
  return entries;
}

}  // namespace explaind
