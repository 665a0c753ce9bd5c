#include "checkpoint/series_parts.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include "core/counted.hpp"
#include "core/error.hpp"
#include "core/file_kind.hpp"

namespace explaind {
namespace {

/// What a part without a word of its own, and a series without a seed, is called.
constexpr const char* unnamed = ".";

std::string shown_part(const std::string& name) { return name.empty() ? unnamed : name; }

/// The number after "stage" or "phase" in a part's name: "stage2-ingredient3" is of stage 2.
std::optional<std::pair<std::string, int64_t>> stage_of(const std::string& part) {
  for (const std::string word : {"stage", "phase"}) {
    size_t at = part.find(word);
    if (at == std::string::npos) continue;
    at += word.size();
    if (at < part.size() && std::string_view("-_=").find(part[at]) != std::string_view::npos) ++at;
    const size_t end = std::min(part.find_first_not_of("0123456789", at), part.size());
    if (const auto number = parse_step(part.substr(at, end - at)); end > at && number) {
      return std::pair(word, *number);
    }
  }
  return std::nullopt;
}

/// Text and numbers in turn, so that stage10 comes after stage2.
std::vector<std::pair<int64_t, std::string>> natural(const std::string& text) {
  std::vector<std::pair<int64_t, std::string>> key;
  for (size_t i = 0; i < text.size();) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    const size_t end = std::min(
        digit ? text.find_first_not_of("0123456789", i) : text.find_first_of("0123456789", i),
        text.size());
    const std::string run = text.substr(i, end - i);
    key.emplace_back(digit ? parse_step(run).value_or(INT64_MAX) : -1, run);
    i = end;
  }
  return key;
}

/// Names without a word come first, then stages and phases by number, then the others.
bool comes_before(const PartOfTraining& a, const PartOfTraining& b) {
  const auto key = [](const PartOfTraining& part) {
    const auto stage = stage_of(part.name);
    const int rank = part.name == unnamed ? 0 : stage ? 1 : 2;
    return std::tuple(rank, stage ? stage->second : 0, natural(part.name));
  };
  return key(a) < key(b);
}

/// Of parts of one stage, which are branches, the first.
std::vector<PartOfTraining> without_branches(const std::vector<PartOfTraining>& parts,
                                             std::vector<std::string>& assumed) {
  std::vector<PartOfTraining> chain;
  std::map<std::pair<std::string, int64_t>, std::vector<std::string>> branches;
  for (const PartOfTraining& part : parts) {
    const auto stage = stage_of(part.name);
    if (stage) branches[*stage].push_back(part.name);
    if (!stage || branches[*stage].size() == 1) chain.push_back(part);
  }
  for (const auto& [stage, names] : branches) {
    if (names.size() == 1) continue;
    assumed.push_back(
        fmt::format("{} are taken for branches of one {}, of which one is named: put the one that "
                    "is meant in its place",
                    fmt::join(names, ", "), stage.first));
  }
  return chain;
}

std::string small_phase(const std::string& name) {
  return name == unnamed ? "" : small_letters(name);
}

}  // namespace

std::string in_words(const PartOfTraining& part) {
  const std::string steps = part.checkpoints == 1
                                ? fmt::format("step {}", part.first)
                                : fmt::format("steps {} to {}", part.first, part.last);
  return fmt::format("{} ({}, {})", part.name == unnamed ? "no word but the step" : part.name,
                     counted(part.checkpoints, "checkpoint"), steps);
}

std::vector<PartOfTraining> parts_of(const std::vector<NamedCheckpoint>& found) {
  std::map<std::string, PartOfTraining> by_name;
  for (const NamedCheckpoint& each : found) {
    const int64_t step = *each.name.step;
    PartOfTraining& part = by_name[each.name.part];
    if (part.checkpoints++ == 0) part.first = part.last = step;
    part.name = shown_part(each.name.part);
    part.first = std::min(part.first, step);
    part.last = std::max(part.last, step);
  }
  std::vector<PartOfTraining> parts;
  for (const auto& [name, part] : by_name) parts.push_back(part);
  std::sort(parts.begin(), parts.end(), comes_before);
  return parts;
}

