#pragma once
// Names and rows of a Llama that Megatron-DeepSpeed trained, where each layer of its pipeline has a
// number: 1.word_embeddings.weight, 2.self_attention.query_key_value.weight.

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/layouts/assembly.hpp"
#include "checkpoint/plain_data.hpp"

namespace explaind {

class MegatronDeepSpeed {
 public:
  /// Whether these are such names.
  static bool wrote(const std::vector<std::string>& names);

  /// arguments: its `args`; version: its `checkpoint_version`, null where they are not there.
  /// Throws DataError for another network than Llama's, layers that are missing, and an order of
  /// rows that is not known.
  MegatronDeepSpeed(const std::vector<std::string>& names, const PlainData* arguments,
                    const PlainData* version, std::string where);

  /// Adds the tensors that Hugging Face's Llama has in place of this one, each with `end` after its
  /// name: queries, keys and values apart, gate and up apart.
  void add(Assembly& to, const TensorView& tensor, const std::string& end) const;
  /// Their names.
  [[nodiscard]] std::vector<std::string> parts(const std::string& name) const;
  /// As a config.json; nothing where the arguments leave something open. vocabulary: rows of the
  /// embedding.
  [[nodiscard]] std::optional<nlohmann::json> config(int64_t vocabulary) const;

 private:
  struct Rows {
    int64_t first, count;
  };
  struct Part {
    std::string name;
    std::vector<Rows> rows;  ///< empty: all of them
  };
  [[nodiscard]] std::vector<Part> parts_of(const std::string& name) const;
  [[nodiscard]] int64_t argument(const std::string& key) const;
  [[nodiscard]] std::optional<double> number(const std::string& key) const;
  [[nodiscard]] bool flag(const std::string& key) const;
  [[noreturn]] void refuse(const std::string& problem) const;

  const PlainData* arguments_;
  std::string where_;
  std::map<int64_t, int64_t> layers_;  ///< number in the pipeline → of the decoder's layers
  int64_t heads_ = 0, key_value_heads_ = 0, head_dim_ = 0, ffn_ = 0;
};

}  // namespace explaind
