#include <cstddef>
#include <span>

#include "checkpoint/safetensors_header.hpp"
#include "checkpoint/tensor_view.hpp"
#include "fuzz/targets/targets.hpp"

namespace explaind::testing {

void fuzz_safetensors(std::string_view bytes) {
  take_or_refuse([&] {
    const SafetensorsContents contents =
        parse_safetensors(std::as_bytes(std::span(bytes)), "fuzzed");
    size_t total = contents.header_bytes;
    for (const TensorView& tensor : contents.tensors) {
      demand(static_cast<size_t>(tensor.elements()) * dtype_size(tensor.dtype) == tensor.bytes);
      touch({tensor.data, tensor.bytes});
      total += tensor.bytes;
    }
    demand(total == bytes.size());
  });
}

}  // namespace explaind::testing
