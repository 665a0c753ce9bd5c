#include "doctor/weight_pass.hpp"

#include <algorithm>
#include <cstddef>
#include <set>
#include <span>
#include <sstream>
#include <tuple>

#include "checkpoint/sha256.hpp"

namespace explaind {
namespace {

/// A file of a checkpoint.
struct Task {
  size_t checkpoint = 0, file = 0;
  int64_t bytes = 0;
};

/// Files of one name one after the other, in the order of steps: what a file is compared with was
/// read just before.
std::vector<Task> tasks_of(const std::vector<ExaminedCheckpoint>& checkpoints) {
  std::vector<Task> tasks;
  for (size_t i = 0; i < checkpoints.size(); ++i) {
    for (size_t f = 0; f < checkpoints[i].files.size(); ++f) {
      tasks.push_back(
          {i, f, static_cast<int64_t>(checkpoints[i].files[f].weights->file().bytes().size())});
    }
  }
  std::stable_sort(tasks.begin(), tasks.end(), [&](const Task& a, const Task& b) {
    return checkpoints[a.checkpoint].files[a.file].name <
           checkpoints[b.checkpoint].files[b.file].name;
  });
  return tasks;
}

/// A tensor of a file, and where its sums go.
struct Wanted {
  const TensorView* view;
  const TensorView *before, *earlier;
  TensorSums* sums;
};

/// The nearest checkpoint before `index` that has the tensor in the same shape; its number, or −1.
std::ptrdiff_t with_tensor(const std::vector<ExaminedCheckpoint>& checkpoints, size_t index,
                           const std::string& name, const TensorView& view) {
  for (auto i = static_cast<std::ptrdiff_t>(index) - 1; i >= 0; --i) {
    const PlacedTensor* found = checkpoints[static_cast<size_t>(i)].tensor(name);
    if (found == nullptr) continue;
    const bool same = found->view.shape == view.shape &&
                      is_floating(found->view.dtype) == is_floating(view.dtype);
    return same ? i : -1;
  }
  return -1;
}

class Pass {
 public:
  Pass(std::vector<ExaminedCheckpoint>& checkpoints, PassTable& table, Listener& listener)
      : checkpoints_(checkpoints), table_(table), listener_(listener) {}

  /// Hashes the file and adds up its tensors, range by range in the order of their bytes.
  void read(const Task& task) {
    const ExaminedCheckpoint& here = checkpoints_[task.checkpoint];
    const std::span<const std::byte> bytes = here.files[task.file].weights->file().bytes();
    Sha256 sum;
    size_t hashed = 0;
    const auto hash_to = [&](size_t end) {
      if (end <= hashed) return;
      sum.add(bytes.subspan(hashed, end - hashed));
      told_ += end - hashed;
      hashed = end;
      constexpr size_t mebibyte = size_t{1} << 20;
      if (told_ < mebibyte) return;
      listener_.advance(static_cast<int64_t>(told_ / mebibyte), here.directory.filename().string());
      told_ %= mebibyte;
    };
    for (const Wanted& each : wanted(task)) {
      const int64_t count = each.view->elements();
      const size_t width = dtype_size(each.view->dtype);
      const std::byte* data = each.view->data;
      const bool in_file = data >= bytes.data() && data < bytes.data() + bytes.size();
      for (int64_t begin = 0; begin < count; begin += pass_range) {
        const int64_t end = std::min(begin + pass_range, count);
        if (in_file) {
          hash_to(static_cast<size_t>(data - bytes.data()) + static_cast<size_t>(end) * width);
        }
        add_elements(*each.view, each.before, each.earlier, begin, end, *each.sums);
      }
    }
    constexpr size_t rest = size_t{1} << 24;
    while (hashed < bytes.size()) hash_to(std::min(hashed + rest, bytes.size()));
    checkpoints_[task.checkpoint].files[task.file].sha256 = sum.digits();
  }

