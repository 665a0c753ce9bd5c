#pragma once
// A family of models: how its config.json is read. One file a family, `NAME.cpp`; their list is in
// family.cpp.

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "families/config_object.hpp"
#include "families/decoder_config.hpp"

namespace explaind {

/// Sizes of a small model that is to be made.
struct FamilySizes {
  int64_t hidden = 0, intermediate = 0, layers = 0, heads = 0, key_value_heads = 0;
  int64_t vocabulary = 0, positions = 0;
  int64_t window = 0;  ///< where the family has one
  bool tied = false;
};

struct Family {
  const char* title;         ///< in messages: "Llama"
  const char* architecture;  ///< "LlamaForCausalLM"
  const char* model_type;    ///< "llama"
  /// Everything but architecture and family, which are set.
  void (*read)(const ConfigObject& config, DecoderConfig& model);
  /// The config.json of a small model: what transformers opens, without dtype and token ids.
  nlohmann::json (*describe)(const FamilySizes& sizes);
};

const Family& llama();
const Family& gpt_neox();
const Family& olmo();
const Family& olmo2();
const Family& olmo3();
const Family& qwen2();
const Family& qwen3();
const Family& smollm3();
const Family& mistral();
const Family& apertus();
const Family& gemma2();
const Family& gemma3();
const Family& gpt2();

/// All of them.
const std::vector<const Family*>& families();
/// The family of that model_type; throws UsageError for --family otherwise.
const Family& family_named(const std::string& model_type);
/// The family that a config.json names by `architectures` and `model_type`. Throws DataError for
/// one that is not supported (named, a mixture of experts and a recurrent network as such), or
/// where the two disagree.
const Family& family_of(const ConfigObject& config);

}  // namespace explaind
