#include <filesystem>

#include "checkpoint/layouts/plain_yaml.hpp"
#include "fuzz/targets/place.hpp"
#include "fuzz/targets/targets.hpp"

namespace explaind::testing {

void fuzz_yaml(std::string_view bytes) {
  static const TemporaryFolder folder;
  const std::filesystem::path file = folder / "config.yaml";
  put(file, bytes);
  take_or_refuse([&] { demand(read_plain_yaml(file).is_structured()); });
}

}  // namespace explaind::testing
