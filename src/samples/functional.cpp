#include "samples/functional.hpp"

#include <fmt/format.h>

#include <charconv>
#include <map>
#include <sstream>
#include <vector>

#include "core/error.hpp"

namespace explaind {
namespace {

constexpr const char* choices =
    "Use loss, loss_sum, logit:POS:TOKEN, logit_diff:POS:A:B, logprob:POS:TOKEN or "
    "activation:BLOCK:POS:INDEX of a language model; loss, logit, logit:CLASS, logit_diff:A:B, "
    "logprob:CLASS, activation:WEIGHT or activation:WEIGHT:INDEX of a classifier";

[[noreturn]] void refuse(const std::string& problem) {
  throw UsageError("--functional", problem, choices);
}

int64_t number(const std::string& word, const std::string& text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc() || end != word.data() + word.size() || word.empty()) {
    refuse(fmt::format("'{}': '{}' is no number", text, word));
  }
  return value;
}

int64_t class_number(const std::string& word, const std::string& text) {
  if (word == "label") return Functional::own_label;
  const int64_t value = number(word, text);
  if (value < 0) refuse(fmt::format("'{}': there is no {}", text, value));
  return value;
}

/// BLOCK, POS, INDEX; or WEIGHT; or WEIGHT, INDEX.
Functional activation(const std::vector<std::string>& words, const std::string& text) {
  Functional functional = Functional::activation;
  if ((words.size() == 1 || words.size() == 2) && !words[0].empty()) {
    functional.layer = words[0];
    functional.first = words.size() == 1 ? Functional::every_class : number(words[1], text);
    return functional;
  }
  if (words.size() != 3) refuse("'" + text + "' is not available");
  functional.positioned = true;
  functional.first = number(words[0], text);
  functional.position = number(words[1], text);
  functional.second = number(words[2], text);
  return functional;
}

void require_below(int64_t value, int64_t count, const char* what) {
  if (value < 0 || value >= count) refuse(fmt::format("{} {} of {}", what, value, count));
}

}  // namespace

Functional parse_functional(const std::string& text) {
  static const std::map<std::string, Functional::Kind> kinds{
      {"loss", Functional::loss},       {"loss_sum", Functional::loss_sum},
      {"logit", Functional::logit},     {"logit_diff", Functional::logit_diff},
      {"logprob", Functional::logprob}, {"activation", Functional::activation}};
  std::vector<std::string> words;
  std::istringstream stream(text);
  for (std::string word; std::getline(stream, word, ':');) words.push_back(word);
  if (words.empty() || text.back() == ':' || !kinds.contains(words[0])) {
    refuse("'" + text + "' is not available");
  }
  Functional functional = kinds.at(words[0]);
  const size_t wanted = functional.kind == Functional::logit_diff ? 2
                        : words[0].starts_with("loss")            ? 0
                                                                  : 1;
  words.erase(words.begin());
  if (words.empty() && functional.kind == Functional::logit) {
    functional.first = Functional::every_class;
    return functional;
  }
  if (functional.kind == Functional::activation) return activation(words, text);
  functional.positioned = wanted > 0 && words.size() == wanted + 1;
  if (functional.positioned) {
    functional.position = number(words[0], text);
    words.erase(words.begin());
  }
  if (words.size() != wanted) refuse("'" + text + "' is not available");
  if (wanted > 0) functional.first = class_number(words[0], text);
  if (wanted > 1) functional.second = class_number(words[1], text);
  return functional;
}

void require_of_language_model(const Functional& functional, int64_t vocabulary, int64_t blocks,
                               int64_t width) {
  if (functional.kind == Functional::loss || functional.kind == Functional::loss_sum) return;
  if (functional.kind == Functional::activation && functional.positioned) {
    require_below(functional.first, blocks, "block");
    require_below(functional.second, width, "coordinate");
    return;
  }
  if (!functional.positioned || functional.first < 0 || functional.second < 0) {
    refuse("this one is of a classifier; of a language model say position and token ids");
  }
  require_below(functional.first, vocabulary, "token");
  require_below(functional.second, vocabulary, "token");
}

void require_of_classifier(const Functional& functional, int64_t classes) {
  if (functional.kind == Functional::loss) return;
  if (functional.positioned || functional.kind == Functional::loss_sum) {
    refuse("this one is of a language model");
  }
  if (functional.kind == Functional::activation) {
    if (functional.first != Functional::every_class) {
      require_below(functional.first, classes, "coordinate");
    }
    return;
  }
  for (const int64_t each : {functional.first, functional.second}) {
    if (each >= 0) require_below(each, classes, "class");
  }
}

}  // namespace explaind
