#include "unit/golden.hpp"

#include <algorithm>
#include <stdexcept>

#include "checkpoint/convert.hpp"
#include "checkpoint/json_file.hpp"

namespace explaind::testing {
namespace {

const std::filesystem::path roots[] = {EXPLAIND_TEST_DATA "/llama", EXPLAIND_TEST_DATA "/families"};

std::filesystem::path folder_of(const std::string& variant) {
  for (const auto& root : roots) {
    if (std::filesystem::exists(root / variant)) return root / variant;
  }
  throw std::runtime_error("no golden " + variant);
}

}  // namespace

std::vector<std::string> golden_variants() {
  std::vector<std::string> names;
  for (const auto& root : roots) {
    for (const auto& entry : std::filesystem::directory_iterator(root)) {
      if (std::filesystem::exists(entry.path() / "golden.safetensors")) {
        names.push_back(entry.path().filename());
      }
    }
  }
  std::sort(names.begin(), names.end());
  if (names.size() < 26) throw std::runtime_error("goldens are missing in " EXPLAIND_TEST_DATA);
  return names;
}

Golden::Golden(const std::string& variant)
    : folder_(folder_of(variant)), file_(folder_ / "golden.safetensors") {
  const Checkpoint first = Checkpoint::open(list_series(series()).front().directory);
  network_ = build_network(first.config(), first.directory().string());
  summary_ = read_json_object(folder_ / "golden.json");
  const auto names = summary_.at("tensors").get<std::vector<std::string>>();
  for (const ParameterInfo& parameter : network_->parameters()) {
    const auto found = std::find(names.begin(), names.end(), parameter.name);
    if (found == names.end())
      throw std::runtime_error(variant + ": no scores of " + parameter.name);
    order_.push_back(static_cast<size_t>(found - names.begin()));
  }
  if (order_.size() != names.size()) throw std::runtime_error(variant + ": other tensors");
  samples_ = load_samples(folder_ / "samples.jsonl", {.vocabulary = network_->vocabulary(),
                                                      .max_length = network_->max_positions(),
                                                      .truncate = false,
                                                      .tokenizer_directory = {}});
}

bool Golden::has(const std::string& name) const {
  const auto& all = file_.tensors();
  return std::any_of(all.begin(), all.end(), [&](const auto& each) { return each.name == name; });
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
