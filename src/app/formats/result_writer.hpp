#pragma once
// Where the rows of a query go, a part at a time.

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "store/query.hpp"

namespace explaind {

/// A number that every row has: the value, its error, an end of its interval.
struct ValueColumn {
  std::string name;
  std::vector<double> QueryResult::*values;
};

/// What is known before the rows: everything of a result but them. A result that has come as a
/// whole is its own head.
struct ResultHead {
  const QueryResult& result;
  std::vector<ValueColumn> columns;
  std::string store;  ///< the file that was asked
};
ResultHead head_of(const QueryResult& result, const Query& query, std::string store);

class ResultWriter {
 public:
  ResultWriter() = default;
  virtual ~ResultWriter() = default;
  ResultWriter(const ResultWriter&) = delete;
  ResultWriter& operator=(const ResultWriter&) = delete;

  /// Parts, but for the last, have a multiple of so many keys of the first axis.
  [[nodiscard]] virtual size_t keys_at_once() const { return 1; }
  virtual void write(const QueryResult& part) = 0;
  /// Puts what was written in its place.
  virtual void finish() = 0;
};

/// How the formats of one line a row are written.
struct LineStyle {
  bool header = false;  ///< with the heading in it
  bool mark = false;    ///< CSV: with a byte order mark
};

/// Of the format's word. output: a file, or none for standard output. Throws DataError where it
/// cannot be made.
std::unique_ptr<ResultWriter> result_writer(const std::string& format, const ResultHead& head,
                                            const std::optional<std::filesystem::path>& output,
                                            const LineStyle& style);

/// Formats that hold an array, with NaN for what is missing.
bool is_array_format(const std::string& format);
/// Formats that have to be in a file or folder of their own.
bool needs_place(const std::string& format);

}  // namespace explaind
