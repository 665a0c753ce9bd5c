#pragma once
// What a pickle of plain data holds: numbers, texts, tensors, lists and dicts. Texts are views of
// the pickle's own bytes and live as long as these.

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "checkpoint/tensor_view.hpp"

namespace explaind {

/// A tensor as the pickle describes it: a window of a storage.
struct PickledTensor {
  std::string_view name;  ///< its key in the dict, where it is one of a state dict
  Dtype dtype = Dtype::f32;
  std::string_view storage;                  ///< name of the storage's entry under data/
  int64_t storage_elements = 0, offset = 0;  ///< elements
  std::vector<int64_t> shape, strides;       ///< strides in elements
};

struct PlainData;
/// The elements of a list or a tuple.
struct PlainList {
  std::vector<PlainData> items;
};
/// Keys are texts or whole numbers; both lists are as long.
struct PlainDict {
  std::vector<PlainData> keys, values;
};

/// Classes whose objects are read as the data that they would have been made of (PlainObject);
/// nothing of a class is run.
struct RecordTypes {
  std::vector<std::string_view> names = {};     ///< "torch.Size"
  std::vector<std::string_view> packages = {};  ///< all that begins so: "argparse."
};

/// An instance of a class of a training program, which nothing here has made: what it would be made
/// of, and its fields. A name that stands for itself (torch.float32) is a text.
struct PlainObject {
  std::string type;  ///< with its module
  std::vector<PlainData> arguments;
  std::vector<PlainData> state;  ///< one, mostly a dict, or none
};

struct PlainData {
  std::variant<std::monostate, bool, int64_t, double, std::string_view, PickledTensor, PlainList,
               PlainDict, PlainObject>
      held;

  template <typename T>
  [[nodiscard]] const T* as() const {
    return std::get_if<T>(&held);
  }
  /// The value of a dict's key, or of an object's field; null where this is neither or has none
  /// such.
  [[nodiscard]] const PlainData* find(std::string_view key) const;
  [[nodiscard]] const PlainData* find(int64_t key) const;
};

}  // namespace explaind
