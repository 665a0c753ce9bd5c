#include "core/whole_file.hpp"

#include <cerrno>
#include <fstream>
#include <iterator>
#include <system_error>

#include "core/error.hpp"

namespace explaind {

std::string read_whole_file(const std::filesystem::path& path) {
  const auto fail = [&](const std::string& why) {
    throw DataError(path.string(), "cannot be read: " + why, "Check the path and its permissions");
  };
  std::ifstream in(path, std::ios::binary);
  if (!in) fail(std::generic_category().message(errno));
  try {
    return {std::istreambuf_iterator<char>(in), {}};
  } catch (const std::ios_base::failure& error) {  // a directory, or a disk that fails
    fail(error.code().message());
  }
  return {};
}

}  // namespace explaind
