#pragma once
// Training a language model on a stream of tokens.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "model/network.hpp"
#include "training/optimizer.hpp"
#include "training/schedule.hpp"

namespace explaind {

struct TrainingOptions {
  int64_t batch = 16;             ///< sequences a step
  int64_t sequence_length = 128;  ///< tokens predicted per sequence
  Schedule schedule;
  Hyperparameters optimizer;      ///< AdamW's
  std::vector<bool> decays = {};  ///< per parameter, whether weight decay moves it; empty: matrices
  double max_gradient_norm = 1.0;
  /// Of the mean of (log Σ exp logits)² over all predicted tokens, which is added to the loss.
  double z_loss = 0;
  uint64_t seed = 0;
};

inline constexpr int64_t reference_windows = 32;

/// Trains all parameters of `network` in fp32 on random windows of `tokens`. The same seed, thread
/// count and machine give the same run.
///
/// before: called with s = 0 … steps and the weights θ_s (one per parameter); s = steps after the
/// last step. after: called after each step with its number (1 …) and its mean cross-entropy in
/// nats per token.
class LanguageModelTraining {
 public:
  using Before = std::function<void(int64_t step, const std::vector<at::Tensor>& weights)>;
  using After = std::function<void(int64_t step, double loss)>;

  LanguageModelTraining(const Network& network, std::vector<int64_t> tokens,
                        const TrainingOptions& options);
  void run(const Before& before, const After& after);

  /// Its moments, and the hyper-parameters of the step that comes next; of AdamW. From the first
  /// `before` on.
  [[nodiscard]] Optimizer& optimizer() { return *optimizer_; }

  /// Mean loss in nats per token of `reference_windows` windows, the same throughout the run:
  /// comparable between steps.
  [[nodiscard]] double reference_loss();

 private:
  [[nodiscard]] at::Tensor draw_windows(int64_t count, at::Generator& generator);
  /// Mean cross-entropy of windows, and what the training adds to it: undefined where nothing.
  struct Losses {
    at::Tensor cross_entropy, z;
  };
  [[nodiscard]] Losses losses_of(const at::Tensor& windows);

  const Network& network_;
  std::vector<int64_t> tokens_;
  TrainingOptions options_;
  at::Generator generator_;
  std::vector<at::Tensor> weights_;
  std::unique_ptr<Optimizer> optimizer_;
};

}  // namespace explaind
