// Gathered parameters: what is asked for ahead, in which order, and that nothing is overwritten
// which is still in use; and what ranks get of each other, whatever lies between their values.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "engines/vocabulary_head.hpp"
#include "model/decoder.hpp"
#include "parameters/block_parameters.hpp"
#include "sweeps/block_major_sweep.hpp"
#include "unit/tiny_models/tiny.hpp"

namespace explaind::testing {
namespace {

using ::testing::ElementsAre;

constexpr size_t line = 64;  ///< bytes: where values begin

/// A group of one rank whose data arrive when they are waited for, and not before.
class LateCollectives final : public Collectives {
 public:
  LateCollectives() : Collectives(0, 1) {}
  std::vector<std::string> log;

 private:
  struct Transfer {
    const std::byte* mine;
    size_t bytes;
    std::byte* all;
  };
  void begin(Gather gather, const std::byte* mine, size_t bytes, std::byte* all) override {
    log.push_back("start " + std::to_string(gather));
    std::memset(all, 0x7f, bytes);
    transfers_.push_back({mine, bytes, all});
  }
  void finish(Gather gather) override {
    log.push_back("wait " + std::to_string(gather));
    const Transfer& each = transfers_.at(static_cast<size_t>(gather));
    std::memcpy(each.all, each.mine, each.bytes);
  }
  void give_up(const std::string& cause) override { log.push_back("abort: " + cause); }

  std::vector<Transfer> transfers_;
};

class Gathered : public ::testing::Test {
 protected:
  Decoder network{tiny_config()};
  std::vector<at::Tensor> from = random_point(network, 1), to = moved(network, from, 2, 0.1);
  MemoryTrajectory trajectory{{from, to, from}};
  LateCollectives group;

  [[nodiscard]] std::vector<ParameterRows> block(int64_t index) const {
    return whole(network, network.block_parameters(index));
  }
  /// The endpoints' values are those of the points.
  void expect_values(const std::vector<Endpoints>& ends, const std::vector<ParameterRows>& parts,
                     const std::vector<at::Tensor>& a, const std::vector<at::Tensor>& b) const {
    ASSERT_EQ(ends.size(), parts.size());
    for (size_t i = 0; i < parts.size(); ++i) {
      const auto id = static_cast<size_t>(parts[i].parameter);
      const size_t bytes = a[id].nbytes();
      ASSERT_EQ(ends[i].from.bytes, bytes);
      EXPECT_EQ(std::memcmp(ends[i].from.data, a[id].const_data_ptr(), bytes), 0) << i;
      EXPECT_EQ(std::memcmp(ends[i].to.data, b[id].const_data_ptr(), bytes), 0) << i;
    }
  }
};

TEST_F(Gathered, ARequestIsStartedAheadAndWaitedForWhenRead) {
  GatheredEndpoints reader(trajectory, group);
  reader.load(0);
  const auto first = reader.read(block(1));
  EXPECT_THAT(group.log, ElementsAre("start 0", "start 1", "wait 0", "wait 1"));
  reader.request(block(2));
  EXPECT_THAT(group.log,
              ElementsAre("start 0", "start 1", "wait 0", "wait 1", "start 2", "start 3"));
  expect_values(first, block(1), from, to);
  const auto second = reader.read(block(2));
  EXPECT_EQ(group.log.back(), "wait 3");
  EXPECT_EQ(group.count().gathers, 4) << "from and to, twice";
  reader.request(block(1));
  expect_values(second, block(2), from, to);
  expect_values(reader.read(block(1)), block(1), from, to);
}

TEST_F(Gathered, AReadThatWasNotRequestedAndARequestThatIsNotRead) {
  GatheredEndpoints reader(trajectory, group);
  reader.load(0);
  reader.request(block(2));
  expect_values(reader.read(block(1)), block(1), from, to);
  EXPECT_THAT(group.log, ElementsAre("start 0", "start 1", "wait 0", "wait 1", "start 2", "start 3",
                                     "wait 2", "wait 3"));
  reader.request(block(2));
  reader.request({});
  EXPECT_EQ(group.log.back(), "wait 5") << "dropped, on all ranks alike";
  expect_values(reader.read(block(2)), block(2), from, to);
}

TEST_F(Gathered, ARequestEndsWithItsSegment) {
  GatheredEndpoints reader(trajectory, group);
  reader.load(0);
  reader.read(block(1));
  reader.request(block(2));
  reader.load(1);
  EXPECT_EQ(group.log.back(), "wait 3");
  expect_values(reader.read(block(2)), block(2), to, from);
}

TEST_F(Gathered, LeavingInTheMiddleIsSaid) {
  {
    GatheredEndpoints reader(trajectory, group);
    reader.load(0);
    reader.request(block(2));
  }
  EXPECT_THAT(group.log.back(), ::testing::StartsWith("abort: "));
}

/// Ranks of one process: each hands in its share, and gets what all have handed in, in rank order.
class Ranks {
 public:
  explicit Ranks(int size) : shares_(static_cast<size_t>(size)) {
    for (int rank = 0; rank < size; ++rank)
      members_.push_back(std::make_unique<Member>(*this, rank));
  }
  [[nodiscard]] Collectives& operator[](int rank) { return *members_[static_cast<size_t>(rank)]; }

