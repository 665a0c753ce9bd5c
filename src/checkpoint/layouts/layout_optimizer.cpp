#include "checkpoint/layouts/layout_optimizer.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <string>
#include <utility>

#include "checkpoint/layouts/model_config.hpp"
#include "checkpoint/layouts/saved_state.hpp"
#include "checkpoint/tensor_names.hpp"
#include "checkpoint/trainer_groups.hpp"
#include "core/error.hpp"
#include "families/decoder_config.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;

/// Moments by the parameters' names.
class ByName {
 public:
  ByName(const SavedOptimizer& saved, const DecoderNames& names, std::string where)
      : where_(std::move(where)) {
    std::vector<std::string> given;
    for (const SavedMoments& each : saved.moments) given.push_back(each.name);
    const std::map<std::string, std::string> own = unwrap_names(given, names, where_).now;
    for (const SavedMoments& each : saved.moments) {
      if (!by_name_.emplace(own.at(each.name), &each).second) {
        refuse(each.name + " has two states");
      }
      if (each.group >= saved.groups.size()) {
        refuse(fmt::format("{} is of group {}, and there are {}", each.name, each.group,
                           saved.groups.size()));
      }
    }
  }
  /// The unembedding's state is the embedding's where it alone is there and both are one matrix.
  void join_tied(const std::vector<NamedShape>& parameters, const DecoderNames& names) {
    const std::string embedding = names.embedding + ".weight";
    const auto head = by_name_.find(names.unembedding + ".weight");
    if (head == by_name_.end()) return;
    for (const NamedShape& each : parameters) {
      if (each.name == head->first) return;  // not tied
    }
    const SavedMoments* state = head->second;
    by_name_.erase(head);
    const auto own = by_name_.emplace(embedding, state).first;
    if (own->second->updates != state->updates) {
      refuse("its tied matrix has two states, of different steps");
    }
  }
  /// Null where there is none; what is asked for is taken.
  const SavedMoments* take(const NamedShape& parameter) {
    const auto found = by_name_.find(parameter.name);
    if (found == by_name_.end()) return nullptr;
    const SavedMoments* state = found->second;
    for (const auto& [key, moment] :
         {std::pair("exp_avg", &state->first), std::pair("exp_avg_sq", &state->second)}) {
      if (moment->shape != parameter.shape) {
        refuse(fmt::format("{}.{} is {}, and the weights are {}", parameter.name, key,
                           shape_to_string(moment->shape), shape_to_string(parameter.shape)));
      }
      if (moment->dtype != Dtype::f32 && moment->dtype != Dtype::f64) {
        throw DataError(where_,
                        fmt::format("{}.{} is {}: steps are decomposed of AdamW with moments of 32 "
                                    "bits",
                                    parameter.name, key, to_string(moment->dtype)),
                        "Leave out --source steps: the change of weights alone needs no optimizer "
                        "state");
      }
    }
    by_name_.erase(found);
    return state;
  }
  void require_all_taken() const {
    if (by_name_.empty()) return;
    std::vector<std::string> names;
    constexpr size_t shown = 5;
    for (const auto& [name, state] : by_name_) {
      if (names.size() < shown) names.push_back(name);
    }
    refuse(fmt::format(
        "has states of {}{}, which the weights do not have", fmt::join(names, ", "),
        by_name_.size() > shown ? fmt::format(" and {} more", by_name_.size() - shown) : ""));
  }

 private:
  [[noreturn]] void refuse(const std::string& problem) const {
    throw DataError(where_, problem, other_state);
  }
  std::string where_;
  std::map<std::string, const SavedMoments*> by_name_;
};

}  // namespace

StoredOptimizer LayoutOptimizer::open(const fs::path& directory,
                                      const std::vector<NamedShape>& parameters,
                                      const WeightsMove& moves) {
  const std::shared_ptr<const SavedState> state = open_saved_state(directory);
  const SavedOptimizer& saved = state->optimizer();
  const std::optional<ModelConfig> model = model_config_of(directory, state.get());
  const DecoderNames names = names_in(model ? model->config : nlohmann::json::object());
  ByName moments(saved, names, directory.string());
  moments.join_tied(parameters, names);
  StoredOptimizer opened;
  for (const NamedShape& parameter : parameters) {
    const SavedMoments* found = moments.take(parameter);
    if (found == nullptr) {
      opened.parameters_.push_back({.stepped = false});
      continue;
    }
    const AdamWGroup& group = saved.groups[found->group];
    opened.parameters_.push_back({.first_moment = found->first,
                                  .second_moment = found->second,
                                  .updates = found->updates,
                                  .learning_rate = group.learning_rate,
                                  .beta1 = group.beta1,
                                  .beta2 = group.beta2,
                                  .epsilon = group.epsilon,
                                  .weight_decay = group.weight_decay});
  }
  moments.require_all_taken();
  opened.require_still(parameters, moves, directory.string());
  for (const auto& file : state->files()) opened.add_file(file->file(), file->header());
  opened.mapped_.push_back(state);
  opened.prepare_ = [state](const AdamWParameter& parameter) {
    if (!parameter.stepped) return;
    state->prepare(parameter.first_moment);
    state->prepare(parameter.second_moment);
  };
  return opened;
}

}  // namespace explaind
