// Random damage to the files of a recorded run: the reader answers with a DataError, or with a run
// that can be read from end to end. Deterministic.

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <random>
#include <string>

#include "core/error.hpp"
#include "fuzz/read_whole_run.hpp"
#include "runs/recorded_run.hpp"
#include "unit/runs/small_run.hpp"

namespace explaind::testing {
namespace {

using Random = std::mt19937_64;

std::string bytes_of(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

/// A few bytes changed, digits by digits half of the time: numbers that are wrong get further than
/// broken JSON does.
std::string damaged(std::string bytes, Random& random) {
  for (uint64_t change = random() % 3 + 1; change > 0; --change) {
    const size_t at = random() % bytes.size();
    if (random() % 2 == 0) {
      const size_t digit = bytes.find_first_of("0123456789", at);
      if (digit != std::string::npos) bytes[digit] = static_cast<char>('0' + random() % 10);
    } else if (random() % 4 == 0) {
      bytes.erase(at, random() % 5);
    } else {
      bytes[at] = static_cast<char>(random());
    }
    if (bytes.empty()) bytes = "{";
  }
  return bytes;
}

TEST(RecordedRunFuzz, DamagedFilesAreRefusedOrRead) {
  const TemporaryFolder folder;
  const std::filesystem::path run = folder / "run";
  write_small_run(run);
  Random random(21);
  int read = 0, refused = 0;
  for (const char* name :
       {"run.json", "complete.json", "start.safetensors", "blocks/00000000-00000001.safetensors",
        "blocks/00000004-00000004.safetensors"}) {
    const std::string whole = bytes_of(run / name);
    for (int i = 0; i < 600; ++i) {
      write(run / name, damaged(whole, random));
      try {
        read_whole_run(RecordedRun::open(run));
        ++read;
      } catch (const DataError&) {
        ++refused;
      }
    }
    write(run / name, whole);
  }
  EXPECT_GT(read, 100);
  EXPECT_GT(refused, 500);
}

}  // namespace
}  // namespace explaind::testing
