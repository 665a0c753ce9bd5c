#include "discovery/find_forms.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/counted.hpp"

namespace explaind {
namespace {

using nlohmann::ordered_json;

constexpr size_t most_rows = 20;  // of a table; JSON has all

/// Columns that a table takes up: a character each, however many bytes it has.
size_t width_of(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80;
  }));
}

std::string cell_of(const ordered_json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_float()) return fmt::format("{:.3g}", value.get<double>());
  return value.dump();
}

std::string heading_of(std::string key) {
  std::replace(key.begin(), key.end(), '_', ' ');
  return key;
}

std::string padded(const std::string& text, size_t width, bool number) {
  const std::string blanks(width - width_of(text), ' ');
  return number ? blanks + text : text + blanks;
}

void add_table(const SearchResult& finding, std::string& text) {
  const size_t count = std::min(finding.rows.size(), most_rows);
  std::vector<std::vector<std::string>> columns;
  std::vector<bool> numbers;
  for (const std::string& key : finding.shown) {
    columns.push_back({heading_of(key)});
    numbers.push_back(finding.rows.front().at(key).is_number());
    for (size_t r = 0; r < count; ++r) columns.back().push_back(cell_of(finding.rows[r].at(key)));
  }
  for (size_t line = 0; line <= count; ++line) {
    std::string row = " ";
    for (size_t c = 0; c < columns.size(); ++c) {
      size_t width = 0;
      for (const std::string& each : columns[c]) width = std::max(width, width_of(each));
      row += " " + padded(columns[c][line], width, numbers[c]) + " ";
    }
    row.erase(row.find_last_not_of(' ') + 1);
    text += row + "\n";
  }
  if (finding.rows.size() > count) {
    text += fmt::format("  … and {} more (--format json has all)\n", finding.rows.size() - count);
  }
}

std::string tested_by(const SearchResult& finding) {
  std::string drawn = counted(finding.permutations, "drawing");
  return fmt::format("  Statistic: {}.\n  Test: {}; {}. Correction: {}; {}.\n", finding.statistic,
                     finding.test, drawn, finding.correction, counted(finding.tests, "test"));
}

void add_finding(const SearchResult& finding, std::string& text) {
  std::string title = finding.name;
  title.front() = static_cast<char>(std::toupper(title.front()));
  text += fmt::format("\n{}: {}\n", title, finding.what);
  if (!finding.why_not.empty()) {
    text += fmt::format("  Not asked: {}.\n", finding.why_not);
    return;
  }
  if (!finding.rows.empty()) {
    add_table(finding, text);
  } else if (finding.level > 0) {
    text += fmt::format("  Nothing found at the level {:.3g}{}.\n", finding.level,
                        finding.smallest_p
                            ? fmt::format(" (smallest adjusted p {:.3g})", *finding.smallest_p)
                            : "");
  } else {
    text += "  There is nothing to list.\n";
  }
  for (const std::string& each : finding.said) text += "  " + each + "\n";
  text += finding.level > 0 ? tested_by(finding) : fmt::format("  Shown: {}.\n", finding.statistic);
}

std::string division_of(const Findings& findings) {
  if (findings.tested == 0) return "nothing was tested";
  return fmt::format("level {:.3g} for all findings together: {:.3g} for each of {} (Bonferroni)",
                     findings.asked.level,
                     findings.asked.level / static_cast<double>(findings.tested),
                     counted(findings.tested, "search", "searches"));
}

}  // namespace

std::string findings_table(const Findings& findings) {
  std::string text =
      fmt::format("{}: {}, {}, {}\n", findings.store, counted(findings.segments, "segment"),
                  findings.rows_are == "sample" || findings.rows_are == "group"
                      ? counted(findings.rows, findings.rows_are)
                      : findings.rows_are,
                  counted(findings.parts, findings.part));
  text += fmt::format("scores in {}{}; {}; seed {}\n", findings.unit,
                      findings.sign.empty() ? "" : " (" + findings.sign + ")",
                      division_of(findings), findings.asked.seed);
  for (const std::string& note : findings.notes) text += "note: " + note + "\n";
  for (const SearchResult& each : findings.all) add_finding(each, text);
  return text;
}

ordered_json findings_json(const Findings& findings) {
  ordered_json json{
      {"store", findings.store},
      {"unit", findings.unit},
      {"sign", findings.sign},
      {"segments", findings.segments},
      {"rows", findings.rows},
      {"rows_are", findings.rows_are},
      {"part", findings.part},
      {"parts", findings.parts},
      {"level", findings.asked.level},
      {"tested", findings.tested},
      {"level_of_each", findings.tested == 0 ? ordered_json(nullptr)
                                             : ordered_json(findings.asked.level /
                                                            static_cast<double>(findings.tested))},
      {"level_divided", "Bonferroni over the searches that test"},
      {"permutations", findings.asked.permutations},
      {"seed", findings.asked.seed},
      {"notes", findings.notes},
      {"findings", ordered_json::array()}};
  for (const SearchResult& finding : findings.all) {
    ordered_json each{{"name", finding.name}, {"what", finding.what}};
    if (!finding.why_not.empty()) {
      each["why_not"] = finding.why_not;
      json["findings"].push_back(std::move(each));
      continue;
    }
    each["statistic"] = finding.statistic;
    if (finding.level > 0) {
      each["test"] = finding.test;
      each["correction"] = finding.correction;
      each["permutations"] = finding.permutations;
      each["tests"] = finding.tests;
      each["level"] = finding.level;
      if (finding.smallest_p) each["smallest_p_adjusted"] = *finding.smallest_p;
      each["found"] = finding.rows.size();
    }
    each["rows"] = finding.rows;
    each["said"] = finding.said;
    if (finding.more.is_object()) each.update(finding.more);
    json["findings"].push_back(std::move(each));
  }
  return json;
}

}  // namespace explaind
