#pragma once
// Which pieces of a SentencePiece model are user-defined symbols: the library's C++ interface does
// not say.

#include <set>
#include <string>
#include <string_view>

namespace explaind {

/// The texts of the user-defined symbols of a serialised model: the library takes them whole
/// wherever they stand in a text. Empty for bytes that are no such message.
std::set<std::string> user_defined_symbols(std::string_view model);

}  // namespace explaind
