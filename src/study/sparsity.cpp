#include "study/sparsity.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace explaind {

std::vector<SparseReconstruction> sparse_reconstructions(const at::Tensor& start,
                                                         const at::Tensor& end,
                                                         const std::vector<at::Tensor>& changes,
                                                         const std::vector<double>& shares) {
  std::vector<double> sizes;
  for (const at::Tensor& change : changes) sizes.push_back(change.abs().sum().item<double>());
  std::vector<size_t> order(changes.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return sizes[a] > sizes[b]; });
  const double whole = std::accumulate(sizes.begin(), sizes.end(), 0.0);
  std::vector<SparseReconstruction> found;
  for (const double share : shares) {
    const auto count =
        static_cast<size_t>(std::lround(share * static_cast<double>(changes.size())));
    std::vector<size_t> kept(order.begin(), order.begin() + static_cast<int64_t>(count));
    std::sort(kept.begin(), kept.end());  // summed in the order of training
    at::Tensor sum = start.clone();
    double change = 0;
    for (const size_t step : kept) {
      sum += changes[step].view(start.sizes());
      change += sizes[step];
    }
    found.push_back({.kept = share,
                     .steps = static_cast<int64_t>(count),
                     .change = whole > 0 ? change / whole : 0,
                     .agreement = agreement(end, sum)});
  }
  return found;
}

}  // namespace explaind
