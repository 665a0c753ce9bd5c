#include <cstdint>
#include <span>
#include <string>

#include "checkpoint/checkpoint.hpp"
#include "checkpoint/tensor_view.hpp"
#include "fuzz/targets/place.hpp"
#include "fuzz/targets/targets.hpp"

namespace explaind::testing {
namespace {

/// A shard of one F32 vector of two elements.
std::string shard(const std::string& name) {
  const std::string header =
      R"({")" + name + R"(":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
  std::string length(8, '\0');
  length[0] = static_cast<char>(header.size());
  return length + header + "12345678";
}

class ShardedCheckpoint {
 public:
  ShardedCheckpoint() {
    put(folder_ / "config.json", R"({"architectures":["LlamaForCausalLM"]})");
    put(folder_ / "model-00001-of-00002.safetensors", shard("a.weight"));
    put(folder_ / "model-00002-of-00002.safetensors", shard("b.weight"));
  }
  [[nodiscard]] const TemporaryFolder& folder() const { return folder_; }

 private:
  TemporaryFolder folder_;
};

}  // namespace

void fuzz_index(std::string_view bytes) {
  static const ShardedCheckpoint checkpoint;
  put(checkpoint.folder() / "model.safetensors.index.json", bytes);
  take_or_refuse([] {
    const Checkpoint opened = Checkpoint::open(checkpoint.folder().path());
    for (const auto& [name, tensor] : opened.tensors()) touch({tensor.data, tensor.bytes});
  });
}

}  // namespace explaind::testing
