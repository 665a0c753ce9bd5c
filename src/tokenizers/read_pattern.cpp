#include "tokenizers/read_pattern.hpp"

#include <fmt/format.h>

#include <stdexcept>

namespace explaind {

Pattern read_pattern(const JsonPart& part) {
  part.allow_only({"String", "Regex"});
  if (part.value().size() != 1) part.refuse("must hold either String or Regex");
  const bool expression = part.value().contains("Regex");
  const JsonPart inside = part.at(expression ? "Regex" : "String");
  const std::string text = inside.text();
  if (text.empty()) inside.refuse("is empty, which is not covered");
  try {
    return expression ? Pattern::of_expression(text) : Pattern::of_text(text);
  } catch (const std::invalid_argument& error) {
    inside.refuse(std::string(error.what()).starts_with("is broken")
                      ? error.what()
                      : fmt::format("holds {}", error.what()));
  }
}

std::vector<MatchedPart> parts_of(const Pattern& pattern, std::string_view text,
                                  const JsonPlace& place) {
  try {
    return pattern.parts(text);
  } catch (const std::runtime_error& error) {
    place.refuse(fmt::format("takes too long on a text ({})", error.what()));
  }
}

}  // namespace explaind
