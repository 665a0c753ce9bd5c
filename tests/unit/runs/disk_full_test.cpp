// A run that is recorded on a disk that is full, or fails, from its n-th call on, for every n.

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <map>
#include <string>

#include "core/error.hpp"
#include "runs/recorded_run.hpp"
#include "unit/failing_disk.hpp"
#include "unit/runs/small_run.hpp"

namespace explaind::testing {
namespace {

namespace fs = std::filesystem;

std::map<std::string, std::string> files_of(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    files[fs::relative(entry.path(), folder)] = {std::istreambuf_iterator<char>(file),
                                                 std::istreambuf_iterator<char>()};
  }
  return files;
}

/// Goes on from the last state, as write_small_run would have.
void go_on(const fs::path& folder) {
  RunWriter writer = RunWriter::resume(folder, small_run_json(), 1 << 20);
  for (int64_t s = writer.next_step(); s < 5; ++s) {
    add_small_step(writer, s);
    if (s % 2 == 1 || s == 4) write_small_block(writer);
  }
  writer.complete({{"validation", {{"loss", 0.5}}}});
}

class DiskFull : public ::testing::TestWithParam<DiskFault> {};

TEST_P(DiskFull, ARunHasWholeFilesAloneAndIsGoneOnWith) {
  const TemporaryFolder folder;
  long calls = 0;
  {
    const FailingDisk disk("whole", FailingDisk::never, GetParam().code);
    write_small_run(folder / "whole");
    calls = disk.calls();
  }
  ASSERT_GT(calls, 40);
  const auto whole = files_of(folder / "whole");
  for (long n = 1; n <= calls; n += GetParam().step) {
    const std::string name = "run" + std::to_string(n) + "_";
    std::string said;
    try {
      const FailingDisk disk(name, n, GetParam().code);
      write_small_run(folder / name);
    } catch (const DataError& error) {
      said = error.what();
    }
    EXPECT_NE(said.find(name), std::string::npos) << n << ": " << said;
    EXPECT_NE(said.find(GetParam().words), std::string::npos) << n << ": " << said;
    if (!fs::exists(folder / name)) continue;
    const auto there = files_of(folder / name);
    for (const auto& [file, bytes] : there)
      EXPECT_FALSE(file.ends_with(".tmp")) << n << ": " << file;
    if (!there.contains("run.json")) continue;
    if (!there.contains("complete.json")) go_on(folder / name);
    EXPECT_EQ(files_of(folder / name), whole) << n;
  }
}

INSTANTIATE_TEST_SUITE_P(Causes, DiskFull, ::testing::ValuesIn(disk_faults),
                         [](const auto& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace explaind::testing
