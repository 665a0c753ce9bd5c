// Scores of single scalars: one dataset per tensor of the model, in the tensor's own shape.

#include <algorithm>
#include <array>

#include "core/error.hpp"
#include "store/layout.hpp"

namespace explaind {
namespace {

/// Names of a tensor's axes: of matrices, and of convolutions' kernels.
constexpr std::array<const char*, 4> axis_names{"row", "column", "kernel_row", "kernel_column"};

/// Lengths are part of the name, since a dimension has one: tensors of one shape share theirs.
std::string dimension_of(const ParameterInfo& parameter, size_t axis) {
  if (axis >= axis_names.size()) {
    throw Error(parameter.name, "has more axes than a store knows", "This is a defect: report it");
  }
  return std::string(dense_group) + "/" + axis_names.at(axis) + "_" +
         std::to_string(parameter.shape[axis]);
}

}  // namespace

const char* const dense_group = "parameter";

std::string tensor_axis(const std::string& dim) {
  const std::string group = std::string(dense_group) + "/";
  if (dim.rfind(group, 0) != 0) return "";
  return dim.substr(group.size(), dim.rfind('_') - group.size());
}

std::vector<std::string> tensor_dimensions(const StoreSchema& schema) {
  std::vector<std::string> dims;
  for (const ParameterInfo& parameter : schema.components.parameters()) {
    for (size_t axis = 0; schema.dense && axis < parameter.shape.size(); ++axis) {
      const std::string dim = dimension_of(parameter, axis);
      if (std::find(dims.begin(), dims.end(), dim) == dims.end()) dims.push_back(dim);
    }
  }
  return dims;
}

bool is_dense_tensor(const StoreSchema& schema, const std::string& name) {
  const std::vector<ParameterInfo>& all = schema.components.parameters();
  return schema.dense && std::any_of(all.begin(), all.end(),
                                     [&](const ParameterInfo& each) { return each.name == name; });
}

void require_names_apart(const StoreSchema& schema) {
  const std::string group = std::string(dense_group) + "/";
  for (const Variable& variable : dense_variables(schema)) {
    for (const std::string& dim : variable.dims) {
      const std::string name = dim.rfind(group, 0) == 0 ? dim.substr(group.size()) : dim;
      if (!is_dense_tensor(schema, name)) continue;
      throw DataError("tensor '" + name + "'",
                      "has the name of a dimension of the scores of single scalars in a store",
                      "Rename it in the model's files, or use another --component than parameter");
    }
  }
}

std::vector<Variable> dense_variables(const StoreSchema& schema) {
  std::vector<Variable> variables;
  if (!schema.dense) return variables;
  for (const ParameterInfo& parameter : schema.components.parameters()) {
    Variable variable{.name = std::string(dense_group) + "/" + parameter.name,
                      .type = schema.single_precision ? H5T_IEEE_F32LE : H5T_IEEE_F64LE,
                      .dims = {"segment"},
                      .long_name = "contribution of every scalar to the change of F",
                      .unit = schema.functional_unit};
    if (schema.axes.sample) variable.dims.emplace_back("sample");
    if (schema.axes.group) variable.dims.emplace_back("group");
    for (size_t axis = 0; axis < parameter.shape.size(); ++axis) {
      variable.dims.push_back(dimension_of(parameter, axis));
    }
    if (schema.axes.output) variable.dims.emplace_back("output");
    variables.push_back(std::move(variable));
  }
  return variables;
}

}  // namespace explaind
