#include "unit/runs/small_run.hpp"

#include <span>

namespace explaind::testing {
namespace {

constexpr int64_t block_bytes = 1 << 20;

TensorView view(const std::string& name, const std::vector<float>& values,
                std::vector<int64_t> shape) {
  return {name, Dtype::f32, std::move(shape), reinterpret_cast<const std::byte*>(values.data()),
          values.size() * sizeof(float)};
}

struct SmallPoint {
  std::vector<float> a, b;
  SmallPoint(int64_t s, float sign) {
    for (size_t i = 0; i < 6; ++i) a.push_back(sign * small_value(s, 0, i));
    for (size_t i = 0; i < 2; ++i) b.push_back(sign * small_value(s, 1, i));
  }
  [[nodiscard]] std::vector<TensorView> views() const {
    return {view("a", a, {2, 3}), view("b", b, {2})};
  }
};

}  // namespace

nlohmann::json small_run_json() {
  const auto group = [](double decay) {
    return nlohmann::json{
        {"weight_decay", decay}, {"beta1", 0.9}, {"beta2", 0.99}, {"epsilon", 1e-8}};
  };
  return {{"format", "explaind-recorded-run"},
          {"version", 1},
          {"dtype", "f32"},
          {"model", {{"name", "small"}, {"config", nlohmann::json::object()}}},
          {"optimizer", {{"name", "adamw"}, {"groups", {group(0.1), group(0)}}}},
          {"parameters",
           {{{"name", "a"}, {"shape", {2, 3}}, {"group", 0}},
            {{"name", "b"}, {"shape", {2}}, {"group", 1}}}},
          {"data", {{"samples", 10}}},
          {"stored", {"second_moment", "flip"}}};
}

void add_small_step(RunWriter& writer, int64_t s) {
  const SmallPoint after(s + 1, 1), moments(s + 1, -1);
  std::vector<int64_t> samples;
  std::vector<uint8_t> flips;
  for (int64_t j = 0; j < small_batch_size(s); ++j) {
    samples.push_back(small_sample(s, j));
    flips.push_back(static_cast<uint8_t>((s + j) % 2));
  }
  StepRecord step{.learning_rates = {0.1 * static_cast<double>(s), 0.2},
                  .clip = 1 / static_cast<double>(s + 1),
                  .loss = 5 - static_cast<double>(s),
                  .samples = samples,
                  .flips = flips,
                  .stepped = {1, static_cast<uint8_t>(s == 1 ? 0 : 1)},
                  .parameters = after.views(),
                  .second_moments = moments.views()};
  writer.add(step);
}

void write_small_block(RunWriter& writer) {
  const SmallPoint state(writer.next_step(), 1);
  writer.write_block(state.views());
}

void write_small_run(const std::filesystem::path& folder) {
  const SmallPoint start(0, 1);
  RunWriter writer = RunWriter::create(folder, small_run_json(), start.views(), {}, block_bytes);
  for (int64_t s = 0; s < 5; ++s) {
    add_small_step(writer, s);
    if (s % 2 == 1) write_small_block(writer);
  }
  write_small_block(writer);
  writer.complete({{"validation", {{"loss", 0.5}}}});
}

}  // namespace explaind::testing
