#include "training/decayed_parameters.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstddef>
#include <optional>
#include <regex>

#include "core/error.hpp"

namespace explaind {
namespace {

constexpr const char* option = "--decay-on";
constexpr const char* remedy =
    "Use matrices, all, or a regular expression of parameters' names, as '^(?!.*embed)' for all "
    "but "
    "embeddings";

std::regex expression_of(const std::string& word) {
  try {
    return std::regex(word, std::regex::ECMAScript);
  } catch (const std::regex_error& error) {
    throw UsageError(option, fmt::format("'{}' is no regular expression: {}", word, error.what()),
                     remedy);
  }
}

/// Some of the names that do, or do not, decay.
std::string examples(const std::vector<bool>& decays, bool wanted, const Model& model) {
  constexpr size_t most = 3;
  std::vector<std::string> names;
  size_t count = 0;
  for (size_t i = 0; i < decays.size(); ++i) {
    if (decays[i] == wanted && ++count <= most) names.push_back(model.parameters()[i].name);
  }
  return fmt::format("{}{}", fmt::join(names, ", "), count > most ? ", …" : "");
}

}  // namespace

DecayedParameters decayed_parameters(const std::string& word, const Model& model) {
  if (word.empty()) throw UsageError(option, "is empty", remedy);
  const bool matrices = word == "matrices", pattern = !matrices && word != "all";
  const std::optional<std::regex> expression =
      pattern ? std::optional(expression_of(word)) : std::nullopt;
  DecayedParameters decayed;
  size_t count = 0;
  for (const ParameterInfo& parameter : model.parameters()) {
    decayed.decays.push_back(pattern    ? std::regex_search(parameter.name, *expression)
                             : matrices ? parameter.shape.size() > 1
                                        : true);
    if (decayed.decays.back()) ++count;
  }
  if (!pattern) return decayed;
  const size_t all = decayed.decays.size();
  if (count == 0) {
    throw UsageError(option,
                     fmt::format("no parameter's name has '{}'; names are {}", word,
                                 examples(decayed.decays, false, model)),
                     remedy);
  }
  decayed.words = fmt::format("{} '{}' takes {} of {} tensors: {}", option, word, count, all,
                              examples(decayed.decays, true, model));
  if (count < all) decayed.words += "; not " + examples(decayed.decays, false, model);
  return decayed;
}

}  // namespace explaind
