#pragma once
// What goes wrong, in words for people.

#include <stdexcept>
#include <string>

namespace explaind::v1 {

/// `what()` is the whole message: where, what, and a remedy. code: the exit code that a program
/// should end with: 1 bad data, file system or failure; 2 wrong use; 75 stopped on request.
class Error : public std::runtime_error {
 public:
  Error(const std::string& message, int code) : std::runtime_error(message), code_(code) {}
  [[nodiscard]] int code() const { return code_; }

 private:
  int code_;
};

}  // namespace explaind::v1
