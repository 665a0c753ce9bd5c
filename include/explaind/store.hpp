#pragma once
// An influence store, read.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace explaind::v1 {

/// Numbers with named axes, row-major.
struct Array {
  std::vector<std::string> axes;
  std::vector<int64_t> shape;
  std::vector<double> values;
};

/// What is asked of a store; as the options of `explaind query`.
struct Query {
  std::string variable = "psi";
  std::vector<std::string> group_by;   ///< coordinates that stay: "layer", "kind", "group", …
  std::vector<std::string> select;     ///< "kind=mlp", "layer=3:7"
  std::vector<std::string> sum, mean;  ///< axes, where not as usual: samples are averaged, all else
                                       ///< is added
  int64_t top = 0;                     ///< so many, the largest by absolute value; 0: all
};

struct Table {
  std::vector<std::string> columns;            ///< names of the keys
  std::vector<std::vector<std::string>> keys;  ///< per row, a text a column
  std::vector<double> values;                  ///< per row
  std::string units;                           ///< of the values: "nat", "1"
};

/// One process reads; no rank needs another.
class Store {
 public:
  /// Throws Error where the file is missing or no influence store.
  static Store open(const std::string& path);

  /// Names of the variables: "psi", "residual", …
  [[nodiscard]] std::vector<std::string> variables() const;
  /// Throws Error where there is none of that name.
  [[nodiscard]] Array read(const std::string& variable) const;
  /// A coordinate's texts, or its numbers as texts: "component", "id", "step_from", …
  [[nodiscard]] std::vector<std::string> labels(const std::string& coordinate) const;
  /// Throws Error for what does not exist, or does not go together.
  [[nodiscard]] Table query(const Query& query) const;

  class Impl;

 private:
  explicit Store(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;
};

}  // namespace explaind::v1
