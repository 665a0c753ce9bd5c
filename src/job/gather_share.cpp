#include "job/gather_share.hpp"

#include <fmt/format.h>

#include "core/byte_size.hpp"

namespace explaind {

std::string gather_share(const Communicator& world, const GatherCount& count,
                         const std::string& over, double seconds) {
  const double bytes = world.maximum(static_cast<double>(count.bytes_received));
  const double waited = world.maximum(count.seconds_waited);
  const double share = world.maximum(seconds > 0 ? count.seconds_waited / seconds : 0);
  if (world.maximum(static_cast<double>(count.gathers)) == 0) return "";
  return fmt::format(
      "Gathered parameters over {}: {} received, {:.2f} s waited for them, {:.1f} % of the time "
      "(the most of any rank)",
      over, format_bytes(bytes), waited, 100 * share);
}

}  // namespace explaind
