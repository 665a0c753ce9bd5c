#pragma once
// Reads the pickle of a state dict without running anything.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "checkpoint/tensor_view.hpp"

namespace explaind {

/// A tensor as the pickle describes it: a window of a storage.
struct PickledTensor {
  std::string name;  ///< its key in the dict
  Dtype dtype = Dtype::f32;
  std::string storage;                       ///< name of the storage's entry under data/
  int64_t storage_elements = 0, offset = 0;  ///< elements
  std::vector<int64_t> shape, strides;       ///< strides in elements
};

/// The tensors of a pickled dict {name: tensor}, in its order.
///
/// A pickle is a program. This interpreter knows the operations that plain data need and the names
/// torch.save uses for tensors of a state dict (storages, _rebuild_tensor_v2, _rebuild_parameter,
/// _rebuild_from_type_v2, OrderedDict); for every other name or operation it throws DataError that
/// quotes it, before anything is done with it. It never imports, calls or constructs anything else.
std::vector<PickledTensor> unpickle_state_dict(std::span<const std::byte> pickle,
                                               const std::string& where);

}  // namespace explaind