 private:
  /// The tensors of a file in the order of their bytes.
  std::vector<Wanted> wanted(const Task& task) {
    std::vector<Wanted> found;
    size_t number = 0;
    for (const auto& [name, placed] : checkpoints_[task.checkpoint].tensors) {
      TensorSums* sums = &table_.sums[task.checkpoint][number++];
      if (placed.file != task.file) continue;
      const auto view_at = [this, &name = name](std::ptrdiff_t i) -> const TensorView* {
        if (i < 0) return nullptr;
        const ExaminedCheckpoint& there = checkpoints_[static_cast<size_t>(i)];
        const TensorView& view = there.tensor(name)->view;
        if (there.opened) there.opened->prepare(view);
        return &view;
      };
      const std::ptrdiff_t before = with_tensor(checkpoints_, task.checkpoint, name, placed.view);
      const std::ptrdiff_t earlier =
          before < 0 ? -1
                     : with_tensor(checkpoints_, static_cast<size_t>(before), name, placed.view);
      found.push_back({view_at(static_cast<std::ptrdiff_t>(task.checkpoint)), view_at(before),
                       view_at(earlier), sums});
    }
    std::stable_sort(found.begin(), found.end(), [](const Wanted& a, const Wanted& b) {
      return std::less<>()(a.view->data, b.view->data);
    });
    return found;
  }

  std::vector<ExaminedCheckpoint>& checkpoints_;
  PassTable& table_;
  Listener& listener_;
  size_t told_ = 0;
};

/// What a rank found of one tensor.
struct Row {
  uint64_t checkpoint, tensor;
  TensorSums sums;
};

/// Everything every rank found, on every rank. @collective
void gather(std::vector<ExaminedCheckpoint>& checkpoints, const std::vector<Task>& mine,
            PassTable& table, const Communicator& world) {
  std::vector<Row> rows;
  std::string digests;
  for (const Task& task : mine) {
    size_t number = 0;
    for (const auto& [name, placed] : checkpoints[task.checkpoint].tensors) {
      if (placed.file == task.file) {
        rows.push_back({task.checkpoint, number, table.sums[task.checkpoint][number]});
      }
      ++number;
    }
    digests += std::to_string(task.checkpoint) + " " + std::to_string(task.file) + " " +
               checkpoints[task.checkpoint].files[task.file].sha256 + "\n";
  }
  for (const std::vector<Row>& of_rank : world.all_gather(rows)) {
    for (const Row& row : of_rank) table.sums[row.checkpoint][row.tensor] = row.sums;
  }
  for (const std::string& of_rank : world.all_gather(digests)) {
    std::istringstream words(of_rank);
    size_t checkpoint = 0, file = 0;
    for (std::string digest; words >> checkpoint >> file >> digest;) {
      checkpoints[checkpoint].files[file].sha256 = digest;
    }
  }
}

}  // namespace

PassTable pass_over_weights(std::vector<ExaminedCheckpoint>& checkpoints, const Communicator& world,
                            Listener& listener) {
  PassTable table;
  for (const ExaminedCheckpoint& each : checkpoints) {
    table.sums.emplace_back(each.tensors.size());
  }
  const std::vector<Task> tasks = tasks_of(checkpoints);
  for (const Task& task : tasks) table.bytes += task.bytes;
  table.files = static_cast<int64_t>(tasks.size());
  std::vector<Task> mine;  // a run of them, of about equal bytes
  int64_t before = 0, own = 0;
  for (const Task& task : tasks) {
    const double middle = static_cast<double>(before) + static_cast<double>(task.bytes) / 2;
    before += task.bytes;
    if (static_cast<int>(middle * world.size() /
                         static_cast<double>(std::max<int64_t>(1, table.bytes))) != world.rank()) {
      continue;
    }
    mine.push_back(task);
    own += task.bytes;
  }
  agree(world, [&] {
    if (world.rank() == 0) listener.begin("check, MiB", (own >> 20) + 1);
    Listener silent;
    Pass pass(checkpoints, table, world.rank() == 0 ? listener : silent);
    for (const Task& task : mine) pass.read(task);
  });
  gather(checkpoints, mine, table, world);
  if (world.rank() == 0) listener.finish();
  std::set<std::string> names;
  for (const ExaminedCheckpoint& each : checkpoints) {
    for (const auto& [name, placed] : each.tensors) names.insert(name);
  }
  for (const std::string& name : names) {
    table.tensors[name].resize(checkpoints.size(), nullptr);
  }
  for (size_t i = 0; i < checkpoints.size(); ++i) {
    size_t number = 0;
    for (const auto& [name, placed] : checkpoints[i].tensors) {
      table.tensors[name][i] = &table.sums[i][number++];
    }
  }
  return table;
}

}  // namespace explaind
