#include "core/unfinished.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <climits>
#include <cstdint>
#include <cstdio>
#include <random>

namespace explaind {
std::string host_name() {
  std::array<char, HOST_NAME_MAX + 1> name{};
  gethostname(name.data(), name.size() - 1);
  return name.data();
}

std::string fresh_tag() {
  std::string host;
  for (const char letter : host_name()) {
    if (host.size() == 24) break;  // names of files have 255 bytes
    host += std::isalnum(static_cast<unsigned char>(letter)) != 0 ? letter : '_';
  }
  std::random_device random;
  const uint64_t number = (uint64_t{random()} << 32) | random();
  std::array<char, 17> hex{};
  std::snprintf(hex.data(), hex.size(), "%016llx", static_cast<unsigned long long>(number));
  return (host.empty() ? "host" : host) + "-" + std::to_string(getpid()) + "-" + hex.data();
}

const std::string& process_tag() {
  static std::string tag = fresh_tag();
  static pid_t owner = getpid();
  if (getpid() != owner) {  // a fork is another process
    tag = fresh_tag();
    owner = getpid();
  }
  return tag;
}

bool is_process_tag(const std::string& name) {
  const size_t random = name.rfind('-');
  if (random == std::string::npos || random == 0 || name.size() - random != 17) return false;
  const size_t pid = name.rfind('-', random - 1);
  if (pid == std::string::npos || pid == 0 || pid + 1 == random) return false;
  const auto hex = [](char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; };
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  return std::all_of(name.begin() + static_cast<std::ptrdiff_t>(random) + 1, name.end(), hex) &&
         std::all_of(name.begin() + static_cast<std::ptrdiff_t>(pid) + 1,
                     name.begin() + static_cast<std::ptrdiff_t>(random), digit);
}

std::filesystem::path unfinished_path(const std::filesystem::path& path) {
  return path.string() + "." + process_tag() + ".tmp";
}

}  // namespace explaind
