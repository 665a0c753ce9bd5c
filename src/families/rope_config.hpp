#pragma once
// Rotary position embedding as a config.json describes it.

#include <cstdint>
#include <string>

#include "families/config_object.hpp"

namespace explaind {

enum class RopeType { plain, linear, dynamic, yarn, llama3 };

/// inv_freq = theta^(−2i/n) for the n coordinates of a head that are turned, then scaled by type.
/// `dynamic` scales nothing up to the longest position, and is not computed beyond it.
struct RopeConfig {
  RopeType type = RopeType::plain;
  double theta = 10000.0;
  double partial = 1.0;  ///< the share of each head that is turned: its first coordinates
  double factor = 1.0;
  double low_freq_factor = 1.0, high_freq_factor = 4.0;  ///< llama3
  double original_max_position_embeddings = 0;           ///< llama3, yarn
  double beta_fast = 32, beta_slow = 1;                  ///< yarn
  bool truncate = true;                                  ///< yarn: its ramp ends at whole pairs
  double attention_factor = 1.0;                         ///< yarn: multiplies cosines and sines

  bool operator==(const RopeConfig&) const = default;
};

/// "default", "linear", "dynamic", "yarn" or "llama3".
const char* rope_name(RopeType type);

/// What a family lets default, and how it spells its keys.
struct RopeDefaults {
  double theta = 10000.0;
  double partial = 1.0;
  const char* theta_key = "rope_theta";
  const char* partial_key = "partial_rotary_factor";
};

/// Both spellings are read: rope_parameters (transformers 5), and rope_theta with rope_scaling
/// (before). Throws DataError where they differ, for a type that is not known (named), a key that
/// is missing or of another type, and parameters of each kind of layer.
RopeConfig read_rope(const ConfigObject& config, const RopeDefaults& defaults);

/// The object of one kind of layer in rope_parameters, as read_rope reads a whole one. Nothing is
/// taken from outside it. fallback: theta and partial where they are missing.
RopeConfig read_rope_object(const ConfigObject& object, RopeConfig fallback);

/// Whether a key of a rope object of that type is obeyed, or its kind is told by it.
bool is_rope_key(const std::string& key, const std::string& type);

}  // namespace explaind
