#include "checkpoint/layouts/tensor_naming.hpp"

#include <fmt/format.h>

#include <array>

#include "core/elements.hpp"

namespace explaind {

Naming name_tensors(const SavedShapes& saved, const ConfigOf& config, const std::string& where) {
  for (const NamingScheme* scheme : {&olmo_core_naming(), &megatron_naming(), &meta_naming()}) {
    if (!scheme->is(saved)) continue;
    Naming naming = scheme->name(saved, config, where);
    naming.notes.insert(
        naming.notes.begin(),
        fmt::format("tensor names: {}'s were changed into Hugging Face's", scheme->program));
    return naming;
  }
  Naming naming;
  for (const auto& [name, shape] : saved) {
    naming.tensors.push_back(
        {.name = name, .shape = shape, .runs = {{.source = name, .count = elements(shape)}}});
  }
  return naming;
}

}  // namespace explaind
