#pragma once
// A store as one page of HTML that needs nothing else: what was explained, how exactly, and what
// did it.

#include <filesystem>
#include <optional>
#include <string>

namespace explaind {

struct ReportRequest {
  std::filesystem::path store;
  std::optional<std::filesystem::path> against;  ///< a second one, shown beside it
  bool anonymous = false;                        ///< without host names, paths, ids and texts
};

/// The page. Throws DataError: no store, damaged, nothing in it is committed, or two that cannot be
/// compared.
std::string report_page(const ReportRequest& request);

/// How every report begins, so that nothing else is ever taken for one.
inline constexpr const char* report_mark = "<!doctype html><!-- ExPLAIND report -->";

/// Throws DataError where a file is there and may not be replaced: `overwrite` is not set, or it is
/// no report.
void require_replaceable_report(const std::filesystem::path& path, bool overwrite);
/// The same of a figure.
void require_replaceable_figure(const std::filesystem::path& path, bool overwrite);

}  // namespace explaind
