#pragma once
// Standard output whose failures are known at the end instead of lost on the way, and lines of
// standard error that stay whole.

#include <memory>
#include <string>

namespace explaind {

/// Takes the place of C's stdout and of std::cout while it lives. Writing to them never fails and
/// never throws: the first failure is kept, and what follows it is dropped. So a long computation
/// does not end because its messages cannot be written, and a verb cannot end as if they had been.
///
/// A reader that closes its pipe (`| head`) has had what it wanted: no failure, and no signal. A
/// descriptor 0, 1 or 2 that is closed is opened, so that no file of ours becomes it.
class StandardOutput {
 public:
  StandardOutput();
  ~StandardOutput();
  StandardOutput(const StandardOutput&) = delete;
  StandardOutput& operator=(const StandardOutput&) = delete;

  /// Writes what is buffered. Throws DataError where something could not be written.
  void finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Writes a line to standard error in one piece: what mpirun and other ranks say at the same time
/// comes before or after it, never within.
void say_line(std::string text);

}  // namespace explaind
