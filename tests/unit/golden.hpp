#pragma once
// One variant of tests/goldens/llama or families: its files opened as the program opens them, and
// what Hugging Face and dense float64 autograd say of them.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "checkpoint/safetensors_file.hpp"
#include "checkpoint/series.hpp"
#include "model/network.hpp"
#include "samples/sample.hpp"

namespace explaind::testing {

/// Names of all variants: the folders of tests/goldens/llama and tests/goldens/families.
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
  /// F has kinks, and what is expected was integrated with the 40 Gauss nodes of the tests.
  [[nodiscard]] bool kinks() const { return summary_.value("kinks", false); }
  /// Keys of config.json with values that each change a logit by 1e-3 of the largest or more.
  [[nodiscard]] nlohmann::json moved() const {
    return summary_.value("moved", nlohmann::json::object());
  }
  /// [name, whether Trainer lets it decay] in the order of named_parameters; empty where not kept.
  [[nodiscard]] nlohmann::json registered() const {
    return summary_.value("registered", nlohmann::json::array());
  }
  /// The place of each parameter of the network among the golden's tensors.
  [[nodiscard]] const std::vector<size_t>& order() const { return order_; }
  /// Whether golden.safetensors has a tensor.
  [[nodiscard]] bool has(const std::string& name) const;
  /// A tensor of golden.safetensors; the test ends where it is missing.
  [[nodiscard]] GoldenTensor tensor(const std::string& name) const;

 private:
  std::filesystem::path folder_;
  nlohmann::json summary_;  ///< golden.json
  std::vector<size_t> order_;
  std::unique_ptr<Network> network_;
  std::vector<Sample> samples_;
  SafetensorsFile file_;
};

}  // namespace explaind::testing
