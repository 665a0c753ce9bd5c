#include "doctor/segment_lengths.hpp"

#include <algorithm>
#include <cmath>

namespace explaind {
namespace {

std::string kind_of(const std::string& name) {
  std::string kind;
  for (const char c : name) {
    if (c < '0' || c > '9') {
      kind += c;
    } else if (kind.empty() || kind.back() != '#') {
      kind += '#';
    }
  }
  return kind;
}

std::string layer_of(const std::string& name) {
  constexpr const char* digits = "0123456789";
  const size_t first = name.find_first_of(digits);
  return first == std::string::npos ? "" : name.substr(0, name.find_first_not_of(digits, first));
}

/// Whether so much of it changed that its length is one of many steps of the stored type.
bool says(double elements, double share) { return share > .02 && share * elements >= 100; }

}  // namespace

double median(std::vector<double> values) {
  std::erase_if(values, [](double value) { return !std::isfinite(value); });
  if (values.empty()) return nothing;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

std::vector<Mover> movers_of(const std::vector<ExaminedCheckpoint>& checkpoints,
                             const PassTable& table, std::vector<std::string>& files) {
  for (const ExaminedCheckpoint& each : checkpoints) {
    for (const ExaminedFile& file : each.files) files.push_back(file.name);
  }
  std::sort(files.begin(), files.end());
  files.erase(std::unique(files.begin(), files.end()), files.end());
  std::vector<Mover> movers;
  const size_t n = checkpoints.size();
  for (const auto& [name, sums] : table.tensors) {
    Mover mover{.name = name,
                .kind = kind_of(name),
                .layer = layer_of(name),
                .file = std::vector<int>(n, -1),
                .length = std::vector<double>(n, nothing),
                .share = std::vector<double>(n, 0),
                .cosine = std::vector<double>(n, nothing),
                .ratio = std::vector<double>(n, nothing)};
    double elements = 0;
    bool matrix = true;
    for (size_t i = 0; i < n; ++i) {
      const PlacedTensor* placed = checkpoints[i].tensor(name);
      if (placed == nullptr) continue;
      elements = static_cast<double>(placed->view.elements());
      matrix = matrix && placed->view.shape.size() >= 2 && is_floating(placed->view.dtype);
      const std::string& file = checkpoints[i].files[placed->file].name;
      mover.file[i] =
          static_cast<int>(std::lower_bound(files.begin(), files.end(), file) - files.begin());
      // The way into it is from the checkpoint right before, or says nothing of two neighbours.
      if (i == 0 || sums[i - 1] == nullptr || !sums[i]->has_before) continue;
      mover.length[i] = std::sqrt(sums[i]->change_squares);
      mover.share[i] = static_cast<double>(sums[i]->changed) / std::max(1.0, elements);
    }
    if (!matrix || elements < 512) continue;
    for (size_t j = 1; j + 1 < n; ++j) {
      if (!std::isfinite(mover.length[j]) || !std::isfinite(mover.length[j + 1])) continue;
      if (mover.length[j] > 0 && mover.length[j + 1] > 0 && sums[j + 1]->has_earlier) {
        mover.cosine[j] = sums[j + 1]->turn / (mover.length[j] * mover.length[j + 1]);
      }
      if (says(elements, mover.share[j]) && says(elements, mover.share[j + 1])) {
        mover.ratio[j] = std::log(mover.length[j]) - std::log(mover.length[j + 1]);
      }
    }
    movers.push_back(std::move(mover));
  }
  return movers;
}

}  // namespace explaind
