#pragma once
// Names that a pickle of a training program may hold besides those of tensors.

#include <string_view>
#include <vector>

namespace explaind {

/// Classes and functions of what training programs save for themselves: nothing of them is called.
const std::vector<std::string_view>& training_names();
/// The name as it is known here, where it is one of them; else empty.
std::string_view training_name(std::string_view name);

/// A function that looks a member up by its name: of an enumeration, as Python 3.11 saves it.
bool is_member_lookup(std::string_view name);
/// torch.Size, whose instances are read as lists.
bool is_list_class(std::string_view name);

}  // namespace explaind
