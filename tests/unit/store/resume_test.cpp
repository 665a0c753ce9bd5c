// What an interrupted store still owes, and how damage to committed bytes is found.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "core/error.hpp"
#include "store/store_reader.hpp"
#include "unit/store/small_store.hpp"

namespace explaind::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// Changes one byte of a unit's psi behind the store's back.
void damage_score(const std::filesystem::path& path, double value) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const std::string wanted(reinterpret_cast<const char*>(&value), sizeof(value));
  const size_t at = bytes.find(wanted);
  ASSERT_NE(at, std::string::npos);
  ASSERT_EQ(bytes.find(wanted, at + 1), std::string::npos) << "not unique: choose another value";
  file.seekp(static_cast<std::streamoff>(at));
  file.put(static_cast<char>(bytes[at] ^ 1));
}

class Resume : public ::testing::TestWithParam<Axes> {};

TEST_P(Resume, WhatIsNotCommittedIsLeft) {
  const TemporaryFile file;
  const StoreSchema schema = small_schema(GetParam());
  write_store(file.path(), schema, {0, 2});
  const StoreRemainder left = resume_store(file.path(), schema);
  EXPECT_EQ(left.damaged, 0);
  std::vector<int64_t> others;
  for (int64_t unit = 0; unit < schema.units.size(); ++unit) {
    if (unit != 0 && unit != 2) others.push_back(unit);
  }
  EXPECT_EQ(left.units, others);
}

TEST_P(Resume, AFinishedStoreOwesNothing) {
  const TemporaryFile file;
  const StoreSchema schema = small_schema(GetParam());
  write_store(file.path(), schema);
  EXPECT_THAT(resume_store(file.path(), schema).units, IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Axes, Resume,
                         ::testing::Values(Axes{true, false, false}, Axes{true, false, true},
                                           Axes{false, true, false}, Axes{false, false, false}));

TEST(ResumeDamage, IsFoundByTheChecksumAndLosesItsMark) {
  for (const bool single : {false, true}) {
    const TemporaryFile file;
    const StoreSchema schema = small_schema({}, single);
    write_store(file.path(), schema);
    damage_score(file.path(),
                 certificate(1, 3) + 2);  // a residual of segment 1, unit 1 of its three
    {
      const StoreRemainder left = resume_store(file.path(), schema);
      EXPECT_EQ(left.damaged, 1);
      EXPECT_THAT(left.units, ElementsAre(4));
    }
    const std::vector<double> committed = StoreReader(file.path()).read("committed");
    EXPECT_THAT(committed, ElementsAre(1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 1, 1));
  }
}

TEST(ResumeLog, EachRunLeavesALine) {
  const TemporaryFile file;
  StoreSchema schema = small_schema();
  schema.run_log_line = "the first";
  write_store(file.path(), schema, {1});
  schema.run_log_line = "the second";
  static_cast<void>(resume_store(file.path(), schema));
  std::ifstream in(file.path(), std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  const size_t first = bytes.find("the first"), second = bytes.find("the second");
  ASSERT_NE(first, std::string::npos);
  EXPECT_EQ(second, first + 256);
}

}  // namespace
}  // namespace explaind::testing
