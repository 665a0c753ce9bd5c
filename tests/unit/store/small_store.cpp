#include "unit/store/small_store.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <numeric>

#include "comm/communicator.hpp"

namespace explaind::testing {

StoreSchema small_schema(const Axes& axes, bool single_precision) {
  StoreSchema schema;
  schema.step_from = {0, 10, 100};
  schema.step_to = {10, 100, 1000};
  schema.sample_ids = {"a", "b", "c", "d", "e"};
  schema.sample_groups = {"de", "en", "de", "de", "en"};
  schema.sample_lengths = {4, 2, 3, 4, 1};
  if (axes.group) schema.group_names = {"de", "en"};
  std::vector<ParameterInfo> parameters;
  const auto add = [&](const std::string& name, int layer, const std::string& kind) {
    ParameterInfo parameter;
    parameter.name = name;
    parameter.shape = {2, 2};
    parameter.layer = layer;
    parameter.layer_name = layer < 0 ? "embedding" : "layer." + std::to_string(layer);
    parameter.kind = kind;
    parameters.push_back(parameter);
  };
  add("embed", -1, "embedding");
  for (int layer = 0; layer < 2; ++layer) {
    add("l" + std::to_string(layer) + ".q", layer, "attention");
    add("l" + std::to_string(layer) + ".up", layer, "mlp");
  }
  add("l1.down", 1, "mlp");
  schema.components = ComponentTable(Granularity::tensor, parameters);
  schema.axes = axes;
  schema.positions = axes.position ? 4 : 1;
  schema.units = UnitGrid(3, 5, 2, axes.sample);
  schema.single_precision = single_precision;
  schema.functional = "loss";
  schema.functional_unit = "nat";
  schema.provenance = {{"configuration", "{\"tolerance\": \"1e-5\"}"}, {"revision", "abc"}};
  schema.run_log_line = "host 1 ranks";
  return schema;
}

StoreSchema schema_with_parts(const Axes& axes, bool single_precision) {
  StoreSchema schema = small_schema(axes, single_precision);
  // Not in the order of the file: that is the layout's.
  schema.parts = {{.part = Part::data, .assumptions = "", .step_index = "applied"},
                  {.part = Part::rounding, .assumptions = "", .step_index = ""},
                  {.part = Part::momentum, .assumptions = "", .step_index = ""},
                  {.part = Part::decay, .assumptions = "chord path", .step_index = ""}};
  if (axes.train_sample) {
    schema.train_ids = {"t0", "t1", "t2", "t3"};
    schema.train_groups = {"fr", "en", "fr", "fr"};
  }
  if (axes.train_group) schema.train_group_names = {"fr", "en"};
  if (axes.output) schema.outputs = {"cat", "dog", "eel"};
  return schema;
}

double part_cell(Part part, int64_t segment, int64_t row, int64_t component, int64_t train,
                 int64_t output) {
  const auto which = static_cast<int64_t>(part) + 1;
  return static_cast<double>(((((which * 3 + segment) * 5 + row) * 6 + component) * 4 + train) * 3 +
                             output);
}

double cell(int64_t segment, int64_t row, int64_t position, int64_t component) {
  return static_cast<double>(1000 * segment + 100 * row + 10 * position + component) + 0.5;
}

double certificate(int64_t segment, int64_t sample) {
  return static_cast<double>(100 * segment + 10 * sample) + 0.25;
}

ScoreTile tile_of(const StoreSchema& schema, int64_t index) {
  ScoreTile tile;
  tile.unit = schema.units.unit(index);
  const int64_t samples = tile.unit.sample_end - tile.unit.sample_begin;
  const int64_t rows = schema.axes.sample  ? samples
                       : schema.axes.group ? static_cast<int64_t>(schema.group_names.size())
                                           : 1;
  const int64_t outputs = std::max<int64_t>(1, static_cast<int64_t>(schema.outputs.size()));
  const int64_t first = schema.axes.sample ? tile.unit.sample_begin : 0;
  tile.held = {{.first = 0, .last = rows}};
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t position = 0; position < schema.positions; ++position) {
      for (int64_t component = 0; component < schema.components.size(); ++component) {
        for (int64_t output = 0; output < outputs; ++output) {
          tile.psi.push_back(cell(tile.unit.segment, first + row, position, component) +
                             static_cast<double>(output) / 16);
        }
      }
    }
  }
  for (const KeptPart& kept : schema.parts) {
    const auto trained = static_cast<int64_t>(
        schema.axes.train_sample ? schema.train_ids.size() : schema.train_group_names.size());
    const int64_t trains = kept.part == Part::data ? std::max<int64_t>(trained, 1) : 1;
    PartScores part{.part = kept.part, .scores = {}};
    for (int64_t row = 0; row < rows; ++row) {
      for (int64_t component = 0; component < schema.components.size(); ++component) {
        for (int64_t train = 0; train < trains; ++train) {
          for (int64_t output = 0; output < outputs; ++output) {
            part.scores.push_back(
                part_cell(kept.part, tile.unit.segment, first + row, component, train, output));
          }
        }
      }
    }
    tile.parts.push_back(std::move(part));
  }
  for (int64_t s = tile.unit.sample_begin; s < tile.unit.sample_end; ++s) {
    const double value = certificate(tile.unit.segment, s);
    for (int64_t output = 0; output < outputs; ++output) {
      const double of_output = value + static_cast<double>(output) / 16;
      tile.value_from.push_back(of_output);
      tile.value_to.push_back(of_output + 1);
      tile.residual.push_back(of_output + 2);
    }
    tile.quadrature_error.push_back(value + 3);
    tile.node_count.push_back(static_cast<int32_t>(9 + tile.unit.segment));
    tile.tolerance_met.push_back(s % 2 == 0 ? 1 : 0);
    tile.limited_by_precision.push_back(s % 2 == 0 ? 0 : 1);
  }
  tile.seconds = 0.5 * static_cast<double>(index);
  return tile;
}

void write_store(const std::filesystem::path& path, const StoreSchema& schema,
                 std::vector<int64_t> units) {
  create_store(path, schema, true);
  if (units.empty()) {
    units.resize(static_cast<size_t>(schema.units.size()));
    std::iota(units.begin(), units.end(), int64_t{0});
  }
  StoreWriter writer(path, schema, Communicator::self());
  for (const int64_t unit : units) writer.write(tile_of(schema, unit));
  writer.close();
}

TemporaryFile::TemporaryFile() {
  const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
  std::string name = std::string(test->test_suite_name()) + "." + test->name() + "." +
                     std::to_string(getpid()) + ".h5";
  for (char& letter : name) letter = letter == '/' ? '_' : letter;
  path_ = std::filesystem::path(::testing::TempDir()) / name;
}

}  // namespace explaind::testing
