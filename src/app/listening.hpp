#pragma once
// What a job says, on a terminal.

#include <optional>

#include "core/listener.hpp"
#include "core/progress.hpp"

namespace explaind {

/// Lines go to standard output, progress to standard error.
class TerminalListener final : public Listener {
 public:
  void say(const std::string& lines) override;
  void begin(const std::string& name, int64_t total) override;
  void advance(int64_t more, const std::string& note) override;
  void finish() override;

 private:
  std::optional<Progress> progress_;
};

}  // namespace explaind
