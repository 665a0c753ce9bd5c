#include "samples/functional.hpp"

#include <map>
#include <sstream>
#include <vector>

#include "samples/functionals/functionals.hpp"

namespace explaind {
namespace {

/// Every functional there is, by the word that it begins with.
const std::map<std::string, Functional (*)(const FunctionalWords&)>& readers() {
  static const std::map<std::string, Functional (*)(const FunctionalWords&)> all{
      {"loss", read_loss},
      {"loss_sum", read_loss_sum},
      {"logit", read_logit},
      {"logit_diff", read_logit_difference},
      {"logprob", read_log_probability},
      {"logprob_diff", read_log_probability_difference},
      {"activation", read_activation}};
  return all;
}

}  // namespace

int64_t FunctionalDefinition::predicted_at(const Sample& /*sample*/, int64_t /*t*/) const {
  return ignored_label;
}

double FunctionalDefinition::weight(const Sample& /*sample*/) const { return 1; }

Functional::Functional() : Functional(loss()) {}

Functional Functional::loss() { return parse_functional("loss"); }

Functional Functional::loss_sum() { return parse_functional("loss_sum"); }

Functional parse_functional(const std::string& text) {
  FunctionalWords words{.text = text, .after = {}};
  std::istringstream stream(text);
  std::string first;
  std::getline(stream, first, ':');
  for (std::string word; std::getline(stream, word, ':');) words.after.push_back(word);
  if (text.empty() || text.back() == ':' || !readers().contains(first)) words.refuse();
  return readers().at(first)(words);
}

}  // namespace explaind
