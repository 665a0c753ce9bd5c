#include "machine/instruction_set.hpp"

#include <gtest/gtest.h>

#include "unit/machine/system_tree.hpp"

namespace explaind::testing {
namespace {

TEST(InstructionSet, IsWhatLibrariesChooseTheirLoopsBy) {
  const SystemTree tree(
      Files{{"proc/cpuinfo",
             "processor\t: 0\nvendor_id\t: GenuineIntel\ncpu MHz\t: 2100.1\n"
             "flags\t\t: fpu sse fma avx2 avx avx512f rdrand\n\nprocessor\t: 1\n"}});
  EXPECT_EQ(instruction_set(environment_of({}), tree.root()),
            "GenuineIntel, avx, avx2, avx512f, fma");
  EXPECT_EQ(instruction_set(environment_of({{"ATEN_CPU_CAPABILITY", "avx2"}}), tree.root()),
            "GenuineIntel, avx, avx2, avx512f, fma, ATEN_CPU_CAPABILITY=avx2");
  EXPECT_EQ(instruction_set(environment_of({}), SystemTree(Files()).root()), "");
}

}  // namespace
}  // namespace explaind::testing
