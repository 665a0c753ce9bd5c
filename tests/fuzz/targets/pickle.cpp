#include <cstdint>
#include <span>
#include <string>

#include "checkpoint/layouts/dcp_metadata.hpp"
#include "checkpoint/unpickler.hpp"
#include "fuzz/targets/targets.hpp"

namespace explaind::testing {
namespace {

void expect_boxes_inside(const DcpMetadata& metadata) {
  for (const DcpEntry& entry : metadata.entries) {
    for (const DcpChunk& chunk : entry.chunks) {
      demand(chunk.slice.file < metadata.files.size() && chunk.sizes.size() == entry.shape.size());
      for (size_t axis = 0; axis < entry.shape.size(); ++axis) {
        demand(chunk.offsets[axis] >= 0 && chunk.sizes[axis] >= 0);
        demand(chunk.offsets[axis] <= entry.shape[axis] - chunk.sizes[axis]);
      }
    }
  }
}

}  // namespace

void fuzz_pickle(std::string_view bytes) {
  const unsigned choice = take_choice(bytes);
  const auto pickle = std::as_bytes(std::span(bytes));
  take_or_refuse([&] {
    switch (choice % 4) {
      case 0:
        for (const PickledTensor& tensor : unpickle_state_dict(pickle, "fuzzed").tensors) {
          demand(tensor.shape.size() == tensor.strides.size());
        }
        break;
      case 1:
        static_cast<void>(unpickle_plain_data(pickle, "fuzzed"));
        break;
      case 2:
        expect_boxes_inside(read_dcp_metadata(pickle, "fuzzed"));
        break;
      default:
        touch(first_pickle(pickle, "fuzzed").rest);
    }
  });
}

}  // namespace explaind::testing
