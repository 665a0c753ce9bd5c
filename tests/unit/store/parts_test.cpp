// Parts of psi, training axes and outputs: every cell in its place, checksums, resume, queries.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <iterator>
#include <map>

#include "core/error.hpp"
#include "store/query.hpp"
#include "store/store_reader.hpp"
#include "unit/store/small_store.hpp"

namespace explaind::testing {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct PartsCase {
  std::string name;
  Axes axes;
  std::vector<std::string> psi, data;  ///< dimensions
  int64_t rows, trains, outputs;
};

class Parts : public ::testing::TestWithParam<PartsCase> {};

TEST_P(Parts, EveryCellIsInItsPlace) {
  const PartsCase& tested = GetParam();
  for (const bool single : {false, true}) {
    const TemporaryFile file;
    write_store(file.path(), schema_with_parts(tested.axes, single));
    const StoreReader store(file.path());
    EXPECT_EQ(store.variable("psi").dims, tested.psi);
    for (const Part part : all_parts) {
      const std::string name = variable_of(part);
      EXPECT_EQ(store.variable(name).dims, part == Part::data ? tested.data : tested.psi) << name;
      const int64_t trains = part == Part::data ? tested.trains : 1;
      const std::vector<double> values = store.read(name);
      size_t i = 0;
      for (int64_t segment = 0; segment < 3; ++segment) {
        for (int64_t row = 0; row < tested.rows; ++row) {
          for (int64_t component = 0; component < 6; ++component) {
            for (int64_t train = 0; train < trains; ++train) {
              for (int64_t output = 0; output < tested.outputs; ++output) {
                ASSERT_EQ(values.at(i++), part_cell(part, segment, row, component, train, output))
                    << name;
              }
            }
          }
        }
      }
      EXPECT_EQ(i, values.size());
    }
  }
}

TEST_P(Parts, AFinishedStoreOwesNothing) {
  const TemporaryFile file;
  const StoreSchema schema = schema_with_parts(GetParam().axes);
  write_store(file.path(), schema);
  const StoreRemainder left = resume_store(file.path(), schema);
  EXPECT_EQ(left.damaged, 0);
  EXPECT_THAT(left.units, IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(
    Axes, Parts,
    ::testing::Values(PartsCase{.name = "none",
                                .axes = {},
                                .psi = {"segment", "sample", "component"},
                                .data = {"segment", "sample", "component"},
                                .rows = 5,
                                .trains = 1,
                                .outputs = 1},
                      PartsCase{.name = "train_sample",
                                .axes = {.train_sample = true},
                                .psi = {"segment", "sample", "component"},
                                .data = {"segment", "sample", "component", "train_sample"},
                                .rows = 5,
                                .trains = 4,
                                .outputs = 1},
                      PartsCase{.name = "train_group_of_groups",
                                .axes = {.sample = false, .group = true, .train_group = true},
                                .psi = {"segment", "group", "component"},
                                .data = {"segment", "group", "component", "train_group"},
                                .rows = 2,
                                .trains = 2,
                                .outputs = 1},
                      PartsCase{.name = "output",
                                .axes = {.output = true},
                                .psi = {"segment", "sample", "component", "output"},
                                .data = {"segment", "sample", "component", "output"},
                                .rows = 5,
                                .trains = 1,
                                .outputs = 3},
                      PartsCase{
                          .name = "train_sample_and_output",
                          .axes = {.output = true, .train_sample = true},
                          .psi = {"segment", "sample", "component", "output"},
                          .data = {"segment", "sample", "component", "train_sample", "output"},
                          .rows = 5,
                          .trains = 4,
                          .outputs = 3}),
    [](const auto& each) { return each.param.name; });

TEST(PartsOfStore, ValuesAndResidualsHaveOutputsAndCertificatesTheWorst) {
  const TemporaryFile file;
  write_store(file.path(), schema_with_parts({.output = true}));
  const StoreReader store(file.path());
  const std::vector<std::string> with{"segment", "sample", "output"}, without{"segment", "sample"};
  for (const char* name : {"value_from", "value_to", "residual"}) {
    EXPECT_EQ(store.variable(name).dims, with) << name;
  }
  for (const char* name :
       {"quadrature_error", "node_count", "tolerance_met", "limited_by_precision", "committed"}) {
    EXPECT_EQ(store.variable(name).dims, without) << name;
  }
  EXPECT_EQ(store.read("residual", {2, 3, 1}, {1, 1, 1})[0], certificate(2, 3) + 2 + 1.0 / 16);
  EXPECT_THAT(store.read("committed"), Each(1.0));
  EXPECT_THAT(store.texts("output"), ElementsAre("cat", "dog", "eel"));
}

TEST(PartsOfStore, CoordinatesAndAttributes) {
  const TemporaryFile file;
  write_store(file.path(), schema_with_parts({.train_sample = true}));
  const StoreReader store(file.path());
  EXPECT_THAT(store.texts("train_id"), ElementsAre("t0", "t1", "t2", "t3"));
  EXPECT_THAT(store.texts("train_group_name"), ElementsAre("fr", "en", "fr", "fr"));
  EXPECT_THAT(store.attribute("psi_data", "coordinates"), HasSubstr("train_id train_group_name"));
  EXPECT_EQ(store.attribute("psi", "coordinates").find("train_id"), std::string::npos);
  EXPECT_EQ(store.attribute("psi_data", "step_index"), "applied");
  EXPECT_EQ(store.attribute("psi_data", "estimated"), "");
  EXPECT_EQ(store.attribute("psi_decay", "estimated"), "1");
  EXPECT_EQ(store.attribute("psi_decay", "assumptions"), "chord path");
}

/// Changes one byte of a value, wherever it is in the file.
void damage(const std::filesystem::path& path, double value) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const std::string wanted(reinterpret_cast<const char*>(&value), sizeof(value));
  const size_t at = bytes.find(wanted);
  ASSERT_NE(at, std::string::npos);
  file.seekp(static_cast<std::streamoff>(at + 6));
  file.put(static_cast<char>(bytes[at + 6] ^ 1));
}

TEST(PartsOfStore, TheChecksumCoversEveryPart) {
  for (const Part part : all_parts) {
    const TemporaryFile file;
    const StoreSchema schema = schema_with_parts({.train_sample = true});
    write_store(file.path(), schema);
    damage(file.path(), part_cell(part, 1, 3, 2, 0, 0));  // sample d: unit 1 of the segment's three
    EXPECT_THAT(resume_store(file.path(), schema).units, ElementsAre(4)) << variable_of(part);
  }
}

TEST(PartsOfStore, AUnitWithoutAPartIsRefused) {
  const TemporaryFile file;
  const StoreSchema schema = schema_with_parts({});
  create_store(file.path(), schema, false);
  StoreWriter writer(file.path(), schema, Communicator::self());
  ScoreTile tile = tile_of(schema, 0);
  tile.parts.pop_back();
  EXPECT_THROW(writer.write(tile), Error);
}

std::map<std::vector<std::string>, double> answers(const StoreReader& store, const Query& query) {
  const QueryResult result = run(store, query);
  std::map<std::vector<std::string>, double> found;
  for (size_t i = 0; i < result.values.size(); ++i) found[result.keys[i]] = result.values[i];
  return found;
}

TEST(PartsOfStore, QueriesSliceAndSumTrainingSamplesAndOutputs) {
  const TemporaryFile file;
  write_store(file.path(), schema_with_parts({.output = true, .train_sample = true}));
  const StoreReader store(file.path());
  const std::vector<std::string> groups = {"fr", "en", "fr", "fr"}, outputs = {"cat", "dog", "eel"};
  std::map<std::vector<std::string>, double> by_group, of_one;
  for (int64_t segment = 0; segment < 3; ++segment) {
    for (int64_t row = 0; row < 5; ++row) {
      for (int64_t component = 0; component < 6; ++component) {
        for (size_t train = 0; train < 4; ++train) {
          for (size_t output = 0; output < 3; ++output) {
            const double value =
                part_cell(Part::data, segment, row, component, static_cast<int64_t>(train),
                          static_cast<int64_t>(output));
            by_group[{groups[train], outputs[output]}] += value;
            if (train == 2 && output > 0) of_one[{outputs[output]}] += value;
          }
        }
      }
    }
  }
  Query query;
  query.variable = "psi_data";
  query.group_by = {"train_group", "output"};
  query.sum = {"sample"};
  EXPECT_EQ(answers(store, query), by_group);
  EXPECT_EQ(
      run(store, query).statement.words(),
      "sum of 3 segments, sum of 5 samples, sum of 6 components, sum of 1 to 3 training samples");
  query.sum = {};  // the mean over samples
  EXPECT_NEAR(answers(store, query).at({"en", "dog"}), by_group.at({"en", "dog"}) / 5, 1e-9);
  query.sum = {"sample"};
  query.group_by = {"output"};
  query.select = {"train_sample=t2", "output=dog|eel"};
  EXPECT_EQ(answers(store, query), of_one);
  query.group_by = {};
  query.select = {};
  query.sum = {"segment", "component", "output"};
  query.mean = {"sample"};
  const QueryResult result = run(store, query);
  ASSERT_EQ(result.columns.size(), 2U);
  EXPECT_EQ(result.columns[0].name, "train_id");
  EXPECT_EQ(result.columns[1].name, "train_group_name");
  EXPECT_EQ(result.keys[1], (std::vector<std::string>{"t1", "en"}));
}

TEST(PartsOfStore, AWholeResultIsAnArrayWithItsShape) {
  const TemporaryFile file;
  const StoreSchema schema = schema_with_parts({.train_group = true});
  write_store(file.path(), schema, {0, 1, 2, 3});  // segment 0, and segment 1's first two samples
  Query query;
  query.variable = "psi_data";
  query.sum = {"component"};
  query.whole = true;
  const QueryResult result = run(StoreReader(file.path()), query);
  EXPECT_THAT(result.shape, ElementsAre(3, 5, 2));
  ASSERT_EQ(result.values.size(), 30U);
  double expected = 0;
  for (int64_t component = 0; component < 6; ++component) {
    expected += part_cell(Part::data, 1, 1, component, 1, 0);
  }
  EXPECT_EQ(result.values[1 * 10 + 1 * 2 + 1], expected);
  EXPECT_TRUE(std::isnan(result.values[1 * 10 + 2 * 2]));
  query.top = 3;
  EXPECT_THAT(run(StoreReader(file.path()), query).shape, ElementsAre(3));
}

}  // namespace
}  // namespace explaind::testing
