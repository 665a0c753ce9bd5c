// Steps and directories of a series, from directories and from lists.

#include <gmock/gmock.h>

#include "checkpoint/series.hpp"
#include "unit/checkpoint/written_files.hpp"

namespace explaind {

inline bool operator==(const SeriesEntry& a, const SeriesEntry& b) {
  return a.step == b.step && a.directory == b.directory;
}
// NOLINTNEXTLINE(readability-identifier-naming): the name GoogleTest looks for
inline void PrintTo(const SeriesEntry& entry, std::ostream* out) {
  *out << entry.step << " " << entry.directory;
}

namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using testing::data_error;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::TemporaryFolder;
using testing::write_bytes;

class ListSeries : public ::testing::Test {
 protected:
  /// A directory that passes for a checkpoint.
  void make(const std::string& name) { write_bytes(directory / (name + "/config.json"), "{}"); }
  [[nodiscard]] SeriesEntry entry(int64_t step, const std::string& name) const {
    return {step, directory / name};
  }
  std::string error(const std::string& name = "") {
    return data_error([&] { list_series(name.empty() ? directory.path() : directory / name); });
  }

  TemporaryFolder directory;
};

TEST_F(ListSeries, ReadsTheRevisionsOfAHubCache) {
  make("snapshots/aaa");
  make("snapshots/bbb");
  make("snapshots/ccc");
  write_bytes(directory / "refs/step1000", "bbb");
  write_bytes(directory / "refs/step20", "aaa\n");
  write_bytes(directory / "refs/main", "ccc");
  write_bytes(directory / "refs/pr/1", "ccc");
  std::vector<std::string> notes;
  EXPECT_THAT(list_series(directory.path(), 2, {}, &notes),
              ElementsAre(entry(20, "snapshots/aaa"), entry(1000, "snapshots/bbb")));
  EXPECT_THAT(notes, ElementsAre(HasSubstr("revisions passed over, as their names say no step: "
                                           "main, pr/1")));
  write_bytes(directory / "refs/step30", "ddd");
  EXPECT_THAT(error(), AllOf(HasSubstr("refs/step30"), HasSubstr("snapshots/ddd"),
                             HasSubstr("Download the revision again")));
  for (const char* name : {"step30", "step20", "step1000"}) fs::remove(directory / "refs" / name);
  write_bytes(directory / "refs/step-20-v2", "aaa");
  EXPECT_THAT(error(), AllOf(HasSubstr("no revision in it says a step"),
                             HasSubstr("step-20-v2: understood is step 20, but not \"-v2\""),
                             HasSubstr("lines `STEP PATH`")));
}

TEST_F(ListSeries, MovesTheStepsOfPhases) {
  for (const char* name : {"pre-1/iter_0000", "pre-1/iter_0500", "pre-2/iter_0100", "logs/a"}) {
    make(name);
  }
  EXPECT_THAT(list_series(directory.path(), 2, {.phases = parse_phases("pre-2=500, pre-1=0")}),
              ElementsAre(entry(0, "pre-1/iter_0000"), entry(500, "pre-1/iter_0500"),
                          entry(600, "pre-2/iter_0100")));
  EXPECT_THAT(error(), HasSubstr("--phases"));  // the way out, where no phases are given
  const auto with = [&](const std::string& phases) {
    return data_error([&] { list_series(directory.path(), 2, {.phases = parse_phases(phases)}); });
  };
  EXPECT_THAT(with("pre-1=0,pre-2=400"), HasSubstr("step 500 is given twice"));
  EXPECT_THAT(with("pre-3=0"), AllOf(HasSubstr("pre-3"), HasSubstr("no such file")));
  EXPECT_THAT(with("pre-2=9223372036854775807"), HasSubstr("64 bits"));
  EXPECT_THROW(parse_phases("pre-1"), UsageError);
  EXPECT_THROW(parse_phases("pre-1=-5"), UsageError);
  EXPECT_THROW(parse_phases("=5"), UsageError);
  EXPECT_THROW(parse_phases("pre-1=0,pre-1=5"), UsageError);
  EXPECT_TRUE(parse_phases("").empty());
}

TEST_F(ListSeries, SortsByNumberWhateverTheNames) {
  for (const char* name : {"step-100", "iter_0000020", "ckpt_003", "1000", "checkpoint-9"}) {
    make(name);
  }
  EXPECT_THAT(list_series(directory.path()),
              ElementsAre(entry(3, "ckpt_003"), entry(9, "checkpoint-9"), entry(20, "iter_0000020"),
                          entry(100, "step-100"), entry(1000, "1000")));
}

TEST_F(ListSeries, SaysWhatItPassesOver) {
  make("step-1");
  make("step-2");
  make(".cache-3");
  fs::create_directory(directory / "logs");
  fs::create_directory(directory / "run-20260120_123456");
  write_bytes(directory / "trainer_state-7", "a file");
  write_bytes(directory / "config.json", "{}");  // for checkpoints without one: no model
  std::vector<std::string> notes;
  EXPECT_EQ(list_series(directory.path(), 2, {}, &notes).size(), 2U);
  EXPECT_EQ(notes.size(), 1U);
  write_bytes(directory / "model.safetensors", "");
  notes.clear();
  EXPECT_EQ(list_series(directory.path(), 2, {}, &notes).size(), 2U);
  ASSERT_EQ(notes.size(), 2U);
  EXPECT_THAT(notes[0], HasSubstr("a model lies in the folder itself"));
  EXPECT_THAT(notes[1], HasSubstr("passed over, as they are no checkpoints: .cache-3, logs, "
                                  "run-20260120_123456"));
}

TEST_F(ListSeries, NoFolderIsLostToALinkThatLeadsNowhere) {
  make("step-1");
  make("step-2");
  fs::create_directory_symlink("gone/step-3", directory / "step-3");
  EXPECT_THAT(error(), AllOf(HasSubstr("step-3: is a link to gone/step-3, which is not there")));
}

TEST_F(ListSeries, ReadsTheNamesOfPublicSeries) {
  for (const char* name : {"stage1-step2000-tokens9B", "stage1-step1000-tokens5B"}) make(name);
  EXPECT_THAT(list_series(directory.path()), ElementsAre(entry(1000, "stage1-step1000-tokens5B"),
                                                         entry(2000, "stage1-step2000-tokens9B")));
}

TEST_F(ListSeries, RefusesNamesOfTwoSeries) {
  make("stage1-step1000");
  make("stage1-step2000");
  make("stage2-step500");
  EXPECT_THAT(error(), AllOf(HasSubstr("stage1-step1000 and stage2-step500 differ in more than the "
                                       "step"),
                             HasSubstr("Understood are stage1 (2 checkpoints, steps 1000 to 2000), "
                                       "stage2 (1 checkpoint, step 500)"),
                             HasSubstr("`--phases stage1=0,stage2=2000`; stage2 counts anew, and "
                                       "is taken to begin at step 2000"),
                             HasSubstr("lines `STEP PATH`")));
  const auto with = [&](const std::string& phases, std::vector<std::string>* notes = nullptr) {
    return list_series(directory.path(), 1, {.phases = parse_phases(phases)}, notes);
  };
  const std::vector<SeriesEntry> entries = with("stage1=0,Stage2=2000");
  EXPECT_THAT(entries, ElementsAre(entry(1000, "stage1-step1000"), entry(2000, "stage1-step2000"),
                                   entry(2500, "stage2-step500")));
  EXPECT_EQ(entries[1].phase, "stage1");
  EXPECT_EQ(entries[2].phase, "Stage2");
  std::vector<std::string> notes;
  EXPECT_THAT(with("stage2=7", &notes), ElementsAre(entry(507, "stage2-step500")));
  EXPECT_THAT(notes, ElementsAre(HasSubstr("--phases does not name them: stage1 (2 checkpoints")));
  const auto refused = [&](const char* phases) { return data_error([&] { with(phases); }); };
  EXPECT_THAT(refused("stage1=0,stage2=1000"),
              AllOf(HasSubstr("stage1 (steps 1000 to 2000) and stage2 (1500 to 1500) overlap"),
                    HasSubstr("larger by 501")));
  EXPECT_THAT(refused("stage1=0,stage3=9"), HasSubstr("says the phase stage3; they say stage1 (2"));
  write_bytes(directory / "stage2/step-9/config.json", "{}");
  EXPECT_THAT(refused("stage1=0,stage2=2000"), HasSubstr("may be meant by the phase stage2"));
}

TEST_F(ListSeries, ProposesPhasesInTheOrderOfTheirNumbers) {
  for (const char* name :
       {"step100", "step300", "stage2-ingredient1-step0", "stage2-ingredient1-step50",
        "stage2-ingredient3-step60", "stage10-step900", "lc-4k-to-32k-step-5"}) {
    make(name);
  }
  // stage10 counts on, stage2 has a step 0 of its own, and ingredients are branches.
  const std::string said = error();
  EXPECT_THAT(said,
              AllOf(HasSubstr("`--phases .=0,stage2-ingredient1=301,stage10=0,lc-4k-to-32k=900`"),
                    HasSubstr("stage2-ingredient1, stage2-ingredient3 are taken for branches of "
                              "one stage"),
                    HasSubstr("where lc-4k-to-32k stands in the training, names do not say"),
                    HasSubstr("no word but the step (2 checkpoints, steps 100 to 300)")));
  const auto entries = list_series(
      directory.path(), 2,
      {.phases = parse_phases(".=0,stage2-ingredient1=301,stage10=0,lc-4k-to-32k=900")});
  EXPECT_THAT(
      entries,
      ElementsAre(entry(100, "step100"), entry(300, "step300"),
                  entry(301, "stage2-ingredient1-step0"), entry(351, "stage2-ingredient1-step50"),
                  entry(900, "stage10-step900"), entry(905, "lc-4k-to-32k-step-5")));
}

TEST_F(ListSeries, SeveralSeedsAreSeveralSeries) {
  for (const char* name : {"step10-seed-default", "step20-seed-default", "step10-seed-large-2"}) {
    make(name);
  }
  EXPECT_THAT(error(), AllOf(HasSubstr("holds 2 series, by the seeds in their names: default (2 "
                                       "checkpoints), large-2 (1 checkpoint)"),
                             HasSubstr("`--series-seed large-2`")));
  std::vector<std::string> notes;
  EXPECT_THAT(list_series(directory.path(), 2, {.seed = "Default"}, &notes),
              ElementsAre(entry(10, "step10-seed-default"), entry(20, "step20-seed-default")));
  EXPECT_THAT(notes, ElementsAre(HasSubstr("of seed Default alone")));
  const auto refused = [&](const char* seed) {
    return data_error([&] { list_series(directory.path(), 1, {.seed = seed}); });
  };
  EXPECT_THAT(refused("3"), HasSubstr("'3' is none of those in"));
  make("step10");
  EXPECT_THAT(list_series(directory.path(), 1, {.seed = "."}), ElementsAre(entry(10, "step10")));
  EXPECT_THAT(error(), HasSubstr("none in the name (1 checkpoint)"));
}

TEST_F(ListSeries, AFolderOfPhasesSaysThePhasesToGive) {
  for (const char* name : {"pre/iter_100", "pre/iter_200", "stage2/iter_50", "logs/x"}) make(name);
  EXPECT_THAT(error(),
              AllOf(HasSubstr("holds no checkpoint, but folders that do: pre (2 checkpoints, steps "
                              "100 to 200), stage2 (1 checkpoint, step 50)"),
                    HasSubstr("`--phases stage2=0,pre=0`"), HasSubstr("name one of them: ")));
}

TEST_F(ListSeries, ReadsNamesByAPattern) {
  for (const char* name : {"s7-x", "s12-x", "step-3", "s9"}) make(name);
  std::vector<std::string> notes;
  EXPECT_THAT(list_series(directory.path(), 2, {.pattern = R"(s(?<step>\d+)-x)"}, &notes),
              ElementsAre(entry(7, "s7-x"), entry(12, "s12-x")));
  EXPECT_THAT(notes, ElementsAre(AllOf(HasSubstr("s9: --step-pattern does not fit it"),
                                       HasSubstr("step-3: --step-pattern"))));
  EXPECT_THAT(data_error([&] { list_series(directory.path(), 1, {.pattern = "(?<step>q)"}); }),
              HasSubstr("holds no checkpoint that is meant"));
}

TEST_F(ListSeries, BranchesWithSlashesAndTagsOfOneCommit) {
  make("snapshots/aaa");
  make("snapshots/bbb");
  write_bytes(directory / "refs/stage1/step-10", "aaa");
  write_bytes(directory / "refs/stage1/step20", "bbb");
  write_bytes(directory / "refs/stage1-step20", "bbb\n");
  std::vector<std::string> notes;
  const auto entries = list_series(directory.path(), 2, {}, &notes);
  EXPECT_THAT(entries, ElementsAre(entry(10, "snapshots/aaa"), entry(20, "snapshots/bbb")));
  EXPECT_EQ(entries[0].phase, "stage1");
  EXPECT_THAT(notes,
              ElementsAre(HasSubstr("names of one commit: stage1-step20 and stage1/step20")));
}

TEST_F(ListSeries, TellsWhatIsBrokenWhereThatIsWanted) {
  make("step-1");
  fs::create_directory(directory / "step-2");
  std::vector<BrokenEntry> broken;
  EXPECT_EQ(list_series(directory.path(), 1, {}, nullptr, &broken).size(), 1U);
  ASSERT_EQ(broken.size(), 1U);
  EXPECT_EQ(broken[0].step, 2);
  EXPECT_THAT(broken[0].problem, HasSubstr("holds no config.json"));
}

TEST_F(ListSeries, NamesTheCommitsOfAHubCache) {
  make("snapshots/8f1c2e7ab94d60f35c1d2e3f4a5b6c7d8e9f0a17");
  write_bytes(directory / "refs/step1", "8f1c2e7ab94d60f35c1d2e3f4a5b6c7d8e9f0a17");
  EXPECT_THAT(error("snapshots"), AllOf(HasSubstr("is a commit of a cache of the Hub"),
                                        HasSubstr("Name the folder " + directory.path().string()),
                                        HasSubstr("lines `STEP PATH`")));
}

TEST_F(ListSeries, RefusesNamesThatLeaveDoubt) {
  make("step-1");
  make("step-2");
  make("step-3-v2");
  EXPECT_THAT(error(), AllOf(HasSubstr("step-3-v2: its name does not say plainly which step it is "
                                       "of: understood is step 3, but not \"-v2\" after it"),
                             HasSubstr("lines `STEP PATH`"), HasSubstr("`3 step-3-v2`")));
  fs::remove_all(directory / "step-3-v2");
  make("final");
  EXPECT_THAT(error(), AllOf(HasSubstr("final: its name does not say plainly which step it is of: "
                                       "no number is in it"),
                             HasSubstr("`STEP final`")));
  fs::remove_all(directory / "final");
  fs::create_directory(directory / "step-3");
  EXPECT_THAT(error(), HasSubstr("step-3: has a step number but holds no config.json"));
  fs::remove_all(directory / "step-3");
  make("step-99999999999999999999");
  EXPECT_THAT(error(), HasSubstr("its step number does not fit 64 bits"));
  fs::remove_all(directory / "step-99999999999999999999");
  fs::create_directory(directory / "step-4");
  write_bytes(directory / "step-4/adapter_config.json", "{}");
  EXPECT_THAT(error(), AllOf(HasSubstr("step-4: has a step number but holds no config.json: it is "
                                       "a PEFT adapter"),
                             HasSubstr("merge_and_unload")));
}

TEST_F(ListSeries, RefusesDuplicateSteps) {
  make("step-0100");
  make("step-100");
  EXPECT_THAT(error(), HasSubstr("step 100 is given twice: " + (directory / "step-0100").string() +
                                 " and " + (directory / "step-100").string()));
}

TEST_F(ListSeries, RefusesMissingEmptyAndSingle) {
  EXPECT_THAT(error("none"), HasSubstr("none: no such file or directory"));
  EXPECT_THAT(error(), HasSubstr("holds no checkpoint"));
  EXPECT_TRUE(list_series(directory.path(), 0).empty());
  make("step-5");
  EXPECT_THAT(error(), HasSubstr("holds 1 checkpoint only (step-5), but 2 are needed"));
  EXPECT_THAT(list_series(directory.path(), 1), ElementsAre(entry(5, "step-5")));
  EXPECT_THAT(error("step-5"), HasSubstr("is a single checkpoint, not a series"));
}

TEST_F(ListSeries, ReadsATextList) {
  make("phase/b");
  make("with a space");
  make("final");
  write_bytes(directory / "lists/series.txt",
              "# steps of the first phase\n\n  30\t../phase/b/  \r\n4 ../with a space\n0100 " +
                  (directory / "final").string() + "\n");
  EXPECT_THAT(list_series(directory / "lists/series.txt"),
              ElementsAre(entry(4, "lists/../with a space"), entry(30, "lists/../phase/b"),
                          entry(100, "final")));
}

TEST_F(ListSeries, ReadsJsonLists) {
  make("a");
  make("b");
  const auto expected = ElementsAre(entry(2, "b"), entry(10, "a"));
  write_bytes(directory / "array.json",
              R"( [{"step": 10, "path": "a"}, {"path": "b", "step": 2}])");
  EXPECT_THAT(list_series(directory / "array.json"), expected);
  write_bytes(directory / "object.json", R"({"10": "a", "2": "b"})");
  EXPECT_THAT(list_series(directory / "object.json"), expected);
}

TEST_F(ListSeries, BrokenListsAreNamedByLine) {
  make("a");
  const auto text_error = [&](const std::string& text) {
    write_bytes(directory / "list", text);
    return error("list");
  };
  EXPECT_THAT(text_error("1 a\nx a\n"), HasSubstr("list:2: the step is not an integer"));
  EXPECT_THAT(text_error("-1 a\n"), HasSubstr("list:1: the step is not an integer"));
  EXPECT_THAT(text_error("1.5 a\n"), HasSubstr("the step is not an integer"));
  EXPECT_THAT(text_error("9223372036854775808 a\n"), HasSubstr("the step is not an integer"));
  EXPECT_THAT(text_error("1\n"), HasSubstr("list:1: the path of the checkpoint is missing"));
  EXPECT_THAT(text_error("1 a\n\n2 none\n"),
              AllOf(HasSubstr("list:3: "), HasSubstr("none is not a checkpoint")));
  EXPECT_THAT(text_error("1 a\n01 a\n"), HasSubstr("step 1 is given twice"));
  EXPECT_THAT(text_error("# nothing\n"), HasSubstr("holds no checkpoint"));
  EXPECT_THAT(text_error("version https://git-lfs.github.com/spec/v1\noid sha256:00\n"),
              HasSubstr("list: is a Git LFS pointer"));
  EXPECT_THAT(text_error(std::string("PK\3\4\0\0", 6)), HasSubstr("list: is no text"));
  EXPECT_THAT(text_error("[1]"), HasSubstr("list: entry 1: is not of the form"));
  EXPECT_THAT(text_error(R"([{"step": 1, "path": "a"}, {"step": 2}])"), HasSubstr("entry 2"));
  EXPECT_THAT(text_error(R"([{"step": "1", "path": "a"}])"),
              HasSubstr("the step is not an integer"));
  EXPECT_THAT(text_error(R"([{"step": -1, "path": "a"}])"),
              HasSubstr("the step is not an integer"));
  EXPECT_THAT(text_error(R"({"1": 2})"), HasSubstr("entry \"1\": is not of the form"));
  EXPECT_THAT(text_error(R"({"one": "a"})"), HasSubstr("the step is not an integer"));
  EXPECT_THAT(text_error(R"({"1": "a", "1": "a"})"), HasSubstr("the key \"1\" is given twice"));
  EXPECT_THAT(text_error("[{"), HasSubstr("broken JSON"));
}

}  // namespace
}  // namespace explaind
