#include "sweeps/share.hpp"

#include <algorithm>
#include <vector>

namespace explaind {

int owner_of(const ChunkBatches& chunk, int64_t sample, int ranks) {
  const auto after = std::upper_bound(chunk.first.begin(), chunk.first.end(), sample);
  const auto micro_batch = static_cast<size_t>(after - chunk.first.begin()) - 1;
  return Share{0, ranks}.owner(micro_batch);
}

void exchange_values(const Communicator& group, const ChunkBatches& chunk,
                     const std::vector<Ask>& asks, ScoreAccumulator& sink) {
  if (group.size() == 1) return;
  // Rows in the order of asks and samples, those of one rank end to end.
  const auto each_row = [&](auto&& act) {
    for (size_t i = 0; i < asks.size(); ++i) {
      for (size_t row = 0; row < asks[i].samples.size(); ++row) {
        act(owner_of(chunk, asks[i].samples[row] / chunk.outputs, group.size()), sink.row(i, row));
      }
    }
  };
  std::vector<double> mine;
  each_row([&](int owner, const RoundRow& row) {
    if (owner != group.rank()) return;
    mine.push_back(*row.functional);
    mine.insert(mine.end(), row.values.begin(), row.values.end());
  });
  const std::vector<std::vector<double>> all = group.all_gather(mine);
  std::vector<const double*> read;
  for (const std::vector<double>& each : all) read.push_back(each.data());
  each_row([&](int owner, const RoundRow& row) {
    const double*& from = read[static_cast<size_t>(owner)];
    *row.functional = *from++;
    std::copy_n(from, row.values.size(), row.values.begin());
    from += row.values.size();
  });
}

}  // namespace explaind
