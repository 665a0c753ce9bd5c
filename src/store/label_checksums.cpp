#include "store/label_checksums.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <sstream>
#include <utility>
#include <variant>

#include "store/crc32.hpp"

namespace explaind {
namespace {

std::string crc_of_texts(const std::vector<std::string>& values) {
  uint32_t crc = 0;
  for (const std::string& value : values) crc = crc32_of(crc, value.c_str(), value.size() + 1);
  return fmt::format("{:08x}", crc);
}

std::string crc_of_numbers(const std::vector<int64_t>& values) {
  std::vector<std::string> texts;
  texts.reserve(values.size());
  for (const int64_t value : values) texts.push_back(std::to_string(value));
  return crc_of_texts(texts);
}

}  // namespace

std::string label_checksums(const std::vector<Labels>& labels) {
  std::string text;
  for (const Labels& each : labels) {
    if (each.name.find('/') != std::string::npos) continue;  // those count, and nothing else
    const auto* numbers = std::get_if<std::vector<int64_t>>(&each.values);
    const std::string crc = numbers != nullptr
                                ? crc_of_numbers(*numbers)
                                : crc_of_texts(std::get<std::vector<std::string>>(each.values));
    text += fmt::format("{}{} {}", text.empty() ? "" : " ", each.name, crc);
  }
  return text;
}

std::map<std::string, std::string> stored_label_checksums(const StoreReader& store) {
  std::map<std::string, std::string> found;
  for (const auto& [name, text] : store.attributes()) {
    if (name != label_checksums_attribute) continue;
    std::istringstream words(text);
    for (std::string label, crc; words >> label >> crc;) found[label] = crc;
  }
  return found;
}

std::string label_checksum(const StoreReader& store, const std::string& name) {
  return store.is_text(name) ? crc_of_texts(store.texts(name))
                             : crc_of_numbers(store.numbers(name));
}

}  // namespace explaind
