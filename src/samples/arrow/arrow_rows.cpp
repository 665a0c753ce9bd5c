#include "samples/arrow/arrow_rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>
#include <vector>

#include "core/error.hpp"
#include "samples/sample_columns.hpp"
#include "tables/arrow_library.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;

const char* words_of(ExplaindArrowForm form) {
  return form == explaind_parquet ? "Parquet" : "Arrow";
}

/// The rows as a table of pandas.
const char* as_pandas(ExplaindArrowForm form) {
  switch (form) {
    case explaind_parquet:
      return "pyarrow.parquet.read_table(FILE).to_pandas()";
    case explaind_ipc_file:
      return "pyarrow.ipc.open_file(FILE).read_pandas()";
    case explaind_ipc_stream:
      break;
  }
  return "pyarrow.ipc.open_stream(FILE).read_pandas()";
}

/// The way to lines of JSON.
std::string as_json_lines(ExplaindArrowForm form) {
  return fmt::format(
      "or write JSON Lines of it with Python: {}.to_json(\"samples.jsonl\", orient=\"records\", "
      "lines=True)",
      as_pandas(form));
}

const ExplaindArrow& arrow_functions(const std::string& file, ExplaindArrowForm form) {
  return arrow_library(file, fmt::format("is a file of {}", words_of(form)), as_json_lines(form));
}

class ArrowRows final : public SampleRows {
 public:
  ArrowRows(std::string file, ExplaindArrowForm form)
      : file_(std::move(file)), form_(form), arrow_(arrow_functions(file_, form)) {
    rows_ = {arrow_.open(file_.c_str(), form), arrow_.close};
    if (rows_ == nullptr) fail(file_);
    select();
  }

  [[nodiscard]] std::vector<ArrowColumn> columns() const {
    std::vector<ArrowColumn> found;
    for (size_t i = 0; i < arrow_.columns(rows_.get()); ++i) {
      found.push_back({arrow_.column(rows_.get(), i), arrow_.type(rows_.get(), i)});
    }
    return found;
  }

  std::optional<nlohmann::json> next() override {
    const char* text = nullptr;
    size_t length = 0;
    const int found = arrow_.next(rows_.get(), &text, &length);
    if (found < 0) fail(number_ == 0 ? file_ : fmt::format("{}, after row {}", file_, number_));
    if (found == 0) return std::nullopt;
    ++number_;
    return sample_row_of({text, length}, where());
  }
  [[nodiscard]] std::string where() const override {
    return fmt::format("{}, row {}", file_, number_);
  }
  [[nodiscard]] int64_t number() const override { return number_; }
  [[nodiscard]] std::string remedy_of_none() const override { return "Write a row a sample"; }
  [[nodiscard]] PythonRows python() const override {
    const std::string quoted = nlohmann::json(file_).dump();
    switch (form_) {
      case explaind_parquet:
        return {.import = "pyarrow.parquet",
                .rows = "pyarrow.parquet.read_table(" + quoted + ").to_pylist()"};
      case explaind_ipc_file:
        return {.import = "pyarrow.ipc",
                .rows = "pyarrow.ipc.open_file(" + quoted + ").read_all().to_pylist()"};
      case explaind_ipc_stream:
        break;
    }
    return {.import = "pyarrow.ipc",
            .rows = "pyarrow.ipc.open_stream(" + quoted + ").read_all().to_pylist()"};
  }

 private:
  [[noreturn]] void fail(const std::string& where) const {
    throw DataError(where, fmt::format("cannot be read as {}: {}", words_of(form_), arrow_.error()),
                    "Download or write it again, " + as_json_lines(form_));
  }

  /// What is needed of the columns: a conversation only where there is nothing else to read.
  void select() {
    std::vector<std::string> names;
    for (size_t i = 0; i < arrow_.columns(rows_.get()); ++i) {
      names.emplace_back(arrow_.column(rows_.get(), i));
    }
    const bool chat = std::none_of(names.begin(), names.end(), [](const std::string& name) {
      return name == "text" || name == "input_ids";
    });
    std::vector<size_t> wanted;
    for (size_t i = 0; i < names.size(); ++i) {
      if (may_matter(names[i]) || (chat && names[i] == "messages")) wanted.push_back(i);
    }
    arrow_.select(rows_.get(), wanted.data(), wanted.size());
  }

  std::string file_;
  ExplaindArrowForm form_;
  const ExplaindArrow& arrow_;
  std::unique_ptr<ExplaindArrowFile, void (*)(ExplaindArrowFile*)> rows_{nullptr, nullptr};
  int64_t number_ = 0;
};

}  // namespace

std::optional<ExplaindArrowForm> arrow_form(std::string_view content, const std::string& name) {
  if (content.starts_with("PAR1")) return explaind_parquet;
  if (content.starts_with("ARROW1")) return explaind_ipc_file;
  // A stream's first message begins with a marker and the message's length, which is a multiple of
  // eight.
  if (content.size() >= 8 && content.starts_with("\xff\xff\xff\xff") && content[7] == 0 &&
      static_cast<unsigned char>(content[4]) % 8 == 0) {
    return explaind_ipc_stream;
  }
  if (content.starts_with("PARE")) {
    throw DataError(name, "is an encrypted Parquet file", "Write it again without encryption");
  }
  if (content.starts_with("FEA1")) {
    throw DataError(name,
                    "is a file of Feather's first version, which Arrow's libraries read no more",
                    "Read it with the program that wrote it, and write Parquet or JSON Lines");
  }
  return std::nullopt;
}

std::optional<ExplaindArrowForm> arrow_form_of(const fs::path& file) {
  std::string head(16, '\0');
  std::ifstream in(file, std::ios::binary);
  in.read(head.data(), static_cast<std::streamsize>(head.size()));
  head.resize(static_cast<size_t>(in.gcount()));
  return arrow_form(head, file.string());
}

std::unique_ptr<SampleRows> open_arrow_rows(const fs::path& file, ExplaindArrowForm form) {
  return std::make_unique<ArrowRows>(file.string(), form);
}

std::vector<ArrowColumn> arrow_columns(const fs::path& file, ExplaindArrowForm form) {
  return ArrowRows(file.string(), form).columns();
}

}  // namespace explaind
