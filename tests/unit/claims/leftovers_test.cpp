#include "claims/leftovers.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <vector>

#include "core/unfinished.hpp"
#include "unit/temporary_folder.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;
using testing::TemporaryFolder;

constexpr const char* dead = "node-1-0123456789abcdef";

std::set<std::string> all_below(const fs::path& folder) {
  std::set<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    names.insert(entry.path().lexically_relative(folder).string());
  }
  return names;
}

void make(const fs::path& file) {
  fs::create_directories(file.parent_path());
  std::ofstream(file) << "x";
}

TEST(Unfinished, NamesCarryTheProcess) {
  EXPECT_EQ(unfinished_path("/a/b.h5"), fs::path("/a/b.h5." + process_tag() + ".tmp"));
}

TEST(Unfinished, WhatTheDeadLeftBesideAPathGoesAndNothingElse) {
  const TemporaryFolder folder;
  const std::string tag = dead;
  for (const std::string& name : std::vector<std::string>{
           "b.h5." + tag + ".tmp", "b.h5." + tag + ".steps/step-1", "c.h5." + tag + ".tmp",
           "b.h5.tmp", "b.h5", "b.h5.node-2-0123456789abcdef.tmp", "b.h5." + tag + "0.tmp",
           "xb.h5." + tag + ".tmp"}) {
    make(folder / name);
  }
  remove_unfinished_of(folder / "b.h5", {dead});
  EXPECT_EQ(all_below(folder.path()),
            (std::set<std::string>{"b.h5", "b.h5.tmp", "b.h5.node-2-0123456789abcdef.tmp",
                                   "b.h5." + tag + "0.tmp", "c.h5." + tag + ".tmp",
                                   "xb.h5." + tag + ".tmp"}));
}

TEST(Unfinished, InAFolderItIsFoundAtEveryDepthAndLinksAreNotFollowed) {
  const TemporaryFolder folder, elsewhere;
  const std::string tag = dead;
  make(elsewhere / ("kept." + tag + ".tmp"));
  make(folder / ("blocks/0-1." + tag + ".tmp"));
  make(folder / (".step-3." + tag + ".tmp/config.json"));
  make(folder / "blocks/0-1");
  fs::create_directory_symlink(elsewhere.path(), folder / "link");
  remove_unfinished_in(folder.path(), {dead});
  EXPECT_EQ(all_below(folder.path()), (std::set<std::string>{"blocks", "blocks/0-1", "link"}));
  EXPECT_FALSE(fs::is_empty(elsewhere.path()));
}

}  // namespace
}  // namespace explaind
