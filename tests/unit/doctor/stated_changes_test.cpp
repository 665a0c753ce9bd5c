#include "doctor/stated_changes.hpp"

#include <limits>

#include "unit/doctor/hand_made.hpp"

namespace explaind {
namespace {

using Kind = Finding::Kind;
using testing::At;
using ::testing::ElementsAre;
using testing::FindingOf;
using testing::HandMade;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

double some(size_t i, int64_t e) { return static_cast<double>(i) + static_cast<double>(e); }

/// Five checkpoints of one tensor.
HandMade plain() {
  HandMade series({0, 10, 20, 30, 40});
  series.add("w", "f", some);
  for (ExaminedCheckpoint& each : series.checkpoints) each.config = {{"rope_theta", 1}};
  return series;
}

TEST(Changes, NoneWhereAllIsTheSame) {
  HandMade series = plain();
  EXPECT_THAT(find_changes(series.checkpoints), IsEmpty());
  series.checkpoints[2].config["transformers_version"] = "5";  // says nothing of the model
  EXPECT_THAT(find_changes(series.checkpoints), IsEmpty());
}

TEST(Changes, OfAConfigAreOfTheOddOneOrFromThenOn) {
  HandMade series = plain();
  series.checkpoints[2].config["rope_theta"] = 2;
  std::vector<Finding> found = find_changes(series.checkpoints);
  ASSERT_THAT(found, ElementsAre(FindingOf(Kind::config_change, At{2})));
  EXPECT_THAT(found[0].text, HasSubstr("rope_theta is 2 here, 1 there"));
  for (size_t i = 2; i < 5; ++i) series.checkpoints[i].config["rope_theta"] = 2;
  found = find_changes(series.checkpoints);
  ASSERT_THAT(found, ElementsAre(FindingOf(Kind::config_change, At{2})));
  EXPECT_THAT(found[0].text, HasSubstr("at step 10, and this from here on"));
  HandMade first = plain();
  first.checkpoints[0].config["hidden"] = 3;
  EXPECT_THAT(find_changes(first.checkpoints), ElementsAre(FindingOf(Kind::config_change, At{0})));
}

TEST(Changes, OfATokenizerAreByWhatItsFilesSay) {
  HandMade series = plain();
  for (ExaminedCheckpoint& each : series.checkpoints) {
    each.tokenizer = {{"tokenizer.json", "{}"}, {"tokenizer_config.json", R"({"a":1,"b":2})"}};
  }
  series.checkpoints[1].tokenizer["tokenizer_config.json"] = R"({ "b": 2, "a": 1 })";
  EXPECT_THAT(find_changes(series.checkpoints), IsEmpty());
  series.checkpoints[3].tokenizer["tokenizer.json"] = "{ }";  // large, and not compared by meaning
  const std::vector<Finding> found = find_changes(series.checkpoints);
  ASSERT_THAT(found, ElementsAre(FindingOf(Kind::tokenizer_change, At{3})));
  EXPECT_EQ(found[0].where, "tokenizer.json");
}

TEST(Changes, OfTypesAndTensors) {
  HandMade series = plain();
  series.checkpoints[1].tensors.at("w").view.dtype = Dtype::bf16;
  const std::vector<Finding> types = find_changes(series.checkpoints);
  ASSERT_THAT(types, ElementsAre(FindingOf(Kind::dtype_change, At{1})));
  EXPECT_THAT(types[0].text, HasSubstr("BF16 here, F32 at step 0"));
  HandMade shapes = plain();
  shapes.checkpoints[2].tensors.at("w").view.shape = {4, 256};
  EXPECT_THAT(find_changes(shapes.checkpoints), ElementsAre(FindingOf(Kind::tensor_change, At{2})));
  HandMade names = plain();
  names.add("extra", "f", some, {3, 4});
  const std::vector<Finding> found = find_changes(names.checkpoints);
  ASSERT_THAT(found, ElementsAre(FindingOf(Kind::tensor_change, At{3})));
  EXPECT_THAT(found[0].text, HasSubstr("extra is here only"));
  for (ExaminedCheckpoint& each : names.checkpoints) each.whole = false;  // that is said already
  EXPECT_THAT(find_changes(names.checkpoints), IsEmpty());
}

std::vector<Finding> gaps_of(const std::vector<int64_t>& steps) {
  return find_gaps(HandMade(steps).checkpoints);
}

TEST(Gaps, InEvenStepsAndInStepsByAFactor) {
  EXPECT_THAT(gaps_of({0, 10, 20, 30, 40}), IsEmpty());
  const std::vector<Finding> even = gaps_of({0, 10, 20, 50, 60, 70});
  ASSERT_THAT(even, ElementsAre(FindingOf(Kind::step_gap, At{3})));
  EXPECT_THAT(even[0].text, HasSubstr("between steps 20 and 50 2 are missing"));
  const std::vector<Finding> factor = gaps_of({1, 2, 4, 16, 32, 64});
  ASSERT_THAT(factor, ElementsAre(FindingOf(Kind::step_gap, At{3})));
  EXPECT_THAT(factor[0].text, HasSubstr("grow by one factor"));
}

TEST(Gaps, NoneWhereTheSpacingChangesOrTheEndIsOdd) {
  EXPECT_THAT(gaps_of({0, 1, 2, 4, 8, 16, 32, 64, 100, 150, 200, 250, 300, 333}), IsEmpty());
  EXPECT_THAT(gaps_of({0, 10, 20, 30, 50, 70, 90}), IsEmpty());
  EXPECT_THAT(gaps_of({0, 10, 20, 30, 50}), IsEmpty());
}

TEST(BadWeights, AreNamedAndCounted) {
  HandMade series = plain();
  series.add("bad", "f", [](size_t i, int64_t e) {
    if (i == 2 && e == 5) return std::numeric_limits<double>::quiet_NaN();
    return i == 2 && e > 1021 ? std::numeric_limits<double>::infinity() : 1.;
  });
  const std::vector<Finding> found = find_bad_weights(series.checkpoints, series.table());
  ASSERT_THAT(found, ElementsAre(FindingOf(Kind::not_finite, At{2})));
  EXPECT_EQ(found[0].where, "bad");
  EXPECT_EQ(found[0].text, "1 NaN and 2 infinite weights in bad");
}

}  // namespace
}  // namespace explaind
