#pragma once
// A store that is to be joined with others.

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "copies/outline.hpp"
#include "copies/outlined_file.hpp"
#include "store/store_reader.hpp"
#include "verification/store_shape.hpp"

namespace explaind {

struct MergeSource {
  /// Throws DataError where it is no store that a run, or an earlier merge, has brought to its end.
  explicit MergeSource(const std::filesystem::path& path);

  StoreReader store;
  StoreShape shape;
  NamedFile file;
  Outline outline;
  std::map<std::string, std::string> said;  ///< attributes, and texts of the provenance
  nlohmann::ordered_json configuration, inputs;

  [[nodiscard]] const std::string& name() const { return store.path(); }
  /// Empty where it says nothing of this.
  [[nodiscard]] std::string text(const std::string& key) const;
};

}  // namespace explaind
