#pragma once
// Progress of a long phase: a bar on a terminal, lines elsewhere.

#include <chrono>
#include <cstdint>
#include <mutex>
#include <ostream>
#include <string>

namespace explaind {

/// Shows count, per cent, time passed and left, and a note. On a terminal one line is redrawn at
/// most ten times a second; elsewhere a line is written at every tenth of the way, or when 30 s
/// have passed. Any thread may call it.
class Progress {
 public:
  /// On standard error.
  Progress(std::string label, int64_t total);
  Progress(std::string label, int64_t total, std::ostream& out, bool terminal);

  void advance(int64_t more, const std::string& note = "");
  /// The last line; nothing is shown afterwards.
  void finish();

 private:
  using Clock = std::chrono::steady_clock;
  void show();
  [[nodiscard]] std::string line() const;

  std::mutex mutex_;
  std::string label_, note_;
  int64_t total_, done_ = 0, shown_tenth_ = 0;
  std::ostream& out_;
  bool terminal_, finished_ = false;
  Clock::time_point start_ = Clock::now(), shown_ = start_;
};

}  // namespace explaind
