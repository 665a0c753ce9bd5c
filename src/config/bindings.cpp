#include "config/bindings.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "core/error.hpp"
#include "core/selection.hpp"

namespace explaind {
namespace {

Option make(Declared declared, std::function<void(const std::string&)> set,
            std::function<std::string()> get) {
  return {.name = std::move(declared.name),
          .value = std::move(declared.value),
          .help = std::move(declared.help),
          .role = declared.role,
          .set = std::move(set),
          .get = std::move(get),
          .required = declared.required,
          .silent = declared.silent};
}

template <typename Number>
Number parse_number(const std::string& name, const std::string& text, const char* what) {
  Number number{};
  const char* end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data(), end, number);
  if (failure != std::errc{} || stop != end) {
    throw UsageError("--" + name, "'" + text + "' is not " + what, "Change it");
  }
  return number;
}

int64_t parse_integer(const std::string& name, const std::string& text, int64_t least) {
  const auto number = parse_number<int64_t>(name, text, "a whole number");
  if (number < least) {
    throw UsageError("--" + name, fmt::format("{} is too small", number),
                     fmt::format("Use at least {}", least));
  }
  return number;
}

std::string replaced(std::string text, const std::string& part, const std::string& by) {
  for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += by.size()) {
    text.replace(at, part.size(), by);
  }
  return text;
}

double parse_real(const std::string& name, const std::string& text) {
  const auto number = parse_number<double>(name, text, "a number");
  if (!std::isfinite(number))
    throw UsageError("--" + name, text + " is not finite", "Give a number");
  return number;
}

}  // namespace

Option text_option(Declared declared, std::string& field) {
  return make(
      std::move(declared), [&field](const std::string& text) { field = text; },
      [&field] { return field; });
}

Option optional_text_option(Declared declared, std::optional<std::string>& field) {
  return make(
      std::move(declared), [&field](const std::string& text) { field = text; },
      [&field] { return field.value_or(""); });
}

Option word_option(Declared declared, std::string& field, std::vector<std::string> words) {
  const std::string name = declared.name;
  return make(
      std::move(declared),
      [&field, name, words = std::move(words)](const std::string& text) {
        if (std::find(words.begin(), words.end(), text) == words.end()) {
          throw UsageError("--" + name, "unknown value '" + text + "'",
                           fmt::format("Use one of: {}", fmt::join(words, ", ")));
        }
        field = text;
      },
      [&field] { return field; });
}

Option flag_option(Declared declared, bool& field) {
  const std::string name = declared.name;
  return make(
      std::move(declared),
      [&field, name](const std::string& text) {
        if (text != "true" && text != "false") {
          throw UsageError("--" + name, "'" + text + "' is neither true nor false", "Change it");
        }
        field = text == "true";
      },
      [&field] { return std::string(field ? "true" : "false"); });
}

Option integer_option(Declared declared, int64_t& field, int64_t least) {
  const std::string name = declared.name;
  return make(
      std::move(declared),
      [&field, name, least](const std::string& text) { field = parse_integer(name, text, least); },
      [&field] { return std::to_string(field); });
}

Option optional_integer_option(Declared declared, std::optional<int64_t>& field, int64_t least) {
  const std::string name = declared.name;
  return make(
      std::move(declared),
      [&field, name, least](const std::string& text) { field = parse_integer(name, text, least); },
      [&field] { return field ? std::to_string(*field) : ""; });
}

Option number_option(Declared declared, double& field, double above, double most) {
  const std::string name = declared.name;
  return make(
      std::move(declared),
      [&field, name, above, most](const std::string& text) {
        const double number = parse_real(name, text);
        if (number <= above || number > most) {
          throw UsageError("--" + name, text + " is out of range",
                           most < 1e300
                               ? fmt::format("Use more than {} and at most {}", above, most)
                               : fmt::format("Use more than {}", above));
        }
        field = number;
      },
      [&field] { return fmt::format("{:g}", field); });
}

Option optional_number_option(Declared declared, std::optional<double>& field) {
  const std::string name = declared.name;
  return make(
      std::move(declared),
      [&field, name](const std::string& text) {
        const double number = parse_real(name, text);
        if (number < 0) throw UsageError("--" + name, text + " is negative", "Use 0 or more");
        field = number;
      },
      [&field] { return field ? fmt::format("{:g}", *field) : ""; });
}

Option selection_option(Declared declared, std::vector<std::string>& field) {
  Option option = make(
      std::move(declared),
      [&field](const std::string& text) {
        field.clear();  // what is given replaces a default
        for (const std::string& item : split_unescaped(text, ',')) {
          if (!item.empty()) field.push_back(item);
        }
      },
      [&field] { return fmt::format("{}", fmt::join(field, ",")); });
  option.list = true;
  return option;
}

Option list_option(Declared declared, std::vector<std::string>& field) {
  Option option = selection_option(std::move(declared), field);
  option.set = [&field, split = option.set](const std::string& text) {
    split(text);
    for (std::string& item : field) item = replaced(item, "\\,", ",");
  };
  option.get = [&field] {
    std::vector<std::string> items;
    for (const std::string& item : field) items.push_back(replaced(item, ",", "\\,"));
    return fmt::format("{}", fmt::join(items, ","));
  };
  return option;
}

}  // namespace explaind
