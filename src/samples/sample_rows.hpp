#pragma once
// The rows of a sample file, whatever its format: an object of columns each.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace explaind {

/// The same rows in Python, for remedies: what is imported besides json and transformers, and an
/// expression that gives dictionaries.
struct PythonRows {
  std::string import, rows;
};

class SampleRows {
 public:
  virtual ~SampleRows() = default;
  /// The next row; nothing after the last one. Throws DataError naming file and row where it cannot
  /// be read, or has a column twice.
  virtual std::optional<nlohmann::json> next() = 0;
  /// The row that next() gave: how messages name it, and its number, from 1.
  [[nodiscard]] virtual std::string where() const = 0;
  [[nodiscard]] virtual int64_t number() const = 0;
  /// What to do where there is no row at all.
  [[nodiscard]] virtual std::string remedy_of_none() const = 0;
  [[nodiscard]] virtual PythonRows python() const = 0;
};

/// Opens a file of JSON Lines, Parquet or Arrow (a file or a stream, as .arrow files of Hub
/// datasets are), by what its first bytes say; or a folder of Parquet or Arrow files as one table
/// (table_folder.hpp). Throws DataError where it cannot be read or is of another kind.
std::unique_ptr<SampleRows> open_sample_rows(const std::filesystem::path& file);

/// An object written as JSON. JSON's own reader would keep either value of a key that is given
/// twice. Throws DataError with `where`.
nlohmann::json sample_row_of(const std::string& text, const std::string& where);

}  // namespace explaind
