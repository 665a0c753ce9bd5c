#include "app/inspect_check.hpp"

#include <fmt/format.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "app/listening.hpp"
#include "checkpoint/series.hpp"
#include "core/error.hpp"
#include "doctor/check_series.hpp"
#include "doctor/report_forms.hpp"

namespace explaind {

int inspect_check(const InspectOptions& options, const Communicator& world) {
  const NameRules rules = name_rules(options.phases, options.series_seed, options.step_pattern);
  const auto start = std::chrono::steady_clock::now();
  TerminalListener listener;
  const CheckReport report = check_series(options.path, rules, world, listener);
  if (world.rank() == 0) {
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    if (options.json) {
      fmt::print("{}\n",
                 report_json(report, options.path)
                     .dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
    } else {
      fmt::print("{}", report_table(report, options.path, seconds.count()));
    }
  }
  return static_cast<int>(report.findings.empty() ? ExitCode::done : ExitCode::failure);
}

}  // namespace explaind
