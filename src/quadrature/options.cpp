#include "quadrature/options.hpp"

#include <charconv>
#include <cmath>

#include "core/counted.hpp"
#include "core/error.hpp"

namespace explaind {
namespace {

using Rule = QuadratureOptions::Rule;

constexpr int most_gauss_nodes = 1000;  // Newton's zeros and weights are tested up to here
constexpr int most_midpoint_nodes = 1000000;
constexpr const char* choices =
    "Use adaptive, gauss:N (N from 1 to 1000) or midpoint:N (N from 1 to 1000000)";

void need_tolerance(const char* option, double value) {
  if (!std::isfinite(value) || value < 0) {
    throw UsageError(option, std::to_string(value) + " is not a tolerance",
                     "Give a finite number that is not negative");
  }
}

}  // namespace

void parse_quadrature(const std::string& text, QuadratureOptions& options) {
  if (text == "adaptive") {
    options.rule = Rule::adaptive;
    options.nodes = 0;
    return;
  }
  const size_t colon = text.find(':');
  const std::string name = text.substr(0, colon);
  int nodes = 0;
  if (colon != std::string::npos) {
    const char* end = text.data() + text.size();
    const auto [stop, failure] = std::from_chars(text.data() + colon + 1, end, nodes);
    if (failure != std::errc{} || stop != end) nodes = 0;
  }
  const int most = name == "gauss" ? most_gauss_nodes : most_midpoint_nodes;
  if ((name != "gauss" && name != "midpoint") || nodes < 1 || nodes > most) {
    throw UsageError("--quadrature", "cannot read '" + text + "'", choices);
  }
  options.rule = name == "gauss" ? Rule::gauss : Rule::midpoint;
  options.nodes = nodes;
}

void check_quadrature(const QuadratureOptions& options) {
  if (options.rule != Rule::adaptive) {
    const int most = options.rule == Rule::gauss ? most_gauss_nodes : most_midpoint_nodes;
    if (options.nodes < 1 || options.nodes > most) {
      throw UsageError("--quadrature", counted(options.nodes, "node"), choices);
    }
    return;
  }
  need_tolerance("--tolerance", options.relative);
  need_tolerance("--absolute-tolerance", options.absolute);
  if (options.first_nodes != 3 && options.first_nodes != 5 && options.first_nodes != 9) {
    throw UsageError("--first-nodes",
                     std::to_string(options.first_nodes) + " is no level to begin with",
                     "Use 3, 5 or 9");
  }
  bool level = false;
  for (int n = 9; n <= 129; n = 2 * n - 1) level = level || n == options.max_nodes;
  if (!level) {
    throw UsageError("--max-nodes",
                     std::to_string(options.max_nodes) + " is not a level of the nested rule",
                     "Use 9, 17, 33, 65 or 129");
  }
  if (options.max_kink_nodes < 17) {
    throw UsageError("--max-kink-nodes",
                     std::to_string(options.max_kink_nodes) +
                         " is less than what is spent before bisection starts",
                     "Use 17 or more");
  }
}

}  // namespace explaind
