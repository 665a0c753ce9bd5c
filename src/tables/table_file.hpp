#pragma once
// Parquet and Arrow files, written.

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "tables/plugin.hpp"

namespace explaind {

/// The rows of a column: texts of UTF-8 without a NUL, whole numbers, or numbers.
using TableColumn =
    std::variant<std::vector<std::string>, std::vector<int64_t>, std::vector<double>>;

/// A table that rows are added to. What was written of it stays where finish() was not reached: who
/// names the file removes it.
class TableFile {
 public:
  enum class Form { parquet, arrow };
  /// Columns by name and kind; what stands in the lists is not looked at. notes: the table's own
  /// metadata, name and text. Throws DataError where Apache Arrow is not there, or the file cannot
  /// be written. shown: the name of the file in messages.
  TableFile(const std::filesystem::path& path, Form form,
            const std::vector<std::pair<std::string, TableColumn>>& columns,
            const std::vector<std::pair<std::string, std::string>>& notes,
            const std::filesystem::path& shown);
  ~TableFile();
  TableFile(const TableFile&) = delete;
  TableFile& operator=(const TableFile&) = delete;

  /// As many rows of every column, in their order.
  void append(const std::vector<TableColumn>& columns);
  void finish();

 private:
  [[noreturn]] void fail() const;

  std::string shown_;
  const ExplaindArrow* arrow_;
  ExplaindArrowTable* table_ = nullptr;
};

}  // namespace explaind
