// Positions past a sample's end hold NaN in both factors of every contraction, and add nothing: in
// the contraction alone, and where its results become scores.

#include "tensors/contraction.hpp"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmath>
#include <limits>
#include <new>
#include <string>
#include <vector>

#include "engines/score_accumulator.hpp"

namespace explaind::testing {
namespace {

// B members, T padded positions, N columns.
constexpr int64_t members = 3, positions = 37, columns = 12;  // several pieces of 16 positions
const std::vector<int64_t> lengths{37, 5, 18};

class Padding : public ::testing::TestWithParam<at::ScalarType> {
 protected:
  /// B T N: numbers up to each member's end, and `rest` past it.
  [[nodiscard]] static at::Tensor rows(double rest, int64_t seed, int64_t width = columns) {
    at::manual_seed(static_cast<uint64_t>(seed));
    at::Tensor values = at::randn({members, positions, width}, GetParam());
    for (int64_t b = 0; b < members; ++b) {
      values[b]
          .narrow(0, lengths[static_cast<size_t>(b)], positions - lengths[static_cast<size_t>(b)])
          .fill_(rest);
    }
    return values;
  }
  static constexpr double nan = std::numeric_limits<double>::quiet_NaN();
};

/// Of parts kept by position, those that exist.
at::Tensor existing(const at::Tensor& parts) {
  at::Tensor copy = parts.clone();
  for (int64_t b = 0; b < members; ++b) {
    const int64_t length = lengths[static_cast<size_t>(b)];
    copy[b].narrow(0, length, positions - length).zero_();
  }
  return copy;
}

TEST_P(Padding, IsReadByNoContraction) {
  Contraction contraction(Device::cpu());
  contraction.set_lengths(lengths);
  const at::Tensor delta = rows(nan, 1), clean = rows(0, 1);
  const at::Tensor bias = at::randn({columns}, GetParam());
  for (const auto& [z, clean_z] : {std::pair(rows(nan, 2), rows(0, 2)), std::pair(bias, bias)}) {
    const at::Tensor expected = (clean.to(at::kDouble) * clean_z.to(at::kDouble)).sum({1, 2});
    for (const auto& [division, count] : {std::pair<Division, int64_t>{Division::whole, 1},
                                          {Division::rows, columns},
                                          {Division::row_blocks, 3},
                                          {Division::column_blocks, 4}}) {
      for (const bool kept : {false, true}) {
        const Kept keep{.division = division, .count = count, .positions = kept, .parts = true};
        const Contracted found = contraction(delta, z, keep),
                         exact = contraction(clean, clean_z, keep);
        EXPECT_TRUE(at::allclose(found.whole, expected, 1e-12, 1e-12));
        EXPECT_TRUE(at::equal(found.whole, exact.whole));
        if (!found.parts.defined()) continue;
        EXPECT_TRUE(at::equal(kept ? existing(found.parts) : found.parts,
                              kept ? existing(exact.parts) : exact.parts));
      }
    }
    if (z.dim() == 3) {
      EXPECT_TRUE(
          at::equal(existing(contraction.by_position(delta, z).unsqueeze(-1)),
                    existing(contraction.by_position(clean, z.nan_to_num(0)).unsqueeze(-1))));
    }
  }
}

/// Rows of one sample whose padding begins where memory ends that may be read.
class Guarded {
 public:
  Guarded(int64_t length, at::ScalarType type) {
    page_ = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    void* pages =
        mmap(nullptr, 2 * page_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) throw std::bad_alloc();
    pages_ = static_cast<std::byte*>(pages);
    const size_t there = static_cast<size_t>(length * columns) * at::elementSize(type);
    rows_ = at::from_blob(pages_ + page_ - there, {1, positions, columns}, type);
    rows_.narrow(1, 0, length).copy_(at::randn({1, length, columns}, type));
    if (mprotect(pages_ + page_, page_, PROT_NONE) != 0) throw std::bad_alloc();
  }
  ~Guarded() { munmap(pages_, 2 * page_); }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;
  [[nodiscard]] const at::Tensor& rows() const { return rows_; }

