#include "report/token_texts.hpp"

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>
#include <optional>

namespace explaind {
namespace {

using nlohmann::json;

/// A character of a piece as UTF-8, and how many bytes it has there.
size_t length_of(unsigned char first) {
  return first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
}

void append_utf8(std::string& text, int character) {
  if (character < 0x80) {
    text += static_cast<char>(character);
  } else {
    text += static_cast<char>(0xC0 | character >> 6);
    text += static_cast<char>(0x80 | (character & 0x3F));
  }
}

/// Byte-level tokenizers write every byte as a printable character: those that are none, from 256
/// on in their order.
const std::map<std::string, char>& bytes_of_characters() {
  static const std::map<std::string, char> bytes = [] {
    std::map<std::string, char> made;
    int next = 256;
    for (int byte = 0; byte < 256; ++byte) {
      const bool printable = (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) ||
                             (byte >= 0xAE && byte <= 0xFF);
      std::string character;
      append_utf8(character, printable ? byte : next++);
      made[character] = static_cast<char>(byte);
    }
    return made;
  }();
  return bytes;
}

std::string text_of_bytes(const std::string& piece) {
  std::string text;
  for (size_t i = 0; i < piece.size(); i += length_of(static_cast<unsigned char>(piece[i]))) {
    const std::string character = piece.substr(i, length_of(static_cast<unsigned char>(piece[i])));
    const auto byte = bytes_of_characters().find(character);
    if (byte == bytes_of_characters().end()) {
      text += character;
    } else {
      text += byte->second;
    }
  }
  return text;
}

std::string with_blanks(std::string piece) {
  for (size_t at = 0; (at = piece.find("▁", at)) != std::string::npos;) piece.replace(at, 3, " ");
  return piece;
}

/// Of "<0xE5>", as SentencePiece writes a byte.
std::optional<char> byte_of(const std::string& piece) {
  if (piece.size() != 6 || !piece.starts_with("<0x") || piece.back() != '>') return std::nullopt;
  const std::string digits = piece.substr(3, 2);
  if (digits.find_first_not_of("0123456789ABCDEFabcdef") != std::string::npos) return std::nullopt;
  return static_cast<char>(std::stoi(digits, nullptr, 16));
}

/// Takes the characters that are whole off the front; a dot where none is: the token that completes
/// a character shows it.
std::string whole_characters(std::string& pending) {
  size_t end = 0;
  while (end < pending.size()) {
    const size_t next = end + length_of(static_cast<unsigned char>(pending[end]));
    if (next > pending.size()) break;
    end = next;
  }
  const std::string text = pending.substr(0, end);
  pending.erase(0, end);
  return text.empty() ? "·" : text;
}

/// Blanks are written as Ġ by those tokenizers alone.
bool is_byte_level(const json& samples) {
  for (const json& sample : samples) {
    for (const json& piece : sample.value("pieces", json::array())) {
      if (piece.is_string() && piece.get<std::string>().starts_with("Ġ")) return true;
    }
  }
  return false;
}

}  // namespace

std::vector<std::vector<std::string>> token_texts(const StoreReader& store) {
  std::vector<std::vector<std::string>> tokens;
  if (!store.has("tokens")) return tokens;
  const std::vector<std::string> documents = store.texts("tokens");
  if (documents.empty()) return tokens;
  const json samples = json::parse(documents.front(), nullptr, false);
  if (!samples.is_array()) return tokens;
  const bool bytes = is_byte_level(samples);
  for (const json& sample : samples) {
    tokens.emplace_back();
    const json ids = sample.value("ids", json::array());
    const json pieces = sample.value("pieces", json::array());
    std::string pending;  // bytes of a character that is not whole yet
    for (size_t i = 0; i < ids.size(); ++i) {
      const std::string piece =
          i < pieces.size() && pieces[i].is_string() ? pieces[i].get<std::string>() : "";
      if (piece.empty()) {
        tokens.back().push_back(fmt::format("[{}]", ids[i].dump()));
        continue;
      }
      pending += byte_of(piece) ? std::string(1, *byte_of(piece))
                 : bytes        ? text_of_bytes(piece)
                                : with_blanks(piece);
      tokens.back().push_back(whole_characters(pending));
    }
  }
  return tokens;
}

}  // namespace explaind
