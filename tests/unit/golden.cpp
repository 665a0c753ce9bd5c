#include "unit/golden.hpp"

#include <algorithm>
#include <stdexcept>

#include "checkpoint/convert.hpp"

namespace explaind::testing {
namespace {

const std::filesystem::path root = EXPLAIND_TEST_DATA "/llama";

}  // namespace

std::vector<std::string> golden_variants() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(root)) {
    if (std::filesystem::exists(entry.path() / "golden.safetensors")) {
      names.push_back(entry.path().filename());
    }
  }
  std::sort(names.begin(), names.end());
  if (names.size() < 11) throw std::runtime_error("goldens are missing in " + root.string());
  return names;
}

Golden::Golden(const std::string& variant)
    : folder_(root / variant), file_(folder_ / "golden.safetensors") {
  const Checkpoint first = Checkpoint::open(list_series(series()).front().directory);
  network_ = build_network(first.config(), first.directory().string());
  samples_ = load_samples(folder_ / "samples.jsonl", {.vocabulary = network_->vocabulary(),
                                                      .max_length = network_->max_positions(),
                                                      .truncate = false,
                                                      .tokenizer_directory = {}});
}

GoldenTensor Golden::tensor(const std::string& name) const {
  for (const TensorView& view : file_.tensors()) {
    if (view.name != name) continue;
    GoldenTensor tensor{view.shape, std::vector<double>(static_cast<size_t>(view.elements()))};
    to_double(view, tensor.values);
    return tensor;
  }
  throw std::runtime_error("no tensor " + name + " in " +
                           (folder_ / "golden.safetensors").string());
}

}  // namespace explaind::testing
