#include "checkpoint/torch_file.hpp"

#include <filesystem>
#include <span>

#include "checkpoint/zip_archive.hpp"
#include "fuzz/targets/place.hpp"
#include "fuzz/targets/targets.hpp"

namespace explaind::testing {

void fuzz_torch_file(std::string_view bytes) {
  static const TemporaryFolder folder;
  const std::filesystem::path file = folder / "fuzzed.bin";
  take_or_refuse([&] {
    const ZipArchive archive = parse_zip(std::as_bytes(std::span(bytes)), "fuzzed");
    for (const auto& [name, entry] : archive.entries) touch(entry);
    touch(archive.directory);
  });
  put(file, bytes);
  take_or_refuse([&] {
    const TorchFile weights(file);
    for (const TensorView& tensor : weights.tensors()) touch({tensor.data, tensor.bytes});
    touch(weights.header());
  });
  take_or_refuse([&] { touch(TorchData(file).header()); });
}

}  // namespace explaind::testing
