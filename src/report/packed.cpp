#include "report/packed.hpp"

#include <bit>
#include <cmath>
#include <cstdint>
#include <string>

namespace explaind {
namespace {

std::string base64(const std::vector<uint8_t>& bytes) {
  static constexpr const char* digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t rest = bytes.size() - i;
    const uint32_t group = (static_cast<uint32_t>(bytes[i]) << 16) |
                           (rest > 1 ? static_cast<uint32_t>(bytes[i + 1]) << 8 : 0) |
                           (rest > 2 ? static_cast<uint32_t>(bytes[i + 2]) : 0);
    text += digits[group >> 18];
    text += digits[group >> 12 & 63];
    text += rest > 1 ? digits[group >> 6 & 63] : '=';
    text += rest > 2 ? digits[group & 63] : '=';
  }
  return text;
}

}  // namespace

nlohmann::json packed(const std::vector<size_t>& shape, const std::vector<double>& values) {
  std::vector<uint8_t> bytes;
  bytes.reserve(values.size() * 4);
  for (const double value : values) {
    const auto bits = std::bit_cast<uint32_t>(static_cast<float>(value));
    for (int shift = 0; shift < 32; shift += 8) bytes.push_back(bits >> shift & 255);
  }
  return {{"shape", shape}, {"f32", base64(bytes)}};
}

nlohmann::json number(double value) {
  return std::isfinite(value) ? nlohmann::json(value) : nlohmann::json();
}

}  // namespace explaind
