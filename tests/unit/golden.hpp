#pragma once
// One variant of tests/goldens/llama: its files opened as the program opens them, and what Hugging
// Face and dense float64 autograd say of them.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "checkpoint/safetensors_file.hpp"
#include "checkpoint/series.hpp"
#include "model/network.hpp"
#include "samples/sample.hpp"

namespace explaind::testing {

/// Names of all variants: the folders of tests/goldens/llama.
std::vector<std::string> golden_variants();

struct GoldenTensor {
  std::vector<int64_t> shape;
  std::vector<double> values;  ///< row-major
};

class Golden {
 public:
  explicit Golden(const std::string& variant);

  [[nodiscard]] std::filesystem::path series() const { return folder_ / "series"; }
  [[nodiscard]] const Network& network() const { return *network_; }
  [[nodiscard]] const std::vector<Sample>& samples() const { return samples_; }
  /// A tensor of golden.safetensors; the test ends where it is missing.
  [[nodiscard]] GoldenTensor tensor(const std::string& name) const;

 private:
  std::filesystem::path folder_;
  std::unique_ptr<Network> network_;
  std::vector<Sample> samples_;
  SafetensorsFile file_;
};

}  // namespace explaind::testing
