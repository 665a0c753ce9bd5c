#include "tokenizers/byte_alphabet.hpp"

#include <array>

#include "tokenizers/characters.hpp"

namespace explaind {

std::string in_byte_alphabet(std::string_view bytes) {
  static const std::array<std::string, 256> alphabet = [] {
    std::array<std::string, 256> made;
    char32_t next = 0x100;
    for (char32_t byte = 0; byte < 256; ++byte) {
      const bool seen = (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte != 0xAD);
      made[byte] = character(seen ? byte : next++);
    }
    return made;
  }();
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const char byte : bytes) text += alphabet[static_cast<unsigned char>(byte)];
  return text;
}

}  // namespace explaind
