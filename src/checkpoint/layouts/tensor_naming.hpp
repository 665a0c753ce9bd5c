#pragma once
// From the names that training programs give tensors to those of a Hugging Face model.

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "checkpoint/layouts/tensor_plan.hpp"

namespace explaind {

/// The model's config.json, asked for where names and shapes do not say how a tensor is divided;
/// throws DataError where there is none.
using ConfigOf = std::function<nlohmann::json()>;

/// A program's way of naming.
struct NamingScheme {
  const char* program;  ///< "OLMo-core", for notes
  bool (*is)(const SavedShapes& saved);
  /// Of all of a model's tensors, or of some of them (an optimizer's state leaves out frozen ones).
  Naming (*name)(const SavedShapes& saved, const ConfigOf& config, const std::string& where);
};

const NamingScheme& olmo_core_naming();
const NamingScheme& megatron_naming();
const NamingScheme& meta_naming();

/// By the first scheme that recognises the names; else they are taken as they are. A note says
/// which. Throws DataError naming `where` and tensor: one that the scheme has no place for, or that
/// cannot be divided as config.json says.
Naming name_tensors(const SavedShapes& saved, const ConfigOf& config, const std::string& where);

}  // namespace explaind
