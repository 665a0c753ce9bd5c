#include "checkpoint/adamw_keys.hpp"

#include <fmt/format.h>

#include "core/error.hpp"

namespace explaind {

void require_adamw(const std::function<bool(const char*)>& has, const std::string& where) {
  struct Other {
    const char *key, *name;
  };
  constexpr Other others[]{
      {"qmap1", "an 8-bit optimizer of bitsandbytes: its moments are quantised"},
      {"absmax1", "an 8-bit optimizer of bitsandbytes: its moments are quantised"},
      {"state1", "an optimizer of bitsandbytes"},
      {"exp_avg_sq_row", "Adafactor"},
      {"momentum_buffer", "SGD"},
      {"exp_inf", "Adamax"},
      {"square_avg", "RMSprop"},
      {"z", "a schedule-free optimizer"},
      {"GG", "Shampoo or SOAP"},
  };
  for (const Other& other : others) {
    if (!has(other.key)) continue;
    throw DataError(where,
                    fmt::format("is the state of {} ('{}'); steps are decomposed of AdamW with "
                                "moments of 32 bits",
                                other.name, other.key),
                    "Train with torch.optim.AdamW (in Trainer optim=\"adamw_torch\"), or leave out "
                    "--source steps: the change of weights alone needs no optimizer state");
  }
  if (has("exp_avg") && !has("exp_avg_sq")) {
    throw DataError(where, "is the state of an optimizer without second moments, not of AdamW",
                    "Train with torch.optim.AdamW, or leave out --source steps: the change of "
                    "weights alone needs no optimizer state");
  }
}

}  // namespace explaind
