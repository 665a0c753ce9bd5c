// The public interface as another program would use it, on any number of ranks.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <string>

#include "explaind/explaind.hpp"

namespace {

using namespace explaind::v1;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const Ranks* ranks = nullptr;
const std::string folder = EXPLAIND_TEST_DATA "/llama/tied";

/// A file of this job, which all ranks name alike and the first one removes.
class StoreFile {
 public:
  StoreFile() {
    if (ranks->rank() == 0) std::filesystem::remove(path_);
  }
  ~StoreFile() {
    if (ranks->rank() == 0) std::filesystem::remove(path_);
  }
  StoreFile(const StoreFile&) = delete;
  StoreFile& operator=(const StoreFile&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_ = std::filesystem::temp_directory_path().string() + "/public_test_" +
                      std::to_string(ranks->size()) + ".h5";
};

Question held_out(const std::string& axes) {
  Question question;
  question.set("samples", folder + "/samples.jsonl").set("axes", axes).set("precision", "fp64");
  return question;
}

std::string refusal(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return std::to_string(error.code()) + " " + error.what();
  }
  return "accepted";
}

TEST(PublicInterface, DecomposesASeriesAndReadsItsScores) {
  const Subject series = Subject::open(*ranks, folder + "/series");
  ASSERT_GE(series.steps().size(), 2U);
  EXPECT_LT(series.steps()[0], series.steps()[1]);
  EXPECT_THAT(series.parameters().front().name, HasSubstr("embed"));
  EXPECT_EQ(series.parameters().front().shape.size(), 2U);

  const StoreFile file;
  int64_t told = 0, total = 0;
  Following following;
  following.progressed = [&](int64_t done, int64_t of) {
    told = done;
    total = of;
  };
  const Outcome outcome =
      decompose(*ranks, series, held_out("sample"), file.path(), {.following = following});
  EXPECT_FALSE(outcome.stopped);
  EXPECT_EQ(outcome.missed, 0);
  if (ranks->rank() != 0) return;
  EXPECT_GT(told, 0);
  EXPECT_EQ(told, total);

  // Ψ is complete: the scores of a segment and sample add up to what F changed.
  const Store store = Store::open(file.path());
  const Array psi = store.read("psi"), from = store.read("value_from"), to = store.read("value_to");
  EXPECT_THAT(psi.axes, ElementsAre("segment", "sample", "component"));
  const auto components = static_cast<size_t>(psi.shape[2]);
  ASSERT_EQ(store.labels("component").size(), components);
  ASSERT_EQ(from.values.size() * components, psi.values.size());
  for (size_t pair = 0; pair < from.values.size(); ++pair) {
    const auto begin = psi.values.begin() + static_cast<std::ptrdiff_t>(pair * components);
    const double sum = std::accumulate(begin, begin + static_cast<std::ptrdiff_t>(components), 0.0);
    const double change = to.values[pair] - from.values[pair];
    EXPECT_NEAR(sum, change, 1e-5 * std::abs(change) + 1e-12);
    EXPECT_NE(change, 0);
  }
  Query query;
  query.group_by = {"kind"};
  const Table table = store.query(query);
  EXPECT_THAT(table.columns, ElementsAre("kind"));
  EXPECT_EQ(table.units, "nat");
  const auto samples = static_cast<double>(psi.shape[1]);
  EXPECT_NEAR(std::accumulate(table.values.begin(), table.values.end(), 0.0),
              std::accumulate(psi.values.begin(), psi.values.end(), 0.0) / samples, 1e-12);
}

TEST(PublicInterface, StopsBetweenUnitsAndGoesOn) {
  const Subject series = Subject::open(*ranks, folder + "/series");
  const StoreFile file;
  Question question = held_out("sample");
  question.set("chunk", "1");
  std::atomic<bool> stop{false};
  Following following;
  following.stop = &stop;
  following.progressed = [&](int64_t, int64_t) { stop = true; };
  const Outcome first = decompose(*ranks, series, question, file.path(), {.following = following});
  EXPECT_TRUE(first.stopped);
  stop = false;
  following.progressed = {};
  const Outcome second = decompose(*ranks, series, question, file.path(),
                                   {.if_there = IfThere::resume, .following = following});
  EXPECT_FALSE(second.stopped) << "a flag that is down again stops nothing";
  if (ranks->rank() != 0) return;
  for (const double each : Store::open(file.path()).read("committed").values) EXPECT_EQ(each, 1);
}

TEST(PublicInterface, PlansWithoutAStore) {
  const Subject series = Subject::open(*ranks, folder + "/series");
  const auto lines = plan(*ranks, series, held_out("sample"), Place().set("memory", "2GB"));
  ASSERT_FALSE(lines.empty());
  EXPECT_EQ(lines.front().first, "job");
  EXPECT_EQ(lines.back().first, "time");
}

TEST(PublicInterface, RefusesInWordsAndWithACode) {
  Question question;
  EXPECT_THAT(refusal([&] { question.set("functionl", "loss"); }), HasSubstr("2 functionl"));
  EXPECT_THAT(refusal([&] { question.set("memory", "4GB"); }), HasSubstr("Set it in the place"));
  EXPECT_THAT(refusal([&] { question.set("precision", "fp63"); }), HasSubstr("2 "));
  EXPECT_THAT(refusal([&] { Place().set("axes", "sample"); }), HasSubstr("in the question"));
  EXPECT_TRUE(question.options().empty()) << "what was refused is not kept";
  EXPECT_THAT(refusal([&] { Subject::open(*ranks, "/nowhere"); }), HasSubstr("1 /nowhere"));
  EXPECT_THAT(refusal([&] { Store::open("/nowhere"); }), HasSubstr("/nowhere"));
  const Subject series = Subject::open(*ranks, folder + "/series");
  const StoreFile file;
  question = held_out("sample");
  question.set("functional", "logit:0:99999999");
  EXPECT_THAT(refusal([&] { decompose(*ranks, series, question, file.path()); }),
              HasSubstr("99999999"));
  EXPECT_FALSE(std::filesystem::exists(file.path()));
}

}  // namespace

int main(int argc, char** argv) {
  ::testing::InitGoogleMock(&argc, argv);
  return run(argc, argv, [](const Ranks& all) {
    ranks = &all;
    return RUN_ALL_TESTS();
  });
}
