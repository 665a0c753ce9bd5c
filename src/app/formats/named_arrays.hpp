#pragma once
// A result as readers like xarray have it, a dataset: named dimensions, coordinates along them,
// variables.

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "app/formats/result_writer.hpp"

namespace explaind {

using Attributes = std::vector<std::pair<std::string, std::string>>;

struct NamedArrays {
  struct Dimension {
    std::string name;
    uint64_t size = 0;
  };
  /// Along one dimension; its labels where it has the dimension's name.
  struct Coordinate {
    std::string name;
    size_t dimension = 0;
    std::variant<std::vector<int64_t>, std::vector<std::string>> values;
  };
  struct Variable {
    std::string name;
    Attributes attributes;
    std::vector<double> QueryResult::*values;
  };
  std::vector<Dimension> dimensions;  ///< of every variable
  std::vector<Coordinate> coordinates;
  std::vector<Variable> variables;
  Attributes attributes;

  /// Numbers of a variable for each entry of its first dimension.
  [[nodiscard]] uint64_t inner() const;
  [[nodiscard]] bool is_dimension(const std::string& name) const;
};

/// An axis of which one coordinate stays is a dimension of that name; another has its own name, and
/// the coordinates lie along it. Rows that are a list have the dimension `row`.
NamedArrays named_arrays_of(const ResultHead& head);

}  // namespace explaind
