#pragma once
// Reads the pickle of a state dict without running anything.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "checkpoint/plain_data.hpp"

namespace explaind {

/// The tensors of a pickled dict {name: tensor}, in its order.
///
/// A pickle is a program. This interpreter knows the operations that plain data need and the names
/// torch.save uses for tensors of a state dict (storages, _rebuild_tensor_v2, _rebuild_parameter,
/// _rebuild_from_type_v2, OrderedDict); for every other name or operation it throws DataError that
/// quotes it, before anything is done with it. It never imports, calls or constructs anything else.
std::vector<PickledTensor> unpickle_state_dict(std::span<const std::byte> pickle,
                                               const std::string& where);

/// All that the pickle holds, under the same rules: an optimizer's or a scheduler's state. Throws
/// DataError also where it is nested deeper than 32, or in a circle.
PlainData unpickle_plain_data(std::span<const std::byte> pickle, const std::string& where);

}  // namespace explaind
