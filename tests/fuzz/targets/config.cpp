#include <cstdint>
#include <nlohmann/json.hpp>

#include "checkpoint/json_file.hpp"
#include "families/config_keys.hpp"
#include "families/decoder_config.hpp"
#include "fuzz/targets/targets.hpp"

namespace explaind::testing {

void fuzz_config(std::string_view bytes) {
  take_or_refuse([&] {
    const nlohmann::json config = parse_json(bytes, "config.json");
    const DecoderConfig model = read_decoder_config(config, "config.json");
    demand(model.hidden_size > 0 && model.head_dim > 0 && model.layers > 0);
    demand(model.attention.empty() || static_cast<int64_t>(model.attention.size()) == model.layers);
    for (const LayerAttention& layer : model.attention) {
      demand(layer.rope < static_cast<int>(model.ropes.size()));
    }
    static_cast<void>(unknown_config_keys(config));
  });
}

}  // namespace explaind::testing
