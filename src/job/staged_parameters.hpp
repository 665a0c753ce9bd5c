#pragma once
// Weights of a staged series: its checkpoints are brought when a segment is loaded.

#include <memory>
#include <utility>

#include "job/subject.hpp"
#include "parameters/forwarded_parameters.hpp"
#include "path/trajectory.hpp"

namespace explaind {

/// @collective: load(), over all ranks of the job, which load the same segments
class StagedParameters final : public ForwardedParameters {
 public:
  /// subject and trajectory must outlive this.
  StagedParameters(std::shared_ptr<ParameterSource> of, const Subject& subject,
                   const Trajectory& trajectory)
      : of_(std::move(of)), subject_(subject), trajectory_(trajectory) {}

  void load(int64_t segment) override {
    subject_.bring({static_cast<size_t>(trajectory_.point(segment, false)),
                    static_cast<size_t>(trajectory_.point(segment, true))});
    of_->load(segment);
  }

 private:
  [[nodiscard]] ParameterSource& source() const override { return *of_; }

  std::shared_ptr<ParameterSource> of_;
  const Subject& subject_;
  const Trajectory& trajectory_;
};

}  // namespace explaind