  /// Bytes of the laid-out parts that belong to no value are overwritten with NaN of any type.
  std::vector<bool> padding;

 private:
  class Member final : public Collectives {
   public:
    Member(Ranks& ranks, int rank)
        : Collectives(rank, static_cast<int>(ranks.shares_.size())), ranks_(ranks) {}

   private:
    void begin(Gather /*gather*/, const std::byte* mine, size_t bytes, std::byte* all) override {
      ranks_.shares_[static_cast<size_t>(rank())].emplace_back(mine, mine + bytes);
      into_.push_back(all);
    }
    void finish(Gather gather) override {
      size_t offset = 0;
      for (const auto& share : ranks_.shares_) {
        for (const std::byte each : share.at(static_cast<size_t>(gather))) {
          const bool between = offset >= ranks_.padding.size() || ranks_.padding[offset];
          into_[static_cast<size_t>(gather)][offset++] = between ? std::byte{0xff} : each;
        }
      }
    }
    void give_up(const std::string& /*cause*/) override {}

    Ranks& ranks_;
    std::vector<std::byte*> into_;
  };
  std::vector<std::vector<std::vector<std::byte>>> shares_;  ///< rank, gather
  std::vector<std::unique_ptr<Member>> members_;
};

class GatheredBySeveral : public Gathered {
 protected:
  /// Ranks of a group of this size have the values of every block.
  void expect_blocks(int size) const {
    Ranks ranks(size);
    std::vector<std::unique_ptr<GatheredEndpoints>> readers;
    for (int rank = 0; rank < size; ++rank) {
      readers.push_back(std::make_unique<GatheredEndpoints>(trajectory, ranks[rank]));
      readers.back()->load(0);
    }
    bool padded = false;
    for (int64_t index = 1; index < network.blocks(); ++index) {
      ranks.padding.clear();
      for (const ParameterRows& part : block(index)) {
        const size_t bytes = from[static_cast<size_t>(part.parameter)].nbytes();
        ranks.padding.insert(ranks.padding.end(), bytes, false);
        while (ranks.padding.size() % line != 0) ranks.padding.push_back(true);
        padded |= bytes % line != 0;
      }
      for (const auto& reader : readers) reader->request(block(index));
      for (const auto& reader : readers)
        expect_values(reader->read(block(index)), block(index), from, to);
    }
    EXPECT_TRUE(padded) << "the case is one in which there is something between";
  }
};

class GatheredByRanks : public GatheredBySeveral, public ::testing::WithParamInterface<int> {};

TEST_P(GatheredByRanks, EveryRankHasTheValuesAndNothingOfWhatLiesBetween) {
  expect_blocks(GetParam());
}

INSTANTIATE_TEST_SUITE_P(Sizes, GatheredByRanks, ::testing::Values(1, 2, 3, 5));

/// One line more than there are ranks. Evenly divided a share is a line and less than a byte, so it
/// takes two lines.
TEST_F(GatheredBySeveral, NothingIsLostAtTheEndWhereRanksAreMany) {
  size_t lines = 0;
  for (const ParameterRows& part : block(1)) {
    lines += (from[static_cast<size_t>(part.parameter)].nbytes() + line - 1) / line;
  }
  ASSERT_GT(lines, line + 1);
  expect_blocks(static_cast<int>(lines) - 1);
}

/// Gathered endpoints, with NaN of any type where their values end and the next do not begin yet.
class NanBetween final : public EndpointReader {
 public:
  NanBetween(const Trajectory& trajectory, Collectives& group, int64_t& filled)
      : inner_(trajectory, group), filled_(filled) {}
  void load(int64_t segment) override { inner_.load(segment); }
  std::vector<Endpoints> read(const std::vector<ParameterRows>& parts) override {
    const std::vector<Endpoints> ends = inner_.read(parts);
    for (const Endpoints& each : ends) {
      fill(each.from);
      fill(each.to);
    }
    return ends;
  }
  void request(const std::vector<ParameterRows>& parts) override { inner_.request(parts); }

