// CSV, JSON and NumPy's arrays: bytes one after the other.

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "app/csv_field.hpp"
#include "app/formats/npy.hpp"
#include "app/formats/result_words.hpp"
#include "app/formats/writers.hpp"

namespace explaind {
namespace {

class CsvWriter final : public ResultWriter {
 public:
  CsvWriter(const ResultHead& head, ByteOutput output, const LineStyle& style)
      : columns_(head.columns), output_(std::move(output)) {
    std::string line = style.mark ? "\xEF\xBB\xBF" : "";
    if (style.header) line += "# " + heading(head.result) + "\n";
    for (const auto& column : head.result.columns) line += csv_field(column.name) + ",";
    for (const std::string& name : count_columns(head.result)) line += name + ",";
    for (size_t i = 0; i < columns_.size(); ++i) {
      if (i > 0) line += ",";
      line += csv_field(columns_[i].name);
    }
    output_.write(line + "\n");
  }
  void write(const QueryResult& part) override {
    std::string lines;
    constexpr size_t at_once = size_t{1} << 20;
    for (size_t row = 0; row < part.values.size(); ++row) {
      for (const std::string& key : part.keys[row]) lines += csv_field(key) + ",";
      if (!part.counts.empty()) {
        for (const int64_t count : part.counts[row]) lines += fmt::format("{},", count);
      }
      for (size_t i = 0; i < columns_.size(); ++i) {
        lines += fmt::format("{}{}", i == 0 ? "" : ",", (part.*columns_[i].values)[row]);
      }
      lines += "\n";
      if (lines.size() < at_once) continue;
      output_.write(lines);
      lines.clear();
    }
    output_.write(lines);
  }
  void finish() override { output_.publish(); }

 private:
  std::vector<ValueColumn> columns_;
  ByteOutput output_;
};

class JsonWriter final : public ResultWriter {
 public:
  JsonWriter(const ResultHead& head, ByteOutput output, const LineStyle& style)
      : columns_(head.columns), output_(std::move(output)), header_(style.header) {
    if (!header_) {
      output_.write("[");
      return;
    }
    nlohmann::ordered_json said{{"heading", heading(head.result)}};
    said.update(nlohmann::ordered_json::parse(json_statement(head.result)));
    std::string text = said.dump();
    text.pop_back();
    output_.write(text + ",\n\"rows\": [");
  }
  void write(const QueryResult& part) override {
    const std::vector<std::string> counted = count_columns(part);
    for (size_t row = 0; row < part.values.size(); ++row) {
      std::string text = any_ ? ",\n  " : "\n  ";
      text += nested(object_of(part, counted, row).dump(2));
      any_ = true;
      output_.write(text);
    }
  }
  void finish() override {
    output_.write(any_ ? "\n]" : "]");
    output_.write(header_ ? "}\n" : "\n");
    output_.publish();
  }

 private:
  [[nodiscard]] nlohmann::ordered_json object_of(const QueryResult& part,
                                                 const std::vector<std::string>& counted,
                                                 size_t row) const {
    nlohmann::ordered_json object;
    for (size_t c = 0; c < part.columns.size(); ++c) {
      const std::string& key = part.keys[row][c];
      if (part.columns[c].number) {
        object[part.columns[c].name] = std::stoll(key);
      } else {
        object[part.columns[c].name] = key;
      }
    }
    for (size_t i = 0; i < counted.size(); ++i) object[counted[i]] = part.counts[row][i];
    for (const ValueColumn& column : columns_) object[column.name] = (part.*column.values)[row];
    return object;
  }
  /// Text of several lines, further to the right.
  static std::string nested(std::string text) {
    for (size_t at = 0; (at = text.find('\n', at)) != std::string::npos; at += 3) {
      text.insert(at + 1, "  ");
    }
    return text;
  }

  std::vector<ValueColumn> columns_;
  ByteOutput output_;
  bool header_, any_ = false;
};

class NpyWriter final : public ResultWriter {
 public:
  NpyWriter(const ResultHead& head, ByteOutput output) : output_(std::move(output)) {
    output_.write(npy_header(head.result.shape));
  }
  void write(const QueryResult& part) override {
    output_.write(
        {reinterpret_cast<const char*>(part.values.data()), part.values.size() * sizeof(double)});
  }
  void finish() override { output_.publish(); }

 private:
  ByteOutput output_;
};

}  // namespace

std::unique_ptr<ResultWriter> csv_writer(const ResultHead& head, ByteOutput output,
                                         const LineStyle& style) {
  return std::make_unique<CsvWriter>(head, std::move(output), style);
}

std::unique_ptr<ResultWriter> json_writer(const ResultHead& head, ByteOutput output,
                                          const LineStyle& style) {
  return std::make_unique<JsonWriter>(head, std::move(output), style);
}

std::unique_ptr<ResultWriter> npy_writer(const ResultHead& head, ByteOutput output) {
  return std::make_unique<NpyWriter>(head, std::move(output));
}

}  // namespace explaind
