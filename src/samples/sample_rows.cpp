#include "samples/sample_rows.hpp"

#include <fmt/format.h>

#include <fstream>
#include <set>
#include <utility>

#include "core/error.hpp"
#include "core/file_kind.hpp"
#include "samples/arrow/arrow_rows.hpp"
#include "samples/table_folder.hpp"

namespace explaind {
namespace {

using nlohmann::json;

class JsonLines final : public SampleRows {
 public:
  explicit JsonLines(std::string file) : file_(std::move(file)), in_(file_) {
    if (!in_) throw DataError(file_, "cannot be read", "Check the path and its permissions");
  }

  std::optional<json> next() override {
    for (std::string text; std::getline(in_, text);) {
      ++line_;
      if (text.find_first_not_of(" \t\r") == std::string::npos) continue;
      if (line_ == 1) refuse_foreign_content(text, file_);
      return sample_row_of(text, where());
    }
    if (in_.bad()) throw DataError(file_, "reading failed", "Check the file system");
    return std::nullopt;
  }
  [[nodiscard]] std::string where() const override { return fmt::format("{}:{}", file_, line_); }
  [[nodiscard]] int64_t number() const override { return line_; }
  [[nodiscard]] std::string remedy_of_none() const override {
    return "Write one JSON object a line";
  }
  [[nodiscard]] PythonRows python() const override {
    return {.import = "", .rows = "map(json.loads, open(" + json(file_).dump() + "))"};
  }

 private:
  std::string file_;
  std::ifstream in_;
  int64_t line_ = 0;
};

}  // namespace

json sample_row_of(const std::string& text, const std::string& where) {
  json object;
  std::set<std::string> keys;
  std::string twice;
  const auto watch = [&](int depth, json::parse_event_t event, json& parsed) {
    const bool key = event == json::parse_event_t::key && depth == 1;
    if (key && !keys.insert(parsed.get<std::string>()).second) twice = parsed.get<std::string>();
    return true;
  };
  try {
    object = json::parse(text, watch);
  } catch (const json::exception& error) {
    throw DataError(where, std::string("not JSON: ") + error.what(),
                    "Write one JSON object a line");
  }
  if (!object.is_object()) {
    throw DataError(where, "not a JSON object", "Write {\"text\": …} or {\"input_ids\": …}");
  }
  if (!twice.empty()) {
    throw DataError(where, "the key '" + twice + "' is given twice", "Keep one of them");
  }
  return object;
}

std::unique_ptr<SampleRows> open_sample_rows(const std::filesystem::path& file) {
  if (std::filesystem::is_directory(file)) return open_table_folder(file);
  if (const auto form = arrow_form_of(file)) return open_arrow_rows(file, *form);
  return std::make_unique<JsonLines>(file.string());
}

}  // namespace explaind
