#include "training/replay_ranks.hpp"

#include <ATen/ATen.h>

#include <cstring>
#include <string>

#include "training/tensor_of.hpp"

namespace explaind {
namespace {

/// The bytes of all gradients that are there, one after the other.
std::string pack(const std::vector<at::Tensor>& gradients) {
  std::string bytes;
  for (const at::Tensor& gradient : gradients) {
    if (!gradient.defined()) continue;
    const at::Tensor whole = gradient.contiguous();
    bytes.append(static_cast<const char*>(whole.const_data_ptr()), whole.nbytes());
  }
  return bytes;
}

std::vector<at::Tensor> unpack(const std::string& bytes, const RecordedRun& run, int64_t step) {
  const auto& parameters = run.description().parameters;
  std::vector<at::Tensor> gradients(parameters.size());
  size_t at = 0;
  for (size_t p = 0; p < parameters.size(); ++p) {
    if (!run.stepped(step, p)) continue;
    gradients[p] =
        at::empty(parameters[p].shape, scalar_type_of(run.description().dtype, parameters[p].name));
    std::memcpy(gradients[p].data_ptr(), bytes.data() + at, gradients[p].nbytes());
    at += gradients[p].nbytes();
  }
  return gradients;
}

}  // namespace

void ReplayRanks::run(int64_t steps, const Work& work, const Fold& fold) const {
  OptimizerReplay replay(run_);
  for (int64_t first = 0; first < steps; first += world_.size()) {
    const int64_t own = first + world_.rank();
    std::string mine;
    agree(world_, [&] {
      stop_.require_down();
      if (own < steps) mine = pack(gradients_.of_step(own));
    });
    const std::vector<std::string> all = world_.all_gather(mine);
    mine.clear();
    agree(world_, [&] {
      for (int64_t s = first; s < std::min(first + world_.size(), steps); ++s) {
        replay.advance(unpack(all[static_cast<size_t>(s - first)], run_, s));
        if (s == own) mine = work(s, replay);
      }
    });
    const std::vector<std::string> done = world_.all_gather(mine);
    for (int64_t s = first; s < std::min(first + world_.size(), steps); ++s) {
      fold(s, done[static_cast<size_t>(s - first)]);
    }
  }
}

}  // namespace explaind