 private:
  void fill(const TensorView& view) {
    const size_t between = (line - view.bytes % line) % line;
    std::memset(const_cast<std::byte*>(view.data) + view.bytes, 0xff, between);
    filled_ += static_cast<int64_t>(between);
  }

  GatheredEndpoints inner_;
  int64_t& filled_;
};

/// A unit scored with parameters that a group gathered, of rank 0.
TEST_F(Gathered, ScoresAreThoseOfMappedFilesWhateverLiesBetween) {
  const ComponentTable table(Granularity::row, network.parameters());
  const std::vector<Sample> samples = random_samples({5, 3}, 37);
  const Groups groups = group_samples(samples);
  const UnitSolver solver(table, samples, groups, fixed_rule("gauss:2").solver);
  const auto scores = [&](const std::shared_ptr<EndpointReader>& reader) {
    BlockParameters parameters(network, trajectory, {.type = at::kDouble, .products = at::kDouble},
                               reader);
    BlockMajorSweep sweep(network, parameters, table, {.activation_bytes = 1 << 30});
    parameters.load(0);
    return solver.solve({.index = 0, .segment = 0, .sample_begin = 0, .sample_end = 2}, sweep).psi;
  };
  int64_t filled = 0;
  EXPECT_EQ(scores(std::make_shared<NanBetween>(trajectory, group, filled)),
            scores(std::make_shared<MappedEndpoints>(trajectory)));
  EXPECT_GT(filled, 0) << "the case is one in which there is something between";
}

/// Counts reads that were asked for just before, and those that were not.
class Foresight final : public EndpointReader {
 public:
  struct Count {
    int ahead = 0, unasked = 0, in_vain = 0;
  };
  Foresight(const Trajectory& trajectory, Count& count) : inner_(trajectory), count_(count) {}
  void load(int64_t segment) override { inner_.load(segment); }
  std::vector<Endpoints> read(const std::vector<ParameterRows>& parts) override {
    if (parts.empty()) return {};  // of the embedding rows are looked up
    ++(asked_ == parts ? count_.ahead : count_.unasked);
    if (!asked_.empty() && asked_ != parts) ++count_.in_vain;
    asked_.clear();
    return inner_.read(parts);
  }
  void request(const std::vector<ParameterRows>& parts) override { asked_ = parts; }

 private:
  MappedEndpoints inner_;
  Count& count_;
  std::vector<ParameterRows> asked_;
};

class Foreseen : public Gathered, public ::testing::WithParamInterface<int64_t> {};

TEST_P(Foreseen, EveryBlockAndSlice) {
  DecoderConfig config = tiny_config();
  config.vocabulary = GetParam();
  const Decoder wide(config);
  const std::vector<at::Tensor> a = random_point(wide, 1);
  const MemoryTrajectory path({a, moved(wide, a, 2, 0.1)});
  Foresight::Count count;
  BlockParameters parameters(wide, path, {.type = at::kDouble, .products = at::kDouble},
                             std::make_unique<Foresight>(path, count));
  const ComponentTable table(Granularity::tensor, wide.parameters());
  BlockMajorSweep sweep(wide, parameters, table, {.activation_bytes = 1 << 30});
  const std::vector<Sample> samples = random_samples({5, 3}, GetParam());
  const Groups groups = group_samples(samples);
  const UnitSolver solver(table, samples, groups, fixed_rule("gauss:2").solver);
  parameters.load(0);
  static_cast<void>(
      solver.solve({.index = 0, .segment = 0, .sample_begin = 0, .sample_end = 2}, sweep));
  const int slices = static_cast<int>((GetParam() + vocabulary_slice - 1) / vocabulary_slice);
  EXPECT_EQ(count.unasked, 0);
  EXPECT_EQ(count.ahead, 2 * (wide.blocks() - 1) + (slices > 1 ? 2 : 1) * slices);
  EXPECT_EQ(count.in_vain, 0);
  // Values alone: forwards, one pass of the head, and nothing asked for after it.
  count = {};
  static_cast<void>(solver.values(true, sweep));
  EXPECT_EQ(count.unasked, 0);
  EXPECT_EQ(count.ahead, wide.blocks() - 1 + slices);
  static_cast<void>(solver.values(true, sweep));
  EXPECT_EQ(count.in_vain, 0);
}

INSTANTIATE_TEST_SUITE_P(Vocabularies, Foreseen,
                         ::testing::Values(37, 2 * vocabulary_slice + 1234));

}  // namespace
}  // namespace explaind::testing
