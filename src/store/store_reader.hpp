#pragma once
// Serial reading of an influence store.

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "store/hdf5.hpp"

namespace explaind {

struct StoredVariable {
  std::string name;
  std::vector<std::string> dims;
  std::vector<int64_t> shape;
};

class StoreReader {
 public:
  /// Throws DataError where the file is missing, not an influence store, or of another version.
  explicit StoreReader(const std::filesystem::path& path);

  [[nodiscard]] const std::string& path() const { return where_; }
  /// Root attributes in the order they were written: title, store_version, provenance.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> attributes() const;
  /// Every dataset that is not a dimension's scale or a coordinate.
  [[nodiscard]] std::vector<StoredVariable> variables() const;
  /// The same of scores of single scalars, `parameter/TENSOR`; none where the store has none.
  [[nodiscard]] std::vector<StoredVariable> dense_variables() const;
  [[nodiscard]] bool has(const std::string& name) const;
  /// Throws DataError where there is none of this name.
  [[nodiscard]] StoredVariable variable(const std::string& name) const;
  [[nodiscard]] std::string attribute(const std::string& variable, const std::string& name) const;

  /// True for a coordinate or scale that holds text.
  [[nodiscard]] bool is_text(const std::string& name) const;
  /// A one-dimensional coordinate or scale.
  [[nodiscard]] std::vector<std::string> texts(const std::string& name) const;
  [[nodiscard]] std::vector<int64_t> numbers(const std::string& name) const;

  /// [start, start + count) of a numeric variable, row-major.
  [[nodiscard]] std::vector<double> read(const std::string& name, const std::vector<int64_t>& start,
                                         const std::vector<int64_t>& count) const;
  [[nodiscard]] std::vector<double> read(const std::string& name) const;

 private:
  [[nodiscard]] hdf5::Handle open(const std::string& name) const;
  [[nodiscard]] std::string read_attribute(hid_t object, const std::string& name) const;
  std::string where_;
  hdf5::Handle file_;
};

}  // namespace explaind
