// explaind report: a store as one page of HTML, and its main figures as SVG.

#include "report/report.hpp"

#include <fmt/format.h>

#include <chrono>
#include <optional>

#include "app/verbs.hpp"
#include "checkpoint/new_file.hpp"
#include "core/byte_size.hpp"
#include "core/error.hpp"
#include "report/store_figures.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;

fs::path file_of(const fs::path& folder, const NamedFigure& figure) {
  return folder / (figure.name + ".svg");
}

/// Of the first store; none where no folder is named. Throws before anything is written.
std::vector<NamedFigure> make_figures(const ReportOptions& options) {
  if (options.figures.empty()) return {};
  if (!options.against.empty()) {
    throw UsageError("--figures", "is of one store, and two are given",
                     "Ask for the figures of each store alone");
  }
  std::vector<NamedFigure> figures = store_figures(options.store, options.anonymous);
  std::error_code failed;
  if (fs::exists(options.figures, failed) && !fs::is_directory(options.figures)) {
    throw DataError(options.figures, "is no folder", "--figures names a folder for SVG files");
  }
  fs::create_directories(options.figures, failed);
  if (failed) {
    throw DataError(options.figures, "cannot be made: " + failed.message(),
                    "--figures names a folder for SVG files");
  }
  for (const NamedFigure& figure : figures) {
    require_replaceable_figure(file_of(options.figures, figure), options.overwrite);
  }
  return figures;
}

}  // namespace

int run_report(const ReportOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  require_replaceable_report(options.output, options.overwrite);
  ReportRequest request{.store = options.store, .against = {}, .anonymous = options.anonymous};
  if (!options.against.empty()) request.against = options.against;
  const std::string page = report_page(request);
  const std::vector<NamedFigure> figures = make_figures(options);
  write_text_file(options.output, page);
  for (const NamedFigure& figure : figures) {
    write_text_file(file_of(options.figures, figure), figure.svg);
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  fmt::print("Wrote {} ({}) in {}. Open it in a browser; it needs no network.\n", options.output,
             format_bytes(static_cast<double>(page.size())), format_duration(seconds.count()));
  if (!options.figures.empty()) {
    std::string names;
    for (const NamedFigure& figure : figures) names += (names.empty() ? "" : ", ") + figure.name;
    fmt::print("{} figures as SVG in {}: {}.\n", figures.size(), options.figures, names);
  }
  return static_cast<int>(ExitCode::done);
}

}  // namespace explaind
