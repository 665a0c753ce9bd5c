// libFuzzer's entry to the target that EXPLAIND_FUZZ_TARGET names.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "fuzz/targets/targets.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  explaind::testing::EXPLAIND_FUZZ_TARGET({reinterpret_cast<const char*>(data), size});
  return 0;
}
