#pragma once
// Bytes as characters that can be seen: the alphabet of byte-level BPE (GPT-2's).

#include <string>
#include <string_view>

namespace explaind {

/// Each byte as its character: itself where it can be seen in Latin-1, else the next from U+0100.
/// One or two bytes long each.
std::string in_byte_alphabet(std::string_view bytes);

}  // namespace explaind
