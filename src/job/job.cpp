#include "job/job.hpp"

#include "comm/agree_on_files.hpp"
#include "job/checkpoint_values.hpp"
#include "job/provenance.hpp"
#include "job/scalar_job.hpp"
#include "job/training_axis_job.hpp"
#include "job/unit_job.hpp"

namespace explaind {
namespace {

std::unique_ptr<Job> job_of_kind(std::unique_ptr<Problem> problem, const Place& place) {
  if (problem->question.scalars) return std::make_unique<ScalarJob>(std::move(problem), place);
  if (problem->run() && problem->question.keeps_training()) {
    return std::make_unique<TrainingAxisJob>(std::move(problem), place);
  }
  return std::make_unique<UnitJob>(std::move(problem), place);
}

}  // namespace

std::unique_ptr<Job> make_job(const Subject& subject, const Question& question,
                              const Place& place) {
  std::unique_ptr<Job> job;
  agree_on_files(place.world, [&] {
    job = job_of_kind(std::make_unique<Problem>(subject, question, place.device.device), place);
  });
  require_same_inputs(job->problem(), place.world);
  job->settle();
  return job;
}

void Job::settle() {
  const Communicator& world = place_.world;
  const MemoryBudget least = least_budget(place_.budget, world);
  if (problem_->subject.stage() != nullptr) {
    if (place_.shards && *place_.shards != place_.ranks) {
      throw UsageError("--stage", "brings two checkpoints at a time, which all ranks work on",
                       "Leave out --shards and --segment-groups");
    }
    choice_ = {static_cast<int>(place_.ranks), "they share the two checkpoints that are there"};
  } else {
    choice_ =
        place_.shards ? GridChoice{*place_.shards, "as asked"} : choose_grid(place_.ranks, least);
  }
  if (place_.ranks == world.size()) grid_.emplace(world, choice_.shards);
  budget_ = grid_ ? least_budget(place_.budget, grid_->segment_group()) : least;
  agree(world, [&] { memory_ = plan_memory(choice_.shards); });
}

void Job::require_inputs(const Control& control) const {
  const Communicator& world = place_.world;
  agree(world, [&] {
    problem_->subject.require_unused_agree(world.rank(), world.size());
    problem_->subject.require_finite(world.rank(), world.size(), control.stop);
  });
}

void Job::assume(const std::optional<CheckpointValues>& values) {
  if (problem_->steps) return;
  const std::vector<int64_t> steps = steps_of(problem_->path());
  const std::vector<double> change =
      values ? values->changes() : std::vector<double>(steps.size() - 1, 1.0);
  const StepPolicy policy = problem_->question.step_policy;
  problem_->set_segments(select_segments(problem_->question.steps, policy, steps, change),
                         policy == StepPolicy::sum);
}

CheckpointValues Job::values(const Control& control) const {
  const Communicator& world = place_.world;
  if (grid_) return values_at_checkpoints(*problem_, memory_, {world, *grid_}, control);
  // Planned for other ranks: those that there are work each on its own.
  const ProcessGrid alone(world, 1);
  MemoryPlan memory = memory_;
  if (choice_.shards != 1) agree(world, [&] { memory = plan_memory(1); });
  return values_at_checkpoints(*problem_, memory, {world, alone}, control);
}

}  // namespace explaind
