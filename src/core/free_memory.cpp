#include "core/free_memory.hpp"

#include <algorithm>
#include <fstream>
#include <string>

namespace explaind {
namespace {

/// The number in a file that holds one; −1 where there is none ("max").
int64_t number_in(const char* path) {
  std::ifstream in(path);
  int64_t value = -1;
  return in >> value ? value : -1;
}

int64_t available() {
  std::ifstream in("/proc/meminfo");
  for (std::string word; in >> word;) {
    int64_t kibibytes = 0;
    if (word == "MemAvailable:" && in >> kibibytes) return kibibytes << 10;
  }
  return 0;
}

}  // namespace

int64_t free_memory() {
  const int64_t limit = number_in("/sys/fs/cgroup/memory.max");
  const int64_t used = number_in("/sys/fs/cgroup/memory.current");
  // Of what is used, the page cache could be given back; it is counted as used here all the same.
  const int64_t left = limit >= 0 && used >= 0 ? std::max<int64_t>(limit - used, 0) : INT64_MAX;
  return std::min(available(), left);
}

}  // namespace explaind
