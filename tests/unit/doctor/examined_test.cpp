#include "doctor/examined.hpp"

#include "unit/checkpoint/written_files.hpp"
#include "unit/doctor/hand_made.hpp"

namespace explaind {
namespace {

using Kind = Finding::Kind;
using testing::At;
using ::testing::ElementsAre;
using testing::FindingOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::one_vector;
using testing::TemporaryFolder;
using testing::write_bytes;
using testing::write_checkpoint;

const char* const pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 7\n";

class Examination : public ::testing::Test {
 protected:
  Examination() {
    for (int i = 0; i < 4; ++i)
      write_checkpoint(at(i), one_vector("w", {1, static_cast<float>(i)}));
  }
  [[nodiscard]] std::filesystem::path at(int i) const { return folder_ / std::to_string(i); }
  [[nodiscard]] Examined examined() const {
    std::vector<SeriesEntry> entries;
    for (int i = 0; i < 4; ++i) entries.push_back({.step = i, .directory = at(i)});
    return examine(entries, {});
  }

  TemporaryFolder folder_;
};

TEST_F(Examination, OpensWhatIsWhole) {
  const Examined all = examined();
  EXPECT_THAT(all.findings, IsEmpty());
  ASSERT_EQ(all.checkpoints.size(), 4U);
  EXPECT_TRUE(all.checkpoints[2].whole);
  EXPECT_EQ(all.checkpoints[2].files[0].name, "model.safetensors");
  ASSERT_NE(all.checkpoints[2].tensor("w"), nullptr);
  EXPECT_EQ(all.checkpoints[2].tensor("v"), nullptr);
}

TEST_F(Examination, FindsPointersInPlaceOfFiles) {
  write_bytes(at(1) / "model.safetensors", pointer);
  const Examined all = examined();
  ASSERT_THAT(all.findings, ElementsAre(FindingOf(Kind::lfs_pointer, At{1})));
  EXPECT_THAT(all.findings[0].text, HasSubstr("git lfs pull"));
}

TEST_F(Examination, FindsShardsThatAreListedAndNotThere) {
  std::filesystem::remove(at(2) / "model.safetensors");
  write_bytes(at(2) / "a.safetensors", one_vector("w", {1, 2}));
  write_bytes(at(2) / "model.safetensors.index.json",
              R"({"weight_map": {"w": "a.safetensors", "v": "b.safetensors"}})");
  const Examined all = examined();
  ASSERT_THAT(all.findings, ElementsAre(FindingOf(Kind::missing_file, At{2})));
  EXPECT_EQ(all.findings[0].where, "b.safetensors");
  EXPECT_NE(all.checkpoints[2].tensor("w"), nullptr);  // what is there is read
  EXPECT_FALSE(all.checkpoints[2].whole);
}

TEST_F(Examination, FindsWhatIsBroken) {
  write_bytes(at(0) / "config.json", "{");
  write_bytes(at(3) / "model.safetensors", one_vector("w", {1, 2}).substr(0, 40));
  const Examined all = examined();
  EXPECT_THAT(all.findings,
              ElementsAre(FindingOf(Kind::unreadable, At{0}), FindingOf(Kind::unreadable, At{3})));
}

TEST_F(Examination, FindsWhatNearlyAllOthersHave) {
  for (const int i : {0, 1, 3}) write_bytes(at(i) / "tokenizer.json", "{}");
  const Examined all = examined();
  ASSERT_THAT(all.findings, ElementsAre(FindingOf(Kind::missing_file, At{2})));
  EXPECT_EQ(all.findings[0].where, "tokenizer.json");
  EXPECT_EQ(all.checkpoints[1].tokenizer.at("tokenizer.json"), "{}");
}

TEST_F(Examination, SaysNothingOfWhatHalfOfThemHave) {
  for (const int i : {0, 1}) write_bytes(at(i) / "tokenizer.json", "{}");
  write_bytes(at(2) / "training_log.txt", "");  // no part of a checkpoint
  EXPECT_THAT(examined().findings, IsEmpty());
}

TEST_F(Examination, FindsWeightsThatNobodyReads) {
  write_bytes(at(1) / "model-00009-of-00009.safetensors", one_vector("w", {1, 2}));
  EXPECT_THAT(examined().findings, ElementsAre(FindingOf(Kind::surplus_file, At{1})));
}

TEST_F(Examination, KeepsPlacesOfWhatIsNoCheckpoint) {
  const Examined all =
      examine({{.step = 5, .directory = at(0)}},
              {{.step = 2, .where = at(1), .problem = "it is empty", .remedy = ""}});
  ASSERT_THAT(all.findings, ElementsAre(FindingOf(Kind::unreadable, At{0})));
  EXPECT_EQ(all.findings[0].text, "it is empty");
  EXPECT_EQ(all.checkpoints[0].step, 2);
  EXPECT_THAT(all.checkpoints[0].files, IsEmpty());
}

}  // namespace
}  // namespace explaind
