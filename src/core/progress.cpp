#include "core/progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <iostream>
#include <utility>

#include "core/byte_size.hpp"

namespace explaind {

Progress::Progress(std::string label, int64_t total)
    : Progress(std::move(label), total, std::cerr, isatty(STDERR_FILENO) != 0) {}

Progress::Progress(std::string label, int64_t total, std::ostream& out, bool terminal)
    : label_(std::move(label)), total_(total), out_(out), terminal_(terminal) {}

void Progress::advance(int64_t more, const std::string& note) {
  const std::scoped_lock lock(mutex_);
  done_ += more;
  if (!note.empty()) note_ = note;
  const Clock::time_point now = Clock::now();
  const int64_t tenth = total_ > 0 ? 10 * done_ / total_ : 10;
  const bool due = terminal_ ? now - shown_ > std::chrono::milliseconds(100)
                             : tenth > shown_tenth_ || now - shown_ > std::chrono::seconds(30);
  if (finished_ || !due) return;
  shown_ = now;
  shown_tenth_ = tenth;
  show();
}

void Progress::finish() {
  const std::scoped_lock lock(mutex_);
  if (finished_) return;
  finished_ = true;
  if (terminal_ || shown_tenth_ < 10) show();
  if (terminal_) out_ << "\n" << std::flush;
}

void Progress::show() {
  if (terminal_) {
    out_ << "\r\033[K" << line() << std::flush;
  } else {
    out_ << line() << "\n" << std::flush;
  }
}

std::string Progress::line() const {
  constexpr int width = 24;
  const double passed = std::chrono::duration<double>(Clock::now() - start_).count();
  const double share = total_ > 0 ? static_cast<double>(done_) / static_cast<double>(total_) : 1.0;
  std::string text = label_ + " ";
  if (terminal_) {
    const int full = static_cast<int>(share * width);
    for (int i = 0; i < width; ++i) text += i < full ? "█" : "░";
    text += " ";
  }
  text += fmt::format("{}/{} ({:.0f} %), {}", done_, total_, 100 * share, format_duration(passed));
  if (done_ > 0 && done_ < total_) {
    text += fmt::format(", {} left", format_duration(passed * (1 - share) / share));
  }
  return note_.empty() ? text : text + ", " + note_;
}

}  // namespace explaind
