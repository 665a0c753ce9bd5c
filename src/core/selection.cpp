#include "core/selection.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "core/error.hpp"
#include "core/nearest_name.hpp"

namespace explaind {
namespace {

std::optional<double> number_of(const std::string& text) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data(), end, value);
  if (text.empty() || failure != std::errc{} || stop != end) return std::nullopt;
  return value;
}

std::string unescaped(const std::string& text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    plain += text[i];
  }
  return plain;
}

/// Whether `value` is the pieces in their order, with anything between them.
bool fits(const std::vector<std::string>& pieces, const std::string& value) {
  if (pieces.size() == 1) return value == pieces.front();
  const std::string &first = pieces.front(), &last = pieces.back();
  if (!value.starts_with(first) || !value.ends_with(last)) return false;
  if (value.size() < first.size() + last.size()) return false;
  size_t at = first.size();
  const size_t end = value.size() - last.size();
  for (size_t i = 1; i + 1 < pieces.size(); ++i) {
    const size_t found = value.find(pieces[i], at);
    if (found == std::string::npos || found + pieces[i].size() > end) return false;
    at = found + pieces[i].size();
  }
  return true;
}

/// The different values, the first dozen of them, as they have to be written.
std::string listed(const std::vector<std::string>& values) {
  constexpr size_t shown = 12;
  std::vector<std::string> different;
  for (const std::string& value : values) {
    if (std::find(different.begin(), different.end(), value) == different.end()) {
      different.push_back(value);
    }
  }
  std::string text;
  for (size_t i = 0; i < std::min(shown, different.size()); ++i) {
    text += (i == 0 ? "" : ", ") + (different[i].empty() ? "(empty)" : escaped(different[i]));
  }
  if (different.size() > shown) {
    text += fmt::format(", … {} ({} in all)", escaped(different.back()), different.size());
  }
  return text.empty() ? "nothing" : text;
}

}  // namespace

std::vector<std::string> split_unescaped(const std::string& text, char separator) {
  std::vector<std::string> parts(1);
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == separator) {
      parts.emplace_back();
      continue;
    }
    parts.back() += text[i];
    if (text[i] == '\\' && i + 1 < text.size()) parts.back() += text[++i];
  }
  return parts;
}

std::string escaped(const std::string& value) {
  std::string text;
  for (const char letter : value) {
    if (std::string("\\|:*,").find(letter) != std::string::npos) text += '\\';
    text += letter;
  }
  return text;
}

Selection::Selection(const std::string& text, std::string option, std::string name)
    : option_(std::move(option)), name_(std::move(name)) {
  for (const std::string& written : split_unescaped(text, '|')) {
    const auto slashes = static_cast<size_t>(
        std::find_if(written.rbegin(), written.rend(), [](char letter) { return letter != '\\'; }) -
        written.rbegin());
    if (slashes % 2 == 1) {
      throw UsageError(option_, fmt::format("'{}' ends in a lone \\", text),
                       "Write \\\\ for a \\ of the value");
    }
    Alternative made{.written = written, .pieces = {}, .range = false, .low = {}, .high = {}};
    const std::vector<std::string> ends = split_unescaped(written, ':');
    made.range = ends.size() > 1;
    if (made.range) {
      made.low = number_of(ends.front());
      made.high = number_of(ends[1]);
      if (ends.size() > 2 || (!ends[0].empty() && !made.low) || (!ends[1].empty() && !made.high)) {
        throw UsageError(option_, fmt::format("'{}' is no range of numbers LOW:HIGH", written),
                         fmt::format("Write \\: for a colon of the value: {}", escaped(written)));
      }
      if (made.low && made.high && *made.low > *made.high) {
        throw UsageError(option_, fmt::format("the range '{}' is empty", written),
                         "Give its lower end first");
      }
    } else {
      for (const std::string& piece : split_unescaped(written, '*')) {
        made.pieces.push_back(unescaped(piece));
      }
    }
    alternatives_.push_back(std::move(made));
  }
}

bool Selection::Alternative::matches(const std::string& value, bool number) const {
  if (range) {
    const std::optional<double> here = number_of(value);
    return here && (!low || *here >= *low) && (!high || *here <= *high);
  }
  if (fits(pieces, value)) return true;
  if (!number || pieces.size() != 1) return false;
  const std::optional<double> asked = number_of(pieces.front());
  return asked && asked == number_of(value);
}

void Selection::nothing_has(const Alternative& alternative,
                            const std::vector<std::string>& values) const {
  std::string remedy = "What there is: " + listed(values);
  if (!alternative.range && alternative.pieces.size() == 1) {
    std::vector<std::string> nearest = nearest_names(alternative.pieces.front(), values);
    for (std::string& each : nearest) each = escaped(each);
    if (!nearest.empty()) {
      remedy = fmt::format("Did you mean {}? {}", fmt::join(nearest, " or "), remedy);
    }
  }
  throw DataError(option_,
                  fmt::format("nothing has {}{}", name_,
                              alternative.written.empty() ? "(empty)" : alternative.written),
                  remedy);
}

std::vector<bool> Selection::among(const std::vector<std::string>& values, bool number) const {
  std::vector<bool> chosen(values.size(), false);
  for (const Alternative& alternative : alternatives_) {
    bool any = false;
    for (size_t i = 0; i < values.size(); ++i) {
      if (!alternative.matches(values[i], number)) continue;
      chosen[i] = any = true;
    }
    if (!any) nothing_has(alternative, values);
  }
  return chosen;
}

std::vector<bool> Selection::among_stretches(const std::vector<std::string>& from,
                                             const std::vector<std::string>& to) const {
  std::vector<bool> chosen(to.size(), false);
  for (const Alternative& alternative : alternatives_) {
    bool any = false;
    for (size_t i = 0; i < to.size(); ++i) {
      const bool here = alternative.matches(to[i], true) &&
                        (!alternative.range || alternative.matches(from[i], true));
      if (here) chosen[i] = any = true;
    }
    if (!any) nothing_has(alternative, to);
  }
  return chosen;
}

}  // namespace explaind
