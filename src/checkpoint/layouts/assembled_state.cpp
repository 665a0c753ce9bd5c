#include "checkpoint/layouts/assembled_state.hpp"

#include <algorithm>
#include <map>

namespace explaind {

const SavedOptimizer& AssembledState::optimizer() const {
  if (optimizer_ != nullptr) return *optimizer_;
  auto read = std::make_unique<SavedOptimizer>(read_optimizer());
  std::map<std::string, TensorView> by_name;
  for (const TensorView& each : moments_.finish()) by_name.emplace(each.name, each);
  for (SavedMoments& each : read->moments) {
    each.first = by_name.at(each.name + ".exp_avg");
    each.second = by_name.at(each.name + ".exp_avg_sq");
  }
  optimizer_ = std::move(read);
  return *optimizer_;
}

void AssembledState::add_file(std::shared_ptr<const WeightFile> file) const {
  const auto after = std::upper_bound(
      files_.begin(), files_.end(), file,
      [](const auto& a, const auto& b) { return a->file().path() < b->file().path(); });
  files_.insert(after, std::move(file));
}

}  // namespace explaind
