#include "app/listening.hpp"

#include <cstdio>

namespace explaind {

void TerminalListener::say(const std::string& lines) {
  std::fwrite(lines.data(), 1, lines.size(), stdout);
  std::fflush(stdout);
}

void TerminalListener::begin(const std::string& name, int64_t total) {
  progress_.emplace(name, total);
}

void TerminalListener::advance(int64_t more, const std::string& note) {
  if (progress_) progress_->advance(more, note);
}

void TerminalListener::finish() {
  if (progress_) progress_->finish();
}

}  // namespace explaind
