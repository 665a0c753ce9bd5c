#include "staging/stage.hpp"

#include <algorithm>
#include <utility>

#include "checkpoint/convert.hpp"
#include "checkpoint/json_file.hpp"
#include "core/error.hpp"

namespace explaind {

namespace fs = std::filesystem;

Stage::Stage(const StageName& name, const fs::path& list, const NameRules& rules,
             const Communicator& world, const StopFlag& stop, Listener& listener)
    : world_(world),
      stop_(stop),
      listener_(listener),
      path_(fs::absolute(name.folder)),
      tied_head_(name.tied_head) {
  agree(world, [&] { revisions_ = read_revisions(list, rules); });
  for (Revision& each : revisions_) {
    each.entry.directory = path_ / ("step-" + std::to_string(each.entry.step));
  }
  std::string known;
  agree(world, [&] {
    FetchCommand command(name.command);  // on all ranks: its faults are the same everywhere
    if (world.rank() != 0) return;
    folder_ = std::make_unique<StageFolder>(name.folder, revisions_, std::move(command));
    if (folder_->model()) return;
    listener.say("Fetching " + revisions_.front().name + " for what all checkpoints share\n");
    folder_->bring(0, stop, [&](const std::string& line) { listener.say(line); });
    folder_->learn(0);
  });
  if (world.rank() == 0) known = folder_->model()->text();
  world.broadcast(known, 0);  // another machine may see the file later
  model_ = StagedModel::of_text(known);
}

CheckpointSeries Stage::series() const {
  std::vector<SeriesEntry> entries;
  for (const Revision& each : revisions_) entries.push_back(each.entry);
  return CheckpointSeries::described(std::move(entries), described(), tied_head_);
}

Checkpoint Stage::described() const {
  return Checkpoint::described(path_ / "model", model_.config, model_.tensors);
}

std::string Stage::name_of(size_t point) const {
  const Revision& revision = revisions_[point];
  return revision.name + " (step " + std::to_string(revision.entry.step) + ")";
}

nlohmann::ordered_json Stage::identity() const {
  nlohmann::ordered_json names = nlohmann::ordered_json::array();
  for (const Revision& each : revisions_) {
    names.push_back({{"step", each.entry.step}, {"revision", each.name}});
  }
  return names;
}

void Stage::require_as_known(const Checkpoint& checkpoint) const {
  require_same_network(checkpoint, described(), tied_head_);
  int64_t place = 0;
  for (const auto& [name, tensor] : checkpoint.tensors()) {
    if (place++ % world_.size() != world_.rank() || !is_floating(tensor.dtype)) continue;
    checkpoint.prepare(tensor);
    require_finite(tensor, checkpoint.directory().string());
  }
}

void Stage::bring(const std::vector<size_t>& points) {
  const bool all_there = std::all_of(points.begin(), points.end(),
                                     [&](size_t point) { return there_.contains(point); });
  if (all_there) return;  // the same on all ranks
  std::erase_if(there_, [&](const auto& each) {
    return std::find(points.begin(), points.end(), each.first) == points.end();
  });
  agree(world_, [] {});  // all ranks have closed what goes
  agree(world_, [&] {
    if (world_.rank() != 0) return;
    folder_->keep_only(points);
    for (const size_t point : points) {
      folder_->bring(point, stop_, [&](const std::string& line) { listener_.say(line); });
    }
  });
  agree(world_, [&] {
    for (const size_t point : points) {
      if (there_.contains(point)) continue;
      Checkpoint checkpoint = Checkpoint::open(revisions_[point].entry.directory);
      require_as_known(checkpoint);
      there_.emplace(point, std::move(checkpoint));
    }
  });
}

const Checkpoint* Stage::at(size_t point) const {
  const auto found = there_.find(point);
  return found == there_.end() ? nullptr : &found->second;
}

void Stage::clear() {
  there_.clear();
  agree(world_, [&] {
    if (folder_) folder_->clear();
  });
}

}  // namespace explaind
