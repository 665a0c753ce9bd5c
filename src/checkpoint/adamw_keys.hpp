#pragma once
// Of which optimizer a state is, by what it keeps of a parameter.

#include <functional>
#include <string>

namespace explaind {

/// Refuses the state of an optimizer other than AdamW by its name, which its keys tell. has:
/// whether a parameter's state has a key. Throws DataError.
void require_adamw(const std::function<bool(const char*)>& has, const std::string& where);

}  // namespace explaind
