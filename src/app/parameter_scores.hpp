#pragma once
// decompose --component parameter: a score for every scalar of the model (engine B).

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "app/decompose_job.hpp"
#include "comm/communicator.hpp"
#include "comm/dispatcher.hpp"
#include "config/decompose_options.hpp"
#include "planner/memory_plan.hpp"
#include "planner/workspace.hpp"
#include "store/influence_store.hpp"
#include "sweeps/dense_pass.hpp"
#include "tensors/device.hpp"

namespace explaind {

bool keeps_parameters(const DecomposeOptions& options);

/// Throws UsageError for what does not go with scores of single scalars, as far as options say.
void require_parameter_options(const DecomposeOptions& options);

/// choose_device of --device, but the processor for single scalars.
ChosenDevice device_of(const DecomposeOptions& options, int rank);

/// The memory plan of one of `shards` ranks that share units; more rows at once where they fit.
/// Throws UsageError that says what to do where one row does not.
MemoryPlan parameter_memory(const DecomposeJob& job, int shards, const MemoryBudget& budget);

/// Whether decay can be told apart for every scalar: of a run of AdamW whose pieces are steps. Then
/// the store has the variable `balance`.
bool keeps_balance(const DecomposeJob& job);

/// Engine B of the job's model over weights that are resident. References must outlive it.
std::unique_ptr<DensePass> dense_pass_of(const DecomposeJob& job, ParameterSource& parameters);

/// run_units with scalars: each unit's go to `writer` before `keep` gets its tile. @collective over
/// group, as run_units is
void run_parameter_units(const DecomposeJob& job, const MemoryPlan& memory,
                         const Workspace& workspace, Dispatcher& dispatcher,
                         const Communicator& group, const std::vector<int64_t>& todo,
                         const UnitSolver& solver, StoreWriter& writer,
                         const std::function<void(const ScoreTile&)>& keep);

}  // namespace explaind
