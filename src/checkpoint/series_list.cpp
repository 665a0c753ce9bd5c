// list_series: from a directory or a list to (step, directory) in ascending order.

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>

#include "checkpoint/json_file.hpp"
#include "checkpoint/series.hpp"
#include "checkpoint/series_folder.hpp"
#include "checkpoint/step_name.hpp"
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

/// Every checkpoint below path, whatever form path has.
std::vector<SeriesEntry> read_series(const fs::path& path, std::vector<std::string>& notes) {
  std::error_code code;
  const fs::file_status status = fs::status(path, code);
  if (!fs::exists(status)) {
    throw DataError(path.string(), "no such file or directory",
                    "Name a directory of checkpoints or a list of them");
  }
  try {
    return is_hub_cache(path)         ? read_hub_cache(path, notes)
           : fs::is_directory(status) ? read_series_folder(path, notes)
                                      : read_list(path);
  } catch (const fs::filesystem_error& error) {
    throw DataError(path.string(), "cannot be read: " + error.code().message());
  }
}

std::vector<SeriesEntry> read_phases(const fs::path& path, const std::vector<Phase>& phases,
                                     std::vector<std::string>& notes) {
  std::vector<SeriesEntry> entries;
  for (const Phase& phase : phases) {
    const size_t before = entries.size();
    for (SeriesEntry& entry : read_series(path / phase.name, notes)) {
      if (entry.step > std::numeric_limits<int64_t>::max() - phase.offset) {
        throw DataError(entry.directory.string(),
                        "its step and the phase's offset do not fit 64 bits", "See --phases");
      }
      entry.step += phase.offset;
      entries.push_back(std::move(entry));
    }
    if (entries.size() == before) {
      throw DataError((path / phase.name).string(), "is a phase without a checkpoint",
                      "See --phases");
    }
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
    const size_t gap = std::min(item.find('='), item.size());
    const std::string name(trim(item.substr(0, gap)));
    const std::optional<int64_t> offset =
        gap < item.size() ? parse_step(trim(std::string_view(item).substr(gap + 1))) : std::nullopt;
    const bool known = std::any_of(phases.begin(), phases.end(),
                                   [&](const Phase& phase) { return phase.name == name; });
    if (name.empty() || !offset || known) {
      throw UsageError("--phases",
                       "'" + item + "' is not of the form NAME=OFFSET, or its phase comes twice",
                       "For example phase-1=0,phase-2=500000: folders of the series and the step "
                       "at which each begins");
    }
    phases.push_back({.name = name, .offset = *offset});
  }
  return phases;
}

std::vector<SeriesEntry> list_series(const fs::path& path, size_t least,
                                     const std::vector<Phase>& phases,
                                     std::vector<std::string>* notes) {
  std::vector<std::string> said;
  std::vector<SeriesEntry> entries =
      phases.empty() ? read_series(path, said) : read_phases(path, phases, said);
  if (notes != nullptr) notes->insert(notes->end(), said.begin(), said.end());
  std::sort(entries.begin(), entries.end(), [](const SeriesEntry& a, const SeriesEntry& b) {
    return std::pair(a.step, a.directory) < std::pair(b.step, b.directory);
  });
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
