#include "app/exactness_table.hpp"

#include <fmt/format.h>

#include <iterator>

namespace explaind {
namespace {

std::string head() {
  return fmt::format("{:>7}  {:<14} {:>9} {:>11} {:>12} {:>12} {:>10}\n", "steps", "rule",
                     "accuracy", "KL", "max |error|", "evaluations", "seconds");
}

std::string row(const ExactnessLine& line) {
  return fmt::format("{:>7}  {:<14} {:>9.4f} {:>11.2e} {:>12.2e} {:>12.2f} {:>10.1f}\n", line.steps,
                     line.rule, line.agreement.accuracy, line.agreement.divergence,
                     line.agreement.largest_error, line.evaluations, line.seconds);
}

std::string sparsity_text(const Exactness& study) {
  std::string text = fmt::format(
      "\nFrom some of the steps, those with the largest change first\n"
      "{:>7}  {:>7} {:>14} {:>9} {:>11} {:>12}\n",
      "kept", "steps", "of Σ|change|", "accuracy", "KL", "max |error|");
  for (const SparseReconstruction& each : study.sparsity) {
    text += fmt::format("{:>5.0f} %  {:>7} {:>14.4f} {:>9.4f} {:>11.2e} {:>12.2e}\n",
                        100 * each.kept, each.steps, each.change, each.agreement.accuracy,
                        each.agreement.divergence, each.agreement.largest_error);
  }
  return text;
}

nlohmann::json json_of(const Agreement& agreement) {
  return {{"accuracy", agreement.accuracy},
          {"kl", agreement.divergence},
          {"largest_error", agreement.largest_error}};
}

}  // namespace

std::string exactness_text(const Exactness& study) {
  const int64_t last = study.lines.back().steps;
  std::string text = "Reconstructed against the model's predictions\n" + head(), along;
  int64_t missed = 0;
  for (const ExactnessLine& line : study.lines) {
    (line.steps == last ? text : along) += row(line);
    if (line.steps == last) missed += line.missed;
  }
  text +=
      "KL in nats; error of a logit; evaluations of all outputs' derivatives, a step and sample; "
      "seconds in the rule, of all ranks\n";
  if (!along.empty()) text += "\nAlong the way\n" + head() + along;
  text += fmt::format(
      "\nRounding of the recorded updates, which no rule accounts for: {:.1e} of any logit in "
      "all\n",
      study.largest_rounding);
  if (missed > 0) {
    text += fmt::format("{} (step, sample) pairs missed the tolerance at the cap of evaluations\n",
                        missed);
  }
  if (!study.sparsity.empty()) text += sparsity_text(study);
  return text;
}

std::string exactness_csv(const Exactness& study) {
  std::string text = "steps,rule,accuracy,kl,largest_error,evaluations,seconds,missed\n";
  for (const ExactnessLine& line : study.lines) {
    text += fmt::format("{},{},{},{},{},{},{},{}\n", line.steps, line.rule, line.agreement.accuracy,
                        line.agreement.divergence, line.agreement.largest_error, line.evaluations,
                        line.seconds, line.missed);
  }
  return text;
}

nlohmann::json exactness_json(const Exactness& study, const nlohmann::json& about) {
  nlohmann::json json = about;
  json["lines"] = nlohmann::json::array();
  for (const ExactnessLine& line : study.lines) {
    nlohmann::json entry = json_of(line.agreement);
    entry.update({{"steps", line.steps},
                  {"rule", line.rule},
                  {"evaluations", line.evaluations},
                  {"seconds", line.seconds},
                  {"missed", line.missed}});
    json["lines"].push_back(std::move(entry));
  }
  json["sparsity"] = nlohmann::json::array();
  for (const SparseReconstruction& each : study.sparsity) {
    nlohmann::json entry = json_of(each.agreement);
    entry.update({{"kept", each.kept}, {"steps", each.steps}, {"change", each.change}});
    json["sparsity"].push_back(std::move(entry));
  }
  json["largest_rounding"] = study.largest_rounding;
  return json;
}

}  // namespace explaind
