// The inputs that are kept in seeds/, what fuzzing found among them, are taken or refused by the
// readers of each kind: without libFuzzer, so that every build does it. A target is run in a child
// process, which may crash and has little memory.

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/targets/targets.hpp"

namespace explaind::testing {
namespace {

struct Target {
  const char* name;
  void (*fuzz)(std::string_view bytes);
};

constexpr Target fuzz_targets[] = {{"safetensors", fuzz_safetensors},
                                   {"index", fuzz_index},
                                   {"config", fuzz_config},
                                   {"pickle", fuzz_pickle},
                                   {"torch_file", fuzz_torch_file},
                                   {"tokenizer", fuzz_tokenizer},
                                   {"samples", fuzz_samples},
                                   {"ini", fuzz_ini},
                                   {"idx", fuzz_idx},
                                   {"run", fuzz_run},
                                   {"yaml", fuzz_yaml},
                                   {"store", fuzz_store}};

std::vector<std::filesystem::path> seeds_of(const std::string& target) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::filesystem::path(EXPLAIND_FUZZ_SEEDS) / target)) {
    files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

[[noreturn]] void take_all(const Target& target) {
  constexpr rlim_t most = rlim_t{2} << 30;
  const rlimit memory{most, most};
  setrlimit(RLIMIT_DATA, &memory);
  for (const std::filesystem::path& file : seeds_of(target.name)) {
    std::cerr << file.filename().string() << std::endl;  // the last one is shown where it crashes
    std::ifstream in(file, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(in), {}};
    target.fuzz(bytes);
  }
  std::exit(0);
}

class FuzzSeeds : public ::testing::TestWithParam<Target> {};

TEST_P(FuzzSeeds, AreTakenOrRefused) {
  ASSERT_FALSE(seeds_of(GetParam().name).empty());
  EXPECT_EXIT(take_all(GetParam()), ::testing::ExitedWithCode(0), "");
}

INSTANTIATE_TEST_SUITE_P(Targets, FuzzSeeds, ::testing::ValuesIn(fuzz_targets),
                         [](const auto& each) { return std::string(each.param.name); });

TEST(FuzzSeedFolders, BelongToTargets) {
  for (const auto& entry : std::filesystem::directory_iterator(EXPLAIND_FUZZ_SEEDS)) {
    const std::string name = entry.path().filename().string();
    EXPECT_TRUE(std::any_of(std::begin(fuzz_targets), std::end(fuzz_targets),
                            [&](const Target& target) { return name == target.name; }))
        << name;
  }
}

}  // namespace
}  // namespace explaind::testing
