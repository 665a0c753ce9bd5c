// Kernels against their floors: bytes per second of what must be read and written once, beside a
// copy of the same bytes.

#include <benchmark/benchmark.h>

#include <cstring>
#include <random>
#include <vector>

#include "kernels/contract.hpp"
#include "kernels/cross_entropy.hpp"
#include "kernels/interpolate.hpp"

namespace {

using namespace explaind;

std::vector<float> random_values(size_t count) {
  std::mt19937 engine(1);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& value : values) value = normal(engine);
  return values;
}

void copy(benchmark::State& state) {
  const auto bytes = static_cast<size_t>(state.range(0));
  const std::vector<char> from(bytes, 1);
  std::vector<char> to(bytes);
  for (auto _ : state) {
    std::memcpy(to.data(), from.data(), bytes);
    benchmark::DoNotOptimize(to.data());
  }
  state.SetBytesProcessed(state.iterations() * state.range(0) * 2);
}
BENCHMARK(copy)->Arg(1 << 24);

void contract_positions(benchmark::State& state) {
  const int64_t positions = 256, columns = state.range(0);
  const auto delta = random_values(static_cast<size_t>(positions * columns)), z = delta;
  std::vector<double> out(static_cast<size_t>(columns));
  for (auto _ : state) {
    for (int64_t begin = 0; begin < columns; begin += 512) {
      kernels::contract_positions<float>({delta.data(), columns}, {z.data(), columns}, positions,
                                         {begin, std::min(begin + 512, columns)}, out.data());
    }
    benchmark::DoNotOptimize(out.data());
  }
  state.SetBytesProcessed(state.iterations() * positions * columns * 8);
}
BENCHMARK(contract_positions)->Arg(512)->Arg(1408)->Arg(8192);

void contract_columns(benchmark::State& state) {
  const int64_t positions = 256, columns = state.range(0);
  const auto delta = random_values(static_cast<size_t>(positions * columns)), z = delta;
  std::vector<double> out(static_cast<size_t>(positions));
  for (auto _ : state) {
    kernels::contract_columns<float>({delta.data(), columns}, {z.data(), columns}, positions,
                                     {0, columns}, out.data(), 1);
    benchmark::DoNotOptimize(out.data());
  }
  state.SetBytesProcessed(state.iterations() * positions * columns * 8);
}
BENCHMARK(contract_columns)->Arg(512)->Arg(8192);

void interpolate(benchmark::State& state) {
  const int64_t count = 1 << 22;
  const std::vector<uint16_t> stored(static_cast<size_t>(count), 0x3F80);
  const StoredValues from{stored.data(), Dtype::bf16};
  const auto delta = random_values(static_cast<size_t>(count));
  std::vector<float> out(static_cast<size_t>(count));
  for (auto _ : state) {
    kernels::interpolate(from, delta.data(), 0.3F, 0, count, out.data());
    benchmark::DoNotOptimize(out.data());
  }
  state.SetBytesProcessed(state.iterations() * count * (2 + 4 + 4));
}
BENCHMARK(interpolate);

void cross_entropy_backward(benchmark::State& state) {
  const int64_t vocabulary = state.range(0);
  const auto logits = random_values(static_cast<size_t>(vocabulary));
  auto work = logits;
  for (auto _ : state) {
    work = logits;
    benchmark::DoNotOptimize(kernels::cross_entropy_backward(work.data(), vocabulary, 3, 1.0));
  }
  state.SetItemsProcessed(state.iterations() * vocabulary);
}
BENCHMARK(cross_entropy_backward)->Arg(8192)->Arg(128000);

}  // namespace
