#include "optimizer_steps/estimated_decay.hpp"

#include <utility>

namespace explaind {

EstimatedDecay::EstimatedDecay(std::shared_ptr<const Path> path,
                               std::function<double(int64_t)> rate, std::vector<double> decays)
    : path_(std::move(path)), rate_(std::move(rate)), decays_(std::move(decays)) {}

std::vector<StoredSum> EstimatedDecay::between(const PointPair& pair, ParameterId parameter) const {
  const double decay = decays_.at(static_cast<size_t>(parameter));
  if (decay == 0) return std::vector<StoredSum>(1);
  const int64_t first = path_->step(pair.from), last = path_->step(pair.to);
  double at_start = 0, at_end = 0;  // A − B, B
  for (int64_t step = first; step < last; ++step) {
    const double t = static_cast<double>(step - first) / static_cast<double>(last - first);
    at_start += rate_(step) * (1 - t);
    at_end += rate_(step) * t;
  }
  return {{{.values = path_->tensor(pair.from, parameter), .factor = -decay * at_start},
           {.values = path_->tensor(pair.to, parameter), .factor = -decay * at_end}}};
}

}  // namespace explaind