 private:
  size_t page_ = 0;
  std::byte* pages_ = nullptr;
  at::Tensor rows_;
};

/// Not even where what comes of it is dropped.
TEST_P(Padding, MayLieInMemoryThatCannotBeRead) {
  for (const int64_t length : {5, 18}) {
    const Guarded delta(length, GetParam()), z(length, GetParam());
    Contraction contraction(Device::cpu());
    contraction.set_lengths({length});
    const at::Tensor expected = (delta.rows().narrow(1, 0, length).to(at::kDouble) *
                                 z.rows().narrow(1, 0, length).to(at::kDouble))
                                    .sum();
    for (const auto& [division, count] : {std::pair<Division, int64_t>{Division::whole, 1},
                                          {Division::rows, columns},
                                          {Division::row_blocks, 3},
                                          {Division::column_blocks, 4}}) {
      for (const bool kept : {false, true}) {
        const Kept keep{.division = division, .count = count, .positions = kept, .parts = true};
        EXPECT_NEAR(contraction(delta.rows(), z.rows(), keep).whole.item<double>(),
                    expected.item<double>(), 1e-12);
      }
    }
    const at::Tensor by_position = contraction.by_position(delta.rows(), z.rows());
    EXPECT_NEAR(by_position.narrow(1, 0, length).sum().item<double>(), expected.item<double>(),
                1e-12);
  }
}

/// An embedding of 9 rows that is the unembedding too, and a matrix of N rows.
ComponentTable table_of(Granularity granularity) {
  ParameterInfo tied, layer;
  tied.name = "embed";
  tied.shape = {9, columns};
  tied.kind = "embedding";
  tied.uses = 2;
  layer.name = "layer";
  layer.shape = {columns, 4};
  layer.layer = 0;
  layer.kind = "mlp";
  return ComponentTable(granularity, {tied, layer});
}

/// All scores and values of one round in which an operation of every kind is added.
std::vector<double> scores_of(Granularity granularity, bool by_position, const at::Tensor& delta,
                              const at::Tensor& z, const at::Tensor& logits,
                              const at::Tensor& of_logits) {
  const ComponentTable table = table_of(granularity);
  ScoreAccumulator sink(table, {.samples = members,
                                .positions = by_position ? positions : 0,
                                .accumulators = 1,
                                .keep_scores = true});
  const std::vector<Ask> asks{
      {.t = 0.5, .samples = {0, 1, 2}, .accumulators = 1, .weights = {1, 0.5, 2}}};
  sink.begin_round(asks);
  Members running;
  for (int64_t b = 0; b < members; ++b) {
    running.push_back({.ask = 0, .row = b, .length = lengths[static_cast<size_t>(b)]});
  }
  sink.begin_evaluation(running);
  sink.add(1, delta, z);
  SliceSums sums;
  for (const auto& [first, count] : {std::pair<int64_t, int64_t>{0, 5}, {5, 4}}) {
    sink.add_slice(0, first, logits.narrow(2, first, count), of_logits.narrow(2, first, count),
                   sums);
  }
  sink.add_sums(0, sums);
  sink.add_embedding(0, at::arange(members * positions).remainder(9).view({members, positions}),
                     delta, z);
  sink.end_round();
  std::vector<double> all = sink.values()[0];
  for (int64_t b = 0; b < members; ++b) {
    const std::vector<double> own = sink.scores(b, 0);
    all.insert(all.end(), own.begin(), own.end());
  }
  return all;
}

TEST_P(Padding, IsInNoScore) {
  for (const Granularity granularity : {Granularity::tensor, Granularity::row}) {
    for (const bool by_position : {false, true}) {
      const std::vector<double> clean = scores_of(granularity, by_position, rows(0, 1), rows(0, 2),
                                                  rows(0, 3, 9), rows(0, 4, 9)),
                                found = scores_of(granularity, by_position, rows(nan, 1),
                                                  rows(nan, 2), rows(nan, 3, 9), rows(nan, 4, 9));
      EXPECT_EQ(found, clean);
      EXPECT_GT(std::abs(clean[0]), 1e-3);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Types, Padding, ::testing::Values(at::kFloat, at::kDouble),
                         [](const auto& tested) {
                           return std::string(at::toString(tested.param));
                         });

}  // namespace
}  // namespace explaind::testing
