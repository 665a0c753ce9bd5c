#pragma once
// Reads the pickle of a state dict without running anything.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "checkpoint/plain_data.hpp"

namespace explaind {

/// The tensors of a pickled state.
struct StateDict {
  std::vector<PickledTensor> tensors;  ///< in the pickle's order, named by their keys
  std::string entry;  ///< "model" where they lay in {"model": {name: tensor}}; "state/model"
  std::vector<std::string> left;  ///< keys of entries that are no tensors (step, None, …)
};

/// The tensors of a pickled dict {name: tensor}, or of one within it under a name that training
/// programs use (state_dict, model, …): {"model": {name: tensor}, "step": 3}.
///
/// A pickle is a program. This interpreter knows the operations that plain data need and the names
/// torch.save uses for tensors of a state dict (storages, _rebuild_tensor_v2, _rebuild_parameter,
/// _rebuild_from_type_v2, OrderedDict); for every other name or operation it throws DataError that
/// quotes it, before anything is done with it. It never imports, calls or constructs anything else.
/// What it returns refers to the pickle's bytes. Refused too: no tensors, or those of two states.
StateDict unpickle_state_dict(std::span<const std::byte> pickle, const std::string& where);

/// All that the pickle holds, under the same rules: an optimizer's or a scheduler's state. Objects
/// of `records` are data alone (PlainObject). Throws DataError also where it is nested deeper than
/// 32, in a circle, or stands for many more values than it is long.
PlainData unpickle_plain_data(std::span<const std::byte> pickle, const std::string& where,
                              const RecordTypes& records = {});

/// A storage that a pickle names.
struct PickledStorage {
  std::string_view key;
  Dtype dtype = Dtype::f32;
};

/// Where one pickle ends, and what it names: for files that hold several in a row.
struct PickleExtent {
  std::span<const std::byte> pickle, rest;
  std::vector<PickledStorage> storages;
};
PickleExtent first_pickle(std::span<const std::byte> pickles, const std::string& where);

/// A command that loads a file of torch.save and saves it in its newest form; the file as it was
/// stays beside it as FILE.old.
std::string resave_command(const std::string& file);

}  // namespace explaind
