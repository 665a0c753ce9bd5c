#include "training/replay_ranks.hpp"

#include <ATen/ATen.h>

#include <algorithm>

#include "training/tensor_of.hpp"

namespace explaind {
namespace {

at::ScalarType type_of(const RecordedRun& run) {
  const RunDescription& about = run.description();
  return scalar_type_of(about.dtype, about.parameters.at(0).name);
}

/// All gradients that are there, one after the other.
template <typename Real>
std::vector<Real> joined(const std::vector<at::Tensor>& gradients) {
  std::vector<Real> numbers;
  for (const at::Tensor& gradient : gradients) {
    if (!gradient.defined()) continue;
    const at::Tensor whole = gradient.contiguous();
    const Real* first = whole.const_data_ptr<Real>();
    numbers.insert(numbers.end(), first, first + whole.numel());
  }
  return numbers;
}

template <typename Real>
std::vector<at::Tensor> parted(const std::vector<Real>& numbers, const RecordedRun& run,
                               int64_t step) {
  const auto& parameters = run.description().parameters;
  std::vector<at::Tensor> gradients(parameters.size());
  const Real* from = numbers.data();
  for (size_t p = 0; p < parameters.size(); ++p) {
    if (!run.stepped(step, p)) continue;
    gradients[p] = at::empty(parameters[p].shape, type_of(run));
    std::copy_n(from, gradients[p].numel(), gradients[p].data_ptr<Real>());
    from += gradients[p].numel();
  }
  return gradients;
}

}  // namespace

template <typename Real>
std::vector<std::vector<Real>> ReplayRanks::gradients_from(int64_t own, int64_t steps) const {
  std::vector<Real> mine;
  agree(world_, [&] {
    stop_.require_down();
    if (own < steps) mine = joined<Real>(gradients_.of_step(own));
  });
  return world_.all_gather(mine);
}

template <typename Real>
void ReplayRanks::run_in(int64_t steps, const Work& work, const Fold& fold) const {
  OptimizerReplay replay(run_);
  for (int64_t first = 0; first < steps; first += world_.size()) {
    const int64_t own = first + world_.rank(), end = std::min(first + world_.size(), steps);
    const std::vector<std::vector<Real>> all = gradients_from<Real>(own, steps);
    std::vector<double> mine;
    agree(world_, [&] {
      for (int64_t s = first; s < end; ++s) {
        replay.advance(parted(all[static_cast<size_t>(s - first)], run_, s));
        if (s == own) mine = work(s, replay);
      }
    });
    const std::vector<std::vector<double>> done = world_.all_gather(mine);
    for (int64_t s = first; s < end; ++s) fold(s, done[static_cast<size_t>(s - first)]);
  }
}

void ReplayRanks::run(int64_t steps, const Work& work, const Fold& fold) const {
  if (type_of(run_) == at::kDouble) {
    run_in<double>(steps, work, fold);
  } else {
    run_in<float>(steps, work, fold);
  }
}

}  // namespace explaind
