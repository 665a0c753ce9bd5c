#include "comm/collectives.hpp"

#include "core/alignment.hpp"
#include "core/error.hpp"

namespace explaind {

Collectives::Gather Collectives::start(const std::byte* mine, size_t bytes, std::byte* all) {
  if (bytes % static_cast<size_t>(alignment) != 0) {
    throw Error("gather", std::to_string(bytes) + " bytes a rank are not a multiple of 64", "");
  }
  begin(next_, mine, bytes, all);
  ++count_.gathers;
  count_.bytes_received += static_cast<int64_t>(bytes) * (size_ - 1);
  return next_++;
}

void Collectives::wait(Gather gather) {
  if (gather < 0 || gather >= next_) {
    throw Error("gather", "number " + std::to_string(gather) + " was never started", "");
  }
  const auto start = std::chrono::steady_clock::now();
  finish(gather);
  count_.seconds_waited +=
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void Collectives::abort(const std::string& cause) noexcept {
  try {
    give_up(cause);
  } catch (const std::exception&) {
    // The others then find out by their deadline.
  }
}

}  // namespace explaind
