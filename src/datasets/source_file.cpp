#include "datasets/source_file.hpp"

#include "checkpoint/mapped_file.hpp"
#include "checkpoint/sha256.hpp"

namespace explaind {

nlohmann::json identify_source(const std::filesystem::path& path) {
  const MappedFile file(path);
  return {{"name", path.filename().string()},
          {"size", file.bytes().size()},
          {"sha256", sha256_of(file.bytes())}};
}

}  // namespace explaind
