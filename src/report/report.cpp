#include "report/report.hpp"

#include <fmt/format.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/revision.hpp"
#include "figures/figure.hpp"
#include "report/comparison.hpp"
#include "report/page.hpp"
#include "report/section.hpp"

namespace explaind {
namespace {

using nlohmann::json;

bool ends_with(std::string_view name, std::string_view ending) { return name.ends_with(ending); }

std::string_view page_file(std::string_view name) {
  for (const PageFile& file : page_files()) {
    if (file.name == name) return file.text;
  }
  return "";
}

/// All files of an ending, one after another.
std::string all_of(std::string_view ending) {
  std::string text;
  for (const PageFile& file : page_files()) {
    if (ends_with(file.name, ending)) text.append(file.text).append("\n");
  }
  return text;
}

json data_of(const ReportSource& source) {
  json data = json::object();
  for (const Section& section : sections()) {
    json made = section.make(source);
    if (!made.is_null()) data[section.name] = std::move(made);
  }
  return data;
}

/// JSON inside an element `script`, which `</script` in a name would end.
std::string script_text(const json& data) {
  const std::string text = data.dump(-1, ' ', false, json::error_handler_t::replace);
  std::string safe;
  safe.reserve(text.size());
  for (const char c : text) {
    if (c == '<') {
      safe += "\\u003c";
    } else {
      safe += c;
    }
  }
  return safe;
}

/// The template with {{NAME}} replaced; what is put in is not looked at again.
std::string filled(std::string_view text,
                   const std::vector<std::pair<std::string, std::string>>& values) {
  std::string page;
  while (true) {
    const size_t begin = text.find("{{");
    page.append(text.substr(0, begin));
    if (begin == std::string_view::npos) return page;
    const size_t end = text.find("}}", begin);
    const std::string_view name = text.substr(begin + 2, end - begin - 2);
    for (const auto& [key, value] : values) {
      if (key == name) page += value;
    }
    text.remove_prefix(end + 2);
  }
}

/// A kind of file that this program makes, and the option that names it.
struct OwnFile {
  std::string what, mark, option;
};

void require_replaceable(const std::filesystem::path& path, bool overwrite, const OwnFile& kind) {
  if (!std::filesystem::exists(path)) return;
  if (!std::filesystem::is_regular_file(path)) {
    // A device or a pipe is written into, as query does; a folder is none.
    if (!std::filesystem::is_directory(path)) return;
    throw DataError(path.string(), "is a folder", "Name a file in it: --output FOLDER/report.html");
  }
  if (!overwrite) {
    throw DataError(path.string(), "exists",
                    "Use --overwrite to replace it, or another " + kind.option);
  }
  std::string begin(kind.mark.size(), '\0');
  std::ifstream(path, std::ios::binary)
      .read(begin.data(), static_cast<std::streamsize>(begin.size()));
  if (begin != kind.mark) {
    throw DataError(path.string(), "is no " + kind.what + ", so --overwrite does not replace it",
                    "Remove it, or choose another " + kind.option);
  }
}

}  // namespace

std::string report_page(const ReportRequest& request) {
  const ReportSource source(request.store, request.anonymous);
  json compared;
  if (request.against) compared = compare(request.store, *request.against, request.anonymous);
  json data = data_of(source);
  if (!compared.is_null()) data["comparison"] = std::move(compared);
  data["page"] = {{"revision", revision()}};
  return filled(page_file("page.html"), {{"mark", report_mark},
                                         {"styles", all_of(".css")},
                                         {"scripts", all_of(".js")},
                                         {"licences", std::string(page_file("licences.txt"))},
                                         {"data", script_text(data)}});
}

void require_replaceable_report(const std::filesystem::path& path, bool overwrite) {
  require_replaceable(path, overwrite,
                      {.what = "report", .mark = report_mark, .option = "--output"});
}

void require_replaceable_figure(const std::filesystem::path& path, bool overwrite) {
  require_replaceable(path, overwrite,
                      {.what = "figure of a report", .mark = figure_mark, .option = "--figures"});
}

}  // namespace explaind
