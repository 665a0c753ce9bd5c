#pragma once
// Changes to a store that HDF5 itself makes, told by bytes: the file stays sound to HDF5, and what
// it says is no store's any more.

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace explaind::testing {

/// What bytes say, in order. Zeros once they are used up.
class Choices {
 public:
  explicit Choices(std::string_view bytes) : bytes_(bytes) {}
  [[nodiscard]] bool left() const { return !bytes_.empty(); }
  /// Below `limit`.
  size_t below(size_t limit) { return limit == 0 ? 0 : byte() % limit; }
  uint8_t byte();
  /// A length in a byte, and so many bytes.
  std::string text();

 private:
  std::string_view bytes_;
};

/// An object of a file: its path, and the names of its attributes.
struct StoredObject {
  std::string path;
  std::vector<std::string> attributes;
};

/// The datasets of the file, the root first.
std::vector<StoredObject> objects_of(const std::filesystem::path& file);

/// Makes changes in the file, a few while choices are left. What cannot be done is not done.
void change_store(const std::filesystem::path& file, std::span<const StoredObject> objects,
                  Choices& choices);

}  // namespace explaind::testing
