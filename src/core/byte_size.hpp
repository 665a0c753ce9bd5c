#pragma once
// Sizes and times as people read them.

#include <cstdint>
#include <string>

namespace explaind {

/// "512 B", "3.3 GB" (powers of 1000).
std::string format_bytes(double bytes);

/// "20GiB", "800 MB", "1048576" (bytes) → bytes; kB, MB, GB, TB are powers of 1000, KiB … TiB of
/// 1024. Throws UsageError naming `option` for anything else.
int64_t parse_bytes(const std::string& option, const std::string& text);

/// "0.12 s", "45 s", "2 min 05 s", "3 h 07 min".
std::string format_duration(double seconds);

}  // namespace explaind
