// explaind report: a store as one page of HTML.

#include "report/report.hpp"

#include <fmt/format.h>

#include <chrono>
#include <optional>

#include "app/verbs.hpp"
#include "checkpoint/new_file.hpp"
#include "core/byte_size.hpp"
#include "core/error.hpp"

namespace explaind {

int run_report(const ReportOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  require_replaceable_report(options.output, options.overwrite);
  ReportRequest request{.store = options.store, .against = {}, .anonymous = options.anonymous};
  if (!options.against.empty()) request.against = options.against;
  const std::string page = report_page(request);
  write_text_file(options.output, page);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  fmt::print("Wrote {} ({}) in {}. Open it in a browser; it needs no network.\n", options.output,
             format_bytes(static_cast<double>(page.size())), format_duration(seconds.count()));
  return static_cast<int>(ExitCode::done);
}

}  // namespace explaind
