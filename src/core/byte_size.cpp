#include "core/byte_size.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <exception>

#include "core/error.hpp"

namespace explaind {

std::string format_bytes(double bytes) {
  const char* const units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
  size_t unit = 0;
  while (bytes >= 999.5 && unit + 1 < std::size(units)) {
    bytes /= 1000;
    ++unit;
  }
  return unit == 0 ? fmt::format("{:.0f} B", bytes) : fmt::format("{:.3g} {}", bytes, units[unit]);
}

int64_t parse_bytes(const std::string& option, const std::string& text) {
  size_t used = 0;
  double number = -1;
  try {
    number = std::stod(text, &used);
  } catch (const std::exception&) {
    used = 0;
  }
  while (used < text.size() && text[used] == ' ') ++used;
  const std::string unit = text.substr(used);
  const bool binary = unit.size() == 3 && unit[1] == 'i';
  const std::string letters = "kMGT";
  double scale = 1;
  bool known = unit.empty() || unit == "B";
  if (!known && (binary || unit.size() == 2) && unit.back() == 'B') {
    const size_t power = letters.find(binary && unit[0] == 'K' ? 'k' : unit[0]);
    known = power != std::string::npos;
    scale = std::pow(binary ? 1024.0 : 1000.0, static_cast<double>(power + 1));
  }
  if (!known || !(number > 0) || number * scale > 9e18) {
    throw UsageError("--" + option, "'" + text + "' is no size",
                     "Write it as 20GiB, 800MB or 1048576");
  }
  return static_cast<int64_t>(number * scale);
}

std::string format_duration(double seconds) {
  if (seconds < 9.995) return fmt::format("{:.2f} s", seconds);
  const auto whole = static_cast<int64_t>(std::llround(seconds));
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole % 3600 / 60);
}

}  // namespace explaind
