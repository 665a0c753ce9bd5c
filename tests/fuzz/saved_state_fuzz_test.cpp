// Random damage to what training programs save for themselves: a DataError, or tensors that can be
// read. Deterministic.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <random>
#include <vector>

#include "checkpoint/layouts/saved_state.hpp"
#include "core/error.hpp"
#include "unit/checkpoint/written_files.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;
using testing::read_bytes;
using testing::TemporaryFolder;
using testing::write_bytes;

std::string with_damage(std::string bytes, std::mt19937_64& random) {
  for (uint64_t change = random() % 4 + 1; change > 0; --change) {
    const size_t at = random() % bytes.size();
    if (random() % 2 == 0) {
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8));
    } else {
      bytes[at] = static_cast<char>(random());
    }
  }
  return bytes;
}

int last_bytes(const TensorView& tensor) {
  return tensor.bytes == 0 ? 0
                           : std::to_integer<int>(tensor.data[0]) +
                                 std::to_integer<int>(tensor.data[tensor.bytes - 1]);
}

TEST(SavedStateFuzz, DamagedFilesAreRefusedOrRead) {
  std::mt19937_64 random(7);
  int read = 0, refused = 0, sum = 0;
  for (const char* golden : {"zero1/global_step3", "zero3/global_step3",
                             "zero2/global_step3_universal", "olmo2/step3-unsharded"}) {
    const TemporaryFolder folder;
    const fs::path checkpoint = folder / "c";
    fs::copy(fs::path(EXPLAIND_TEST_DATA) / "saved_states" / golden, checkpoint,
             fs::copy_options::recursive);
    std::vector<fs::path> files;
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(checkpoint)) {
      if (entry.is_regular_file()) files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    for (int i = 0; i < 120; ++i) {
      const fs::path& path = files[random() % files.size()];
      const std::string whole = read_bytes(path);
      write_bytes(path, with_damage(whole, random));
      try {
        const auto state = open_saved_state(checkpoint);
        if (state != nullptr) {
          for (const TensorView& each : state->weights()) {
            state->prepare(each);
            sum += last_bytes(each);
          }
          for (const SavedMoments& each : state->optimizer().moments) {
            state->prepare(each.first);
            state->prepare(each.second);
            sum += last_bytes(each.first) + last_bytes(each.second);
          }
        }
        ++read;
      } catch (const DataError&) {
        ++refused;
      }
      write_bytes(path, whole);
    }
  }
  EXPECT_GT(read, 50);
  EXPECT_GT(refused, 50);
  EXPECT_GE(sum, 0);
}

}  // namespace
}  // namespace explaind
