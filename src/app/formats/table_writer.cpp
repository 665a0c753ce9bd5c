// Parquet and Arrow: the columns of CSV, typed.

#include <utility>

#include "app/formats/result_words.hpp"
#include "app/formats/writers.hpp"
#include "checkpoint/new_place.hpp"

namespace explaind {
namespace {

class TableWriter final : public ResultWriter {
 public:
  TableWriter(const ResultHead& head, const std::filesystem::path& output, TableFile::Form form)
      : columns_(head.columns),
        place_(output, NewPlace::Kind::file),
        file_(place_.unfinished(), form, named(head.result), notes(head), output) {}

  void write(const QueryResult& part) override {
    for (size_t begin = 0; begin < part.values.size(); begin += rows_at_once) {
      file_.append(rows(part, begin, std::min(part.values.size(), begin + rows_at_once)));
    }
  }
  void finish() override {
    file_.finish();
    place_.publish();
  }

 private:
  static constexpr size_t rows_at_once = size_t{1} << 17;  ///< of a row group

  [[nodiscard]] std::vector<std::pair<std::string, TableColumn>> named(
      const QueryResult& head) const {
    std::vector<std::pair<std::string, TableColumn>> columns;
    for (const QueryResult::Column& each : head.columns) {
      columns.emplace_back(each.name, each.number ? TableColumn(std::vector<int64_t>{})
                                                  : TableColumn(std::vector<std::string>{}));
    }
    for (const std::string& name : count_columns(head)) {
      columns.emplace_back(name, std::vector<int64_t>{});
    }
    for (const ValueColumn& each : columns_) columns.emplace_back(each.name, std::vector<double>{});
    return columns;
  }
  static std::vector<std::pair<std::string, std::string>> notes(const ResultHead& head) {
    return {{"heading", heading(head.result)},
            {"statement", json_statement(head.result)},
            {"store", head.store}};
  }

  [[nodiscard]] std::vector<TableColumn> rows(const QueryResult& part, size_t begin,
                                              size_t end) const {
    std::vector<TableColumn> columns;
    for (size_t c = 0; c < part.columns.size(); ++c) {
      std::vector<std::string> texts;
      std::vector<int64_t> numbers;
      for (size_t row = begin; row < end; ++row) {
        if (part.columns[c].number) {
          numbers.push_back(std::stoll(part.keys[row][c]));
        } else {
          texts.push_back(part.keys[row][c]);
        }
      }
      columns.push_back(part.columns[c].number ? TableColumn(std::move(numbers))
                                               : TableColumn(std::move(texts)));
    }
    for (size_t i = 0; i < count_columns(part).size(); ++i) {
      std::vector<int64_t> counts;
      for (size_t row = begin; row < end; ++row) counts.push_back(part.counts[row][i]);
      columns.emplace_back(std::move(counts));
    }
    for (const ValueColumn& each : columns_) {
      const std::vector<double>& values = part.*each.values;
      columns.emplace_back(std::vector<double>(values.begin() + static_cast<std::ptrdiff_t>(begin),
                                               values.begin() + static_cast<std::ptrdiff_t>(end)));
    }
    return columns;
  }

  std::vector<ValueColumn> columns_;
  NewPlace place_;
  TableFile file_;
};

}  // namespace

std::unique_ptr<ResultWriter> table_writer(const ResultHead& head,
                                           const std::filesystem::path& output,
                                           TableFile::Form form) {
  return std::make_unique<TableWriter>(head, output, form);
}

}  // namespace explaind
