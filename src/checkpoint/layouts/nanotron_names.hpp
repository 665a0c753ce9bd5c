#pragma once
// What nanotron's tensors are of a Hugging Face model.

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/layouts/assembly.hpp"

namespace explaind {

class NanotronNames {
 public:
  /// model: model_config.json. Throws DataError naming `where` for another model than Llama's and
  /// its like, and for sizes that are missing.
  NanotronNames(nlohmann::json model, std::string where);

  /// Adds the tensors that Hugging Face has in place of this one, each with `end` after its name:
  /// queries, keys and values apart, gate and up apart. Throws DataError for a tensor that none
  /// has.
  void add(Assembly& to, const TensorView& tensor, const std::string& end) const;
  /// Their names.
  [[nodiscard]] std::vector<std::string> parts(const std::string& name) const;
  /// Pairs of neighbours are turned in nanotron where in Hugging Face one half is turned with the
  /// other: rows of queries and keys change places.
  [[nodiscard]] bool interleaved() const { return interleaved_; }
  /// As a config.json; nothing where the model's settings say what none does.
  [[nodiscard]] std::optional<nlohmann::json> config() const;
  /// The weight of a z-loss that the training's loss had too.
  [[nodiscard]] std::optional<double> z_loss() const;

 private:
  struct Part {
    std::string name;
    int64_t first = 0, count = -1;  ///< rows; −1: all
    bool turned = false;
  };
  [[nodiscard]] std::vector<Part> parts_of(const std::string& name) const;
  [[nodiscard]] int64_t size(const char* key) const;
  [[noreturn]] void refuse(const std::string& problem) const;

  nlohmann::json model_;
  std::string where_;
  int64_t heads_ = 0, key_value_heads_ = 0, head_dim_ = 0, inner_ = 0;
  bool interleaved_ = false;
};

}  // namespace explaind
