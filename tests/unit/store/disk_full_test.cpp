// A store on a disk that is full, or fails, from its n-th call on, for every n: what the creation
// of a store, the writing of its units and its closing do.

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "store/store_reader.hpp"
#include "unit/failing_disk.hpp"
#include "unit/store/small_store.hpp"
#include "unit/temporary_folder.hpp"

namespace explaind::testing {
namespace {

namespace fs = std::filesystem;

std::string bytes_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// What was said; empty where nothing was thrown.
template <typename Action>
std::string error_of(Action action) {
  try {
    action();
  } catch (const DataError& error) {
    return error.what();
  }
  return "";
}

void write_units(const fs::path& path, const StoreSchema& schema,
                 const std::vector<int64_t>& units) {
  StoreWriter writer(path, schema, Communicator::self());
  for (const int64_t unit : units) writer.write(tile_of(schema, unit));
  writer.close();
}

class DiskFull : public ::testing::TestWithParam<DiskFault> {};

TEST_P(DiskFull, AStoreThatWasNeverCompleteLeavesNothing) {
  const StoreSchema schema = small_schema();
  const TemporaryFolder folder;
  long calls = 0;
  {
    const FailingDisk disk("whole.h5", FailingDisk::never, GetParam().code);
    create_store(folder / "whole.h5", schema, false);
    calls = disk.calls();
  }
  ASSERT_GT(calls, 10);
  for (long n = 1; n <= calls; ++n) {
    const std::string name = "store" + std::to_string(n) + ".h5";
    std::string said;
    {
      const FailingDisk disk(name, n, GetParam().code);
      said = error_of([&] { create_store(folder / name, schema, false); });
    }
    EXPECT_NE(said.find(name), std::string::npos) << n << ": " << said;
    EXPECT_NE(said.find(GetParam().words), std::string::npos) << n << ": " << said;
    EXPECT_FALSE(fs::exists(folder / name)) << n;
    EXPECT_FALSE(fs::exists(folder / (name + ".tmp"))) << n;
    create_store(folder / name, schema, false);  // and the next run finds nothing in its way
    EXPECT_EQ(bytes_of(folder / name).size(), bytes_of(folder / "whole.h5").size()) << n;
  }
}

TEST_P(DiskFull, WhatIsCommittedStaysAndIsGoneOnWith) {
  const StoreSchema schema = small_schema();
  const TemporaryFolder folder;
  std::vector<int64_t> all;
  for (int64_t unit = 0; unit < schema.units.size(); ++unit) all.push_back(unit);
  create_store(folder / "whole.h5", schema, false);
  long calls = 0;
  {
    const FailingDisk disk("whole.h5", FailingDisk::never, GetParam().code);
    write_units(folder / "whole.h5", schema, all);
    calls = disk.calls();
  }
  ASSERT_GT(calls, 40);
  const std::vector<double> psi = StoreReader(folder / "whole.h5").read("psi");
  size_t before = 0;
  for (long n = 1; n <= calls; ++n) {
    const std::string name = "store" + std::to_string(n) + ".h5";
    create_store(folder / name, schema, false);
    std::string said;
    {
      const FailingDisk disk(name, n, GetParam().code);
      said = error_of([&] { write_units(folder / name, schema, all); });
    }
    EXPECT_NE(said.find(name), std::string::npos) << n << ": " << said;
    EXPECT_NE(said.find(GetParam().words), std::string::npos) << n << ": " << said;
    std::vector<int64_t> rest;
    {
      const StoreRemainder left = resume_store(folder / name, schema);
      EXPECT_EQ(left.damaged, 0) << n;
      rest = left.units;
    }
    const size_t kept = all.size() - rest.size();
    EXPECT_GE(kept, before) << n;  // what was committed once is not lost by a later fault
    before = kept;
    write_units(folder / name, schema, rest);
    const StoreReader store(folder / name);
    EXPECT_EQ(store.read("psi"), psi) << n;
    for (const double mark : store.read("committed")) EXPECT_EQ(mark, 1) << n;
  }
  EXPECT_GT(before, 0U);
}

INSTANTIATE_TEST_SUITE_P(Causes, DiskFull, ::testing::ValuesIn(disk_faults),
                         [](const auto& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace explaind::testing
