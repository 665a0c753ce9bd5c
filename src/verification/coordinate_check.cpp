#include "verification/coordinate_check.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "store/label_checksums.hpp"

namespace explaind {
namespace {

void check_steps(const StoreReader& store, Check& check) {
  if (!store.has("step_from") || !store.has("step_to")) return;
  const std::vector<int64_t> from = store.numbers("step_from"), to = store.numbers("step_to");
  check.checked += static_cast<int64_t>(from.size());
  if (from.size() != to.size()) {
    check.fail(fmt::format("step_from has {} entries and step_to {}", from.size(), to.size()));
    return;
  }
  for (size_t i = 0; i < from.size(); ++i) {
    if (from[i] >= to[i]) {
      check.fail(fmt::format("segment {} goes from step {} to {}", i, from[i], to[i]));
    }
    if (i > 0 && from[i] < to[i - 1]) {
      check.fail(fmt::format("segment {} begins at step {}, before segment {} ends at {}", i,
                             from[i], i - 1, to[i - 1]));
    }
  }
}

void check_once(const StoreReader& store, const std::string& name, Check& check) {
  if (!store.has(name) || !store.is_text(name)) return;
  std::set<std::string> seen;
  for (const std::string& text : store.texts(name)) {
    ++check.checked;
    if (!seen.insert(text).second) check.fail(fmt::format("{} '{}' is there twice", name, text));
  }
}

/// Dimensions without labels count 0, 1, …
void check_counts(const StoreReader& store, const std::string& name, Check& check) {
  if (!store.has(name) || store.is_text(name)) return;
  const std::vector<int64_t> numbers = store.numbers(name);
  check.checked += static_cast<int64_t>(numbers.size());
  for (size_t i = 0; i < numbers.size(); ++i) {
    if (numbers[i] == static_cast<int64_t>(i)) continue;
    check.fail(fmt::format("{} has {} in place of {}", name, numbers[i], i));
    return;
  }
}

/// What the store says of its labels, of those that are there whole: a part of a store has others.
void check_checksums(const StoreReader& store, Check& check) {
  const std::map<std::string, int64_t> sizes = store.sizes();
  for (const auto& [name, crc] : stored_label_checksums(store)) {
    if (!store.has(name)) continue;
    const StoredVariable label = store.variable(name);
    const auto made = label.dims.empty() ? sizes.end() : sizes.find(label.dims.front());
    if (made == sizes.end() || made->second != label.shape.front()) continue;
    const std::string found = label_checksum(store, name);
    if (found != crc) {
      check.fail(
          fmt::format("the labels {} have the CRC-32 {}, and were made with {}", name, found, crc));
    }
  }
}

}  // namespace

void check_coordinates(const StoreReader& store, Check& check) {
  check_checksums(store, check);
  check_steps(store, check);
  for (const char* name : {"id", "component", "train_id"}) check_once(store, name, check);
  for (const char* name : {"segment", "sample"}) check_counts(store, name, check);
}

}  // namespace explaind
