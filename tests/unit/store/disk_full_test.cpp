// A store on a disk that is full, or fails, from its n-th call on, for every n: what the creation
// of a store, the writing of its units and its closing do.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "store/hdf5.hpp"
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

/// As the program does: HDF5 would close at MPI's end what could not be closed before.
const bool silenced = (hdf5::silence(), true);

/// What a process of its own said; empty where nothing was thrown. HDF5 keeps files that it could
/// not close, and takes a new one in the same place for them.
template <typename Action>
std::string error_of_process(Action action) {
  std::array<int, 2> ends{};
  if (pipe(ends.data()) != 0) return "no pipe";
  const pid_t child = fork();
  if (child == 0) {
    std::string said;
    try {
      action();
    } catch (const DataError& error) {
      said = error.what();
    } catch (const std::exception& error) {
      said = std::string("unexpected: ") + error.what();
    }
    const bool sent = write(ends[1], said.data(), said.size()) == static_cast<ssize_t>(said.size());
    _exit(sent ? 0 : 1);
  }
  close(ends[1]);
  std::string said;
  std::array<char, 1000> part{};
  for (ssize_t got = 0; (got = read(ends[0], part.data(), part.size())) > 0;) {
    said.append(part.data(), static_cast<size_t>(got));
  }
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  return status == 0 ? said : "the process ended with status " + std::to_string(status);
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
  for (long n = 1; n <= calls; n += GetParam().step) {
    const std::string name = "store" + std::to_string(n) + ".h5";
    std::string said;
    {
      const FailingDisk disk(name, n, GetParam().code);
      said = error_of_process([&] { create_store(folder / name, schema, false); });
    }
    EXPECT_NE(said.find(name), std::string::npos) << n << ": " << said;
    EXPECT_NE(said.find(GetParam().words), std::string::npos) << n << ": " << said;
    EXPECT_FALSE(fs::exists(folder / name)) << n;
    EXPECT_FALSE(fs::exists(folder / (name + ".tmp"))) << n;
    create_store(folder / name, schema, false);  // and the next run finds nothing in its way
    EXPECT_EQ(bytes_of(folder / name).size(), bytes_of(folder / "whole.h5").size()) << n;
  }
}

TEST_P(DiskFull, AStoreWhoseFolderIsNotSyncedIsWholeAndItIsSaid) {
  const StoreSchema schema = small_schema();
  const TemporaryFolder first, second;
  long calls = 0;  // the folder's sync is the last one
  {
    const FailingDisk disk(first.path().string(), FailingDisk::never, GetParam().code);
    create_store(first / "store.h5", schema, false);
    calls = disk.calls();
  }
  std::string said;
  {
    const FailingDisk disk(second.path().string(), calls, GetParam().code);
    said = error_of_process([&] { create_store(second / "store.h5", schema, false); });
  }
  EXPECT_NE(said.find(second.path().string() + ": cannot be synced to disk: "), std::string::npos)
      << said;
  EXPECT_NE(said.find(GetParam().words), std::string::npos) << said;
  EXPECT_EQ(bytes_of(second / "store.h5").size(), bytes_of(first / "store.h5").size());
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
  for (long n = 1; n <= calls; n += GetParam().step) {
    const std::string name = "store" + std::to_string(n) + ".h5";
    create_store(folder / name, schema, false);
    std::string said;
    {
      const FailingDisk disk(name, n, GetParam().code);
      said = error_of_process([&] { write_units(folder / name, schema, all); });
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
