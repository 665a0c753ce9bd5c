#pragma once
// Two stores side by side.

#include <filesystem>
#include <nlohmann/json.hpp>

namespace explaind {

/// F and scores of both by layer, kind and the groups that both have, between the training steps at
/// which both have a checkpoint. Throws DataError saying why where they cannot be compared: another
/// functional, unit or reduction, other layers or kinds, no two steps in common.
nlohmann::json compare(const std::filesystem::path& store, const std::filesystem::path& against,
                       bool anonymous);

}  // namespace explaind
