#pragma once
// F at the ends of segments, in a precision of its own.

#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "parameters/parameter_source.hpp"
#include "path/trajectory.hpp"
#include "sweeps/sweep.hpp"

namespace explaind {

/// Evaluates as another sweep does, but for F at t = 0 and t = 1: these values come from forward
/// passes in a precision of their own. The residual F(1) − F(0) − Ψ then measures the scores and
/// not the rounding of two losses, which in fp32 is larger than theirs.
///
/// A micro-batch runs whole, whoever asks, so that its values are the same in every round.
/// Neighbouring segments share an end: its values are kept for the next one.
class EndValues final : public Sweep {
 public:
  /// values: of the parameters `at_ends`. All references must outlive this, `parameters` is what
  /// `scores` computes with.
  EndValues(std::unique_ptr<Sweep> scores, const ParameterSource& parameters,
            std::unique_ptr<Sweep> values, std::unique_ptr<ParameterSource> at_ends,
            const Trajectory& trajectory, const ComponentTable& table)
      : scores_(std::move(scores)),
        parameters_(parameters),
        at_ends_(std::move(at_ends)),
        values_(std::move(values)),
        trajectory_(trajectory),
        table_(table) {}

  void run(const ChunkBatches& chunk, const std::vector<Ask>& asks,
           ScoreAccumulator& sink) override;
  [[nodiscard]] bool moves() const override { return scores_->moves(); }
  [[nodiscard]] const Device& device() const override { return scores_->device(); }

 private:
  /// A point of the trajectory, and the first sample of a chunk.
  using Place = std::pair<int64_t, int64_t>;
  [[nodiscard]] Place place(bool to, const ChunkBatches& chunk) const {
    return {trajectory_.point(parameters_.segment(), to), chunk.begin};
  }
  /// Makes F of all of the chunk's samples known, at the ends that are asked for.
  void find(const ChunkBatches& chunk, const std::vector<Ask>& asks);

  std::unique_ptr<Sweep> scores_;
  const ParameterSource& parameters_;
  std::unique_ptr<ParameterSource> at_ends_;
  std::unique_ptr<Sweep> values_;
  const Trajectory& trajectory_;
  const ComponentTable& table_;
  std::map<Place, std::vector<double>> known_;  ///< per sample and output of the chunk
  std::vector<Ask> asks_;                       ///< without what asks for a value alone
};

}  // namespace explaind
