#pragma once
// One row of a sample file, whatever the file's format, as a sample.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "samples/sample.hpp"
#include "samples/sample_rows.hpp"
#include "samples/text_tokens.hpp"

namespace explaind {

class SampleReader {
 public:
  /// `options` must outlive it. rows: of the file, in Python.
  SampleReader(std::filesystem::path file, const SampleOptions& options, PythonRows rows)
      : file_(std::move(file)), options_(options), rows_(std::move(rows)), texts_(options) {}

  /// row: an object of the columns. where: names it in messages. number: its id where it has none.
  /// A sample that load_samples cuts into windows is as long as the row. Throws DataError as
  /// load_samples does.
  Sample read(const nlohmann::json& row, const std::string& where, int64_t number);

  /// Whether a sample is to be cut into windows.
  [[nodiscard]] bool is_cut(const Sample& sample) const;

  /// What of the rows was not used, or used otherwise, a sentence each: before what is said of
  /// windows, and after.
  void say_columns(std::vector<std::string>& notes) const;
  void say_texts(std::vector<std::string>& notes) const;

 private:
  using json = nlohmann::json;
  /// The two columns of a minimal pair; empty of other rows.
  struct PairKeys {
    std::string good, bad;
  };

  [[noreturn]] void fail(const std::string& problem, const std::string& remedy) const;
  void look_at_columns(const json& row, const PairKeys& pair);
  [[nodiscard]] PairKeys pair_in(const json& row) const;
  void require_one_form(const json& row) const;
  void refuse_chat(const json& row) const;
  [[nodiscard]] TargetText target_of(const json& row) const;
  [[nodiscard]] std::string words(const json& row, const std::string& key) const;
  [[nodiscard]] std::string word(const json& row, const char* key,
                                 const std::string& otherwise) const;
  void read_pair(const json& row, const PairKeys& keys, Sample& sample);
  void read_tokens(const json& row, Sample& sample);
  size_t cut_padding(const json& mask, Sample& sample);
  [[nodiscard]] std::vector<int64_t> tokens(const json& list, const std::string& key) const;
  void require_known(const std::vector<int64_t>& ids, const std::string& key, size_t cut,
                     bool labels) const;
  void check(Sample& sample) const;
  void check_pair(const Sample& pair, const PairKeys& keys) const;

  std::filesystem::path file_;
  const SampleOptions& options_;
  PythonRows rows_;
  std::string where_;  ///< of the row that is read
  TextTokens texts_;
  std::set<std::string> ignored_;  ///< columns
  size_t padded_ = 0, padding_ = 0;
  size_t pairs_ = 0, same_ = 0;  ///< pairs, and those of the same tokens twice
};

}  // namespace explaind