std::string proposed_phases(std::vector<PartOfTraining> parts, std::vector<std::string>& assumed) {
  std::sort(parts.begin(), parts.end(), comes_before);
  std::string text;
  int64_t end = 0;
  std::vector<std::string> without_order;
  for (const PartOfTraining& part : without_branches(parts, assumed)) {
    int64_t offset = 0;
    if (!text.empty() && part.first <= end) {
      offset = part.first == 0 ? end + 1 : end;  // its own step 0 follows the step that it is
      assumed.push_back(
          fmt::format("{} counts anew, and is taken to begin at step {}, the last "
                      "one before it here",
                      part.name, end));
    }
    if (part.name != unnamed && !stage_of(part.name)) without_order.push_back(part.name);
    text += fmt::format("{}{}={}", text.empty() ? "" : ",", part.name, offset);
    end = part.last > INT64_MAX - offset ? INT64_MAX : part.last + offset;
  }
  if (!without_order.empty() && parts.size() > 1) {
    assumed.push_back(fmt::format("where {} {} in the training, names do not say",
                                  fmt::join(without_order, ", "),
                                  without_order.size() == 1 ? "stands" : "stand"));
  }
  return "--phases " + shell_word(text);
}

std::vector<NamedCheckpoint> of_one_seed(const std::filesystem::path& where,
                                         std::vector<NamedCheckpoint> found,
                                         const std::string& seed, std::vector<std::string>& notes) {
  std::map<std::string, size_t> seeds;
  for (const NamedCheckpoint& each : found) ++seeds[each.name.seed];
  std::vector<std::string> words;
  for (const auto& [name, count] : seeds) {
    words.push_back(fmt::format("{} ({})", name.empty() ? "none in the name" : name,
                                counted(count, "checkpoint")));
  }
  if (seed.empty()) {
    if (seeds.size() < 2) return found;
    throw DataError(
        where.string(),
        fmt::format("holds {} series, by the seeds in their names: {}", seeds.size(),
                    fmt::join(words, ", ")),
        fmt::format("Choose one: `--series-seed {}`{}",
                    shell_word(shown_part(std::prev(seeds.end())->first)),
                    seeds.contains("") ? " (--series-seed . is the one without a seed)" : ""));
  }
  const std::string wanted = small_phase(seed);
  if (!seeds.contains(wanted)) {
    throw DataError("--series-seed",
                    seeds.size() == 1 && seeds.contains("")
                        ? fmt::format("names in {} say no seed", where.string())
                        : fmt::format("'{}' is none of those in {}: {}", seed, where.string(),
                                      fmt::join(words, ", ")),
                    "Give one that names say, or leave it out");
  }
  std::erase_if(found, [&](const NamedCheckpoint& each) { return each.name.seed != wanted; });
  if (seeds.size() > 1) {
    notes.push_back(fmt::format("{}: of seed {} alone, {} of {}", where.string(), seed,
                                found.size(), fmt::join(words, ", ")));
  }
  return found;
}

std::vector<SeriesEntry> of_one_part(const std::filesystem::path& where,
                                     const std::vector<NamedCheckpoint>& found) {
  const std::vector<PartOfTraining> parts = parts_of(found);
  if (parts.size() > 1) {
    const auto other = std::find_if(found.begin(), found.end(), [&](const NamedCheckpoint& each) {
      return each.name.part != found.front().name.part;
    });
    std::vector<std::string> words, assumed;
    for (const PartOfTraining& part : parts) words.push_back(in_words(part));
    const std::string phases = proposed_phases(parts, assumed);
    throw DataError(
        where.string(),
        fmt::format("the names {} and {} differ in more than the step: they may count their steps "
                    "anew, or belong to two series. Understood are {}",
                    found.front().shown, other->shown, fmt::join(words, ", ")),
        fmt::format("Where they are one training, say at which step each begins: `{}`{}{}. One of "
                    "them alone: `--phases {}=0`. Or: {}",
                    phases, assumed.empty() ? "" : "; ", fmt::join(assumed, "; "),
                    shell_word(parts.front().name), list_form));
  }
  std::vector<SeriesEntry> entries;
  for (const NamedCheckpoint& each : found) {
    entries.push_back({.step = *each.name.step,
                       .directory = each.directory,
                       .tokens = each.name.tokens,
                       .phase = stage_of(each.name.part) ? each.name.part : ""});
  }
  return entries;
}

std::vector<SeriesEntry> of_phase(const std::vector<NamedCheckpoint>& found,
                                  const std::string& phase) {
  std::vector<SeriesEntry> entries;
  for (const NamedCheckpoint& each : found) {
    if (each.name.part != small_phase(phase)) continue;
    entries.push_back({.step = *each.name.step,
                       .directory = each.directory,
                       .tokens = each.name.tokens,
                       .phase = phase});
  }
  return entries;
}

}  // namespace explaind
