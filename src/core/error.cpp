#include "core/error.hpp"

namespace explaind {
namespace {

std::string join(const std::string& where, const std::string& problem, const std::string& remedy) {
  std::string message = where.empty() ? problem : where + ": " + problem;
  if (!remedy.empty()) message += ". " + remedy;
  return message;
}

}  // namespace

Error::Error(const std::string& where, const std::string& problem, const std::string& remedy,
             ExitCode code)
    : std::runtime_error(join(where, problem, remedy)), code_(code) {}

}  // namespace explaind
