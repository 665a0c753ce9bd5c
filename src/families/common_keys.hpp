#pragma once
// What the config.json of most families spells alike.

#include <string>

#include "families/family.hpp"

namespace explaind {

/// What a family lets default.
struct CommonDefaults {
  int64_t max_positions = 2048;
  int64_t key_value_heads = 0;  ///< where the key is missing; 0: as many as heads
  int64_t head_dim = 0;         ///< 0: hidden_size / heads
  bool tied = false;
  const char* activation_key = "hidden_act";
  const char* activation = "silu";
};

/// Throws DataError for more layers than any network has: lists are made of them.
void require_layers(const ConfigObject& config, int64_t layers);

/// hidden_size, intermediate_size, num_hidden_layers, vocab_size, max_position_embeddings,
/// num_attention_heads, num_key_value_heads, head_dim, tie_word_embeddings and the activation.
/// Throws DataError for impossible sizes.
void read_common(const ConfigObject& config, const CommonDefaults& defaults, DecoderConfig& model);

/// "silu", "gelu", …; throws DataError naming the key for one that is not supported.
MlpActivation activation_named(const ConfigObject& config, const std::string& key,
                               const std::string& fallback);

/// The rope of all layers, into `model`. Throws DataError where an odd number of coordinates would
/// be turned.
void read_one_rope(const ConfigObject& config, const RopeDefaults& defaults, DecoderConfig& model);
/// Throws DataError where an odd number of a head's coordinates would be turned by a rope;
/// positions end where one is defined up to them alone (dynamic).
void accept_ropes(const ConfigObject& config, DecoderConfig& model);

/// layer_types, a word for each layer ("full_attention", "sliding_attention"); where it is missing,
/// `fallback` says whether layer i has a window. Throws DataError for other words, or where they
/// are not one a layer.
std::vector<bool> windowed_layers(const ConfigObject& config, int64_t layers,
                                  bool (*fallback)(int64_t layer));
/// Gives the layers with a window that of `sliding_window`, in positions.
void set_windows(const std::vector<bool>& windowed, int64_t window, DecoderConfig& model);

/// What most families' config.json has in common; describe() adds to it.
nlohmann::json common_json(const Family& family, const FamilySizes& sizes);

}  // namespace explaind
