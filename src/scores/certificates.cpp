#include "scores/certificates.hpp"

namespace explaind {
namespace {

/// The value that a member's vector holds.
template <typename T>
T element_of(std::vector<T> ScoreTile::* /*member*/);

}  // namespace

int64_t certificate_bytes(int64_t outputs) {
  int64_t bytes = 0;
  for (const Certificate& each : certificates()) {
    const auto width =
        std::visit([](auto member) { return sizeof(decltype(element_of(member))); }, each.of_tile);
    bytes += static_cast<int64_t>(width) * (each.per_output ? outputs : 1);
  }
  return bytes;
}

void begin_certificates(int64_t samples, int64_t outputs, ScoreTile& tile) {
  for (const Certificate& each : certificates()) {
    const auto count = static_cast<size_t>(samples * (each.per_output ? outputs : 1));
    std::visit(
        [&](auto member) {
          using T = decltype(element_of(member));
          (tile.*member).assign(count, static_cast<T>(each.begins));
        },
        each.of_tile);
  }
}

}  // namespace explaind
