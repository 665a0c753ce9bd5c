#pragma once
// Numbers of attention heads along the component axis, as a store keeps them.

#include <cstdint>
#include <vector>

#include "scores/component.hpp"

namespace explaind {

/// Per component, −1 where it belongs to none. Where several heads query one key-value head
/// (grouped queries), keys and values have the numbers of theirs, which are those of no head; else
/// they belong to the head that queries them, and there are no key-value heads.
struct HeadNumbers {
  std::vector<int64_t> head, kv_head;
};

HeadNumbers head_numbers(const ComponentTable& components);

}  // namespace explaind
