#pragma once
// The exactness table: predictions reconstructed from the kernel side of a recorded run, against
// the model's own.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "comm/communicator.hpp"
#include "core/stop_flag.hpp"
#include "quadrature/options.hpp"
#include "runs/recorded_run.hpp"
#include "solver/step_integrals.hpp"
#include "study/agreement.hpp"
#include "study/sparsity.hpp"
#include "training/run_gradients.hpp"

namespace explaind {

/// A recorded run, and the outputs of its model that are reconstructed. All must outlive the study.
struct FollowedRun {
  const Model& model;
  const RecordedRun& run;
  const RunGradients& gradients;
  const Followed& followed;
};

struct NamedRule {
  std::string name;  ///< as the user writes it
  QuadratureOptions rule;
};

struct ExactnessOptions {
  std::vector<NamedRule> rules;
  int64_t steps = 0;                ///< of the run, from its beginning
  int64_t reports = 4;              ///< lines along the way, evenly spaced, the end among them
  std::vector<double> kept_shares;  ///< step sparsity with the last rule; empty: not asked for
};

/// The table's line of one rule after so many steps.
struct ExactnessLine {
  int64_t steps = 0;
  std::string rule;
  Agreement agreement;
  double evaluations = 0;  ///< of derivatives, a step and sample
  double seconds = 0;      ///< of all ranks together, in the rule alone
  int64_t missed = 0;      ///< (step, sample) pairs that did not reach the tolerance
};

struct Exactness {
  std::vector<ExactnessLine> lines;  ///< by steps, then in the rules' order
  std::vector<SparseReconstruction> sparsity;
  double largest_rounding = 0;  ///< of any logit: what the roundings of all updates did together
};

/// For every rule f(θ_0) + Σ_s Σ_q w_q J(θ_s(t_q)) u_s, u_s = Σ_k data part + decay part of the
/// replayed optimizer's update (method.md §2); its rounding part is left out, and what it did is
/// reported (from J at t = ½, since it is as good as constant). Steps are shared by the ranks and
/// added in their order: the same numbers on any number of ranks. finished: called on rank 0 after
/// every step. The result is on every rank. @collective over world
Exactness study_exactness(const FollowedRun& subject, const ExactnessOptions& options,
                          const Communicator& world, const StopFlag& stop,
                          const std::function<void(int64_t step)>& finished);

}  // namespace explaind
