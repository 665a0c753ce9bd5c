#include "tokenizers/piece_types.hpp"

#include <cstdint>
#include <optional>

namespace explaind {
namespace {

/// The fields of a protobuf message, one after the other.
class Fields {
 public:
  explicit Fields(std::string_view message) : rest_(message) {}

  struct Field {
    uint64_t number;
    uint64_t value;          ///< of a varint
    std::string_view bytes;  ///< of a text or a message within
  };

  /// The next field; nothing at the end, or where the bytes are no message.
  std::optional<Field> next() {
    const std::optional<uint64_t> key = varint();
    if (!key) return std::nullopt;
    Field field{.number = *key >> 3, .value = 0, .bytes = {}};
    switch (*key & 7) {
      case 0: {
        const std::optional<uint64_t> value = varint();
        if (!value) return std::nullopt;
        field.value = *value;
        return field;
      }
      case 1:
        return take(8, field);
      case 2: {
        const std::optional<uint64_t> size = varint();
        return size ? take(*size, field) : std::nullopt;
      }
      case 5:
        return take(4, field);
      default:
        return std::nullopt;
    }
  }

 private:
  std::optional<uint64_t> varint() {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      value |= static_cast<uint64_t>(byte & 0x7fU) << shift;
      if (byte < 0x80U) return value;
    }
    return std::nullopt;
  }
  std::optional<Field> take(uint64_t size, Field field) {
    if (size > rest_.size()) return std::nullopt;
    field.bytes = rest_.substr(0, static_cast<size_t>(size));
    rest_.remove_prefix(static_cast<size_t>(size));
    return field;
  }

  std::string_view rest_;
};

}  // namespace

std::set<std::string> user_defined_symbols(std::string_view model) {
  constexpr uint64_t pieces = 1, text = 1, type = 3, user_defined = 4;
  std::set<std::string> found;
  Fields fields(model);
  while (const auto field = fields.next()) {
    if (field->number != pieces) continue;
    std::string_view name;
    uint64_t kind = 1;  // normal
    Fields piece(field->bytes);
    while (const auto inner = piece.next()) {
      if (inner->number == text) name = inner->bytes;
      if (inner->number == type) kind = inner->value;
    }
    if (kind == user_defined) found.emplace(name);
  }
  return found;
}

}  // namespace explaind
