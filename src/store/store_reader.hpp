#pragma once
// Serial reading of an influence store, of any version and whoever wrote the file: also one that
// other programs copied, cut or converted.

#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "store/hdf5.hpp"
#include "store/stored_array.hpp"

namespace explaind {

/// True for a file that may be a store by its content, whatever it is called.
bool is_hdf5_or_netcdf(const std::filesystem::path& file);

struct StoredVariable {
  std::string name;
  std::vector<std::string> dims;
  std::vector<int64_t> shape;
};

struct StoredNumber {
  size_t bytes = 0;
  bool real = false;
};

class StoreReader {
 public:
  /// Throws DataError where the file is missing, not an influence store, or of a version that this
  /// program does not know.
  explicit StoreReader(const std::filesystem::path& path);

  [[nodiscard]] const std::string& path() const { return where_; }
  [[nodiscard]] int version() const { return version_; }
  /// Attributes of the file and what it says of its provenance, by name.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> attributes() const;
  /// Lengths of the dimensions when the store was made; empty where the file does not say.
  [[nodiscard]] std::map<std::string, int64_t> sizes() const;
  /// Every dataset of numbers that is not a dimension's scale or a coordinate.
  [[nodiscard]] std::vector<StoredVariable> variables() const;
  /// Scores of single scalars, `parameter/TENSOR`; none where the store has none.
  [[nodiscard]] std::vector<StoredVariable> dense_variables() const;
  /// True for variables, scales and coordinates; one of the group `provenance` is known by its own
  /// name too.
  [[nodiscard]] bool has(const std::string& name) const;
  /// Throws DataError where there is none of this name.
  [[nodiscard]] StoredVariable variable(const std::string& name) const;
  /// Empty where there is none.
  [[nodiscard]] std::string attribute(const std::string& variable, const std::string& name) const;
  /// The unit of the variable's values: "nat", "s", or "1".
  [[nodiscard]] std::string unit(const std::string& variable) const;

  /// True for a coordinate or scale that holds text.
  [[nodiscard]] bool is_text(const std::string& name) const;
  /// A one-dimensional coordinate or scale.
  [[nodiscard]] std::vector<std::string> texts(const std::string& name) const;
  [[nodiscard]] std::vector<int64_t> numbers(const std::string& name) const;

  /// [start, start + count) of a numeric variable, row-major.
  [[nodiscard]] std::vector<double> read(const std::string& name, const std::vector<int64_t>& start,
                                         const std::vector<int64_t>& count) const;
  [[nodiscard]] std::vector<double> read(const std::string& name) const;
  /// A numeric variable that stays open. The reader outlives it.
  [[nodiscard]] StoredArray open_array(const std::string& name) const;
  /// Bytes of an entry as it is stored, and whether it is a real number.
  [[nodiscard]] StoredNumber number_of(const std::string& name) const;
  /// The same hyperslab as its bytes are stored (little-endian, as a checksum has them); `into` has
  /// room for them. The first few variables stay open, and 64 MiB of the chunks of each unpacked.
  void read_bytes(const std::string& name, const std::vector<int64_t>& start,
                  const std::vector<int64_t>& count, void* into) const;

 private:
  [[nodiscard]] hdf5::Handle open(const std::string& name) const;
  /// Null for what is not kept open.
  [[nodiscard]] hdf5::Handle* kept_open(const std::string& name) const;
  /// Throws DataError for a dataset that claims more than a file of this size can hold, before
  /// memory for it is asked for.
  void require_room(hid_t dataset, const std::string& path) const;
  /// Where a dataset of this name lies; empty where there is none.
  [[nodiscard]] std::string find(const std::string& name) const;
  [[nodiscard]] bool is_dataset(const std::string& path) const;
  /// Names of a group's entries; none where there is no such group.
  [[nodiscard]] std::vector<std::string> links(const std::string& group) const;
  /// Names that variables' attributes give as coordinates.
  [[nodiscard]] std::set<std::string> coordinate_names(const std::string& group) const;
  [[nodiscard]] std::vector<StoredVariable> variables_in(const std::string& group) const;
  std::string where_;
  hdf5::Handle file_;
  double file_bytes_ = 0;
  int version_ = 0;
  mutable std::map<std::string, hdf5::Handle> read_by_bytes_;  ///< what read_bytes keeps open
};

}  // namespace explaind
