#include "checkpoint/scheduled_rates.hpp"

#include "checkpoint/torch_file.hpp"
#include "core/error.hpp"

namespace explaind {

std::vector<double> scheduled_rates(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path)) return {};
  const TorchData file(path);
  const PlainData* rates = file.root().find("_last_lr");
  const auto* list = rates == nullptr ? nullptr : rates->as<PlainList>();
  if (list == nullptr) {
    throw DataError(path.string(), "does not say _last_lr, the learning rates of the next step",
                    "It must be the state_dict() of a scheduler of torch.optim");
  }
  std::vector<double> values;
  for (const PlainData& each : list->items) {
    const auto* number = each.as<double>();
    const auto* whole = each.as<int64_t>();
    if (number == nullptr && whole == nullptr) {
      throw DataError(path.string(), "_last_lr holds something that is no number",
                      "It must be the state_dict() of a scheduler of torch.optim");
    }
    values.push_back(number != nullptr ? *number : static_cast<double>(*whole));
  }
  return values;
}

}  // namespace explaind
