#pragma once
// AdamW's state out of files of torch.save, in whatever layout.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "checkpoint/layouts/saved_state.hpp"
#include "checkpoint/torch_file.hpp"
#include "checkpoint/torch_groups.hpp"

namespace explaind {

/// A file of a training program, read as plain data.
using TrainingFile = std::shared_ptr<const TorchData>;
TrainingFile open_training_file(const std::filesystem::path& path);
/// What is done with every weight file.
std::shared_ptr<const WeightFile> as_weight_file(const TrainingFile& file);

/// Throws DataError as TorchGroup does.
AdamWGroup adamw_of(const TorchGroup& group);

/// exp_avg or exp_avg_sq of what one optimizer keeps of `what`. Throws DataError where it is
/// missing, no tensor, of other numbers than F32 or F64, or the state of another optimizer.
TensorView moment_of(const TorchData& file, const PlainData& state, const std::string& key,
                     const std::string& what);
/// A count of steps: a number, or a tensor of one. Throws DataError where it is no whole number.
int64_t whole_steps(const TorchData& file, const PlainData& value, const std::string& what);
/// Its `step`; nothing where it has none. Throws as whole_steps.
std::optional<int64_t> updates_of(const TorchData& file, const PlainData& state,
                                  const std::string& what);

/// Throws DataError where the `_last_lr` of a scheduler's state, the rates of the next step, are
/// not the groups' own. scheduler: null, or anything else without them, says nothing.
void require_rates(const PlainData* scheduler, const std::vector<AdamWGroup>& groups,
                   const std::string& where);

}  // namespace explaind
