#include "doctor/out_of_line.hpp"

#include "unit/doctor/hand_made.hpp"

namespace explaind {
namespace {

using Kind = Finding::Kind;
using testing::along;
using testing::At;
using ::testing::ElementsAre;
using testing::FindingOf;
using testing::HandMade;
using ::testing::IsEmpty;

const std::vector<int64_t> even_steps{0, 40, 80, 120, 160, 200, 240, 280, 320, 360, 400};

/// What stands at a checkpoint: the step of a tensor's weights.
using StepOf = std::function<double(const std::string& name, size_t checkpoint)>;

/// Four layers of three kinds in two files, and what is found in it; `speed` is how far training
/// has come at a step.
std::vector<Finding> out_of_line_in(
    const std::vector<int64_t>& steps, const StepOf& source,
    const std::function<double(double)>& speed = [](double s) { return s; },
    const std::vector<Finding>& known = {}) {
  HandMade series(steps);
  for (int layer = 0; layer < 4; ++layer) {
    int64_t seed = 10 * layer;
    for (const char* kind : {"down", "q", "v"}) {
      const std::string name = "layers." + std::to_string(layer) + "." + kind;
      // Layers differ a little, and not always alike.
      const double own = 1 + .01 * layer;
      const auto way = [&, name, own](size_t i) { return std::pow(speed(source(name, i)), own); };
      series.add(name, layer < 2 ? "one" : "two", along(way, ++seed));
    }
  }
  const PassTable table = series.table();
  std::vector<std::string> files;
  const std::vector<Mover> movers = movers_of(series.checkpoints, table, files);
  return find_out_of_line(series.checkpoints, movers, files, known);
}

/// The right step, but `other` at a checkpoint of tensors that `is` says.
StepOf with(const std::vector<int64_t>& steps, size_t at, double other,
            const std::function<bool(const std::string&)>& is) {
  return [=](const std::string& name, size_t i) {
    return i == at && is(name) ? other : static_cast<double>(steps[i]);
  };
}

bool in_two(const std::string& name) { return name >= "layers.2"; }
bool nowhere(const std::string&) { return false; }

TEST(OutOfLine, NothingInCleanSeries) {
  EXPECT_THAT(out_of_line_in(even_steps, with(even_steps, 0, 0, nowhere)), IsEmpty());
  const auto warm_up = [](double s) { return s < 200 ? s * s / 400 : s - 100; };
  EXPECT_THAT(out_of_line_in(even_steps, with(even_steps, 0, 0, nowhere), warm_up), IsEmpty());
  const std::vector<int64_t> by_factors{0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 400};
  EXPECT_THAT(out_of_line_in(by_factors, with(by_factors, 0, 0, nowhere), warm_up), IsEmpty());
  const auto decay = [](double s) { return s < 300 ? s : 400 - (400 - s) * (400 - s) / 100; };
  EXPECT_THAT(out_of_line_in(even_steps, with(even_steps, 0, 0, nowhere), decay), IsEmpty());
}

TEST(OutOfLine, AFileOfAStepTenPercentAway) {
  const auto warm_up = [](double s) { return s < 200 ? s * s / 400 : s - 100; };
  for (const double other : {220., 180.}) {
    EXPECT_THAT(out_of_line_in(even_steps, with(even_steps, 5, other, in_two)),
                ElementsAre(FindingOf(Kind::foreign_file, At{5})));
  }
  // .3 of a spacing, while the learning rate warms up.
  const std::vector<Finding> found =
      out_of_line_in(even_steps, with(even_steps, 3, 132, in_two), warm_up);
  ASSERT_THAT(found, ElementsAre(FindingOf(Kind::foreign_file, At{3})));
  EXPECT_EQ(found[0].where, "two");
}

TEST(OutOfLine, NoFileForWhatIsSmallOrOfOneKindAlone) {
  EXPECT_THAT(out_of_line_in(even_steps, with(even_steps, 5, 201, in_two)), IsEmpty());
  const auto of_one_kind = [](const std::string& name) {
    return in_two(name) && name.ends_with("q");
  };
  for (const Finding& each : out_of_line_in(even_steps, with(even_steps, 5, 220, of_one_kind))) {
    EXPECT_NE(each.kind, Kind::foreign_file) << each.text;
  }
}

TEST(OutOfLine, AFileFromBeyondItsNeighbours) {
  EXPECT_THAT(out_of_line_in(even_steps, with(even_steps, 4, 390, in_two)),
              ElementsAre(FindingOf(Kind::foreign_file, At{4})));
}

TEST(OutOfLine, ATensorOfAnotherStep) {
  const auto one = [](const std::string& name) { return name == "layers.1.q"; };
  for (const double other : {228., 390.}) {
    const std::vector<Finding> found = out_of_line_in(even_steps, with(even_steps, 5, other, one));
    ASSERT_THAT(found, ElementsAre(FindingOf(Kind::foreign_tensor, At{5})));
    EXPECT_EQ(found[0].where, "layers.1.q");
  }
}

TEST(OutOfLine, NoTensorWhereItsLayerGoesWithIt) {
  // Two thirds of a layer hurry for a while, to different extents.
  const StepOf source = [](const std::string& name, size_t i) {
    const double hurry = name == "layers.1.q" ? 22 : name == "layers.1.v" ? 16 : 0;
    return static_cast<double>(even_steps[i]) + (i == 5 ? hurry : 0);
  };
  for (const Finding& each : out_of_line_in(even_steps, source)) {
    EXPECT_NE(each.kind, Kind::foreign_tensor) << each.text;
  }
}

TEST(OutOfLine, ACheckpointOfAnotherStep) {
  const auto all = [](const std::string&) { return true; };
  EXPECT_THAT(out_of_line_in(even_steps, with(even_steps, 3, 390, all)),
              ElementsAre(FindingOf(Kind::foreign_checkpoint, At{3})));
}

TEST(OutOfLine, NothingThatIsKnownAlready) {
  const std::vector<Finding> known{
      {.kind = Kind::identical_file, .checkpoints = {5}, .where = "two", .text = ""}};
  const auto plain = [](double s) { return s; };
  EXPECT_THAT(out_of_line_in(even_steps, with(even_steps, 5, 220, in_two), plain, known),
              IsEmpty());
  const std::vector<Finding> elsewhere{
      {.kind = Kind::identical_file, .checkpoints = {9}, .where = "two", .text = ""}};
  EXPECT_THAT(out_of_line_in(even_steps, with(even_steps, 5, 220, in_two), plain, elsewhere),
              ElementsAre(FindingOf(Kind::foreign_file, At{5})));
}

}  // namespace
}  // namespace explaind
