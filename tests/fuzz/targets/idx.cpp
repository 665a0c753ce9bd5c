#include "datasets/idx.hpp"

#include <ATen/ATen.h>

#include <filesystem>
#include <span>

#include "fuzz/targets/place.hpp"
#include "fuzz/targets/targets.hpp"

namespace explaind::testing {

void fuzz_idx(std::string_view bytes) {
  static const TemporaryFolder folder;
  const std::filesystem::path file = folder / "fuzzed-idx3-ubyte";
  put(file, bytes);
  take_or_refuse([&] {
    const at::Tensor values = read_idx(file);
    touch(
        std::as_bytes(std::span(values.data_ptr<uint8_t>(), static_cast<size_t>(values.numel()))));
  });
}

}  // namespace explaind::testing
