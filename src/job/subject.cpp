#include "job/subject.hpp"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <map>
#include <utility>

#include "checkpoint/convert.hpp"
#include "core/error.hpp"
#include "families/decoder_config.hpp"
#include "model/networks.hpp"
#include "model/registry.hpp"
#include "runs/run_files.hpp"
#include "staging/staged_path.hpp"

namespace explaind {
namespace {

/// Whether a parameter's stored weights differ between a checkpoint and the next, or the one before
/// where it is the last.
std::optional<bool> moves(const Path& path, size_t point, size_t parameter) {
  if (path.size() < 2) return std::nullopt;
  const size_t neighbour = point + 1 < path.size() ? point + 1 : point - 1;
  const auto id = static_cast<ParameterId>(parameter);
  const TensorView here = path.tensor(point, id), there = path.tensor(neighbour, id);
  return here.bytes != there.bytes || std::memcmp(here.data, there.data, here.bytes) != 0;
}

/// How many parameters the blocks of a network open.
size_t parameters_in_blocks(const Network& network) {
  size_t count = 0;
  for (int64_t block = 0; block < network.blocks(); ++block) {
    count += network.block_parameters(block).size();
  }
  return count;
}

}  // namespace

Subject Subject::open(const SubjectName& name) {
  Subject subject;
  subject.name_ = name;
  is_recorded_run(name.path) ? subject.open_run() : subject.open_series();
  if (name.optimizer_steps) subject.open_optimizers();
  return subject;
}

void Subject::open_series() {
  series_ = name_.stage ? name_.stage->series()
                        : CheckpointSeries::open(name_.path, name_.names,
                                                 name_.optimizer_steps ? 1 : 2, name_.tied_head);
  notes_ = series_->notes();
  std::vector<NamedConfig> configs;
  for (const Stretch& stretch : series_->stretches()) {
    const std::filesystem::path folder = series_->checkpoint(stretch.first).directory();
    configs.push_back({stretch.config, (folder / "config.json").string()});
  }
  // Each checkpoint must hold what its own network has, no more and no less.
  for (size_t i = 0; i < configs.size(); ++i) require_stretch(i, configs[i]);
  for (std::unique_ptr<Network>& network : build_networks(configs)) {
    networks_.push_back(network.get());
    owned_.push_back(std::move(network));
  }
  network_ =
      *std::max_element(networks_.begin(), networks_.end(), [](const Network* a, const Network* b) {
        return parameters_in_blocks(*a) < parameters_in_blocks(*b);
      });
  model_ = network_;
  CheckpointPath path(*series_, model_->parameters());
  if (name_.stage) {
    path_ = std::make_shared<const StagedPath>(name_.stage, std::move(path), model_->parameters());
  } else {
    path_ = std::make_shared<const CheckpointPath>(std::move(path));
  }
}

void Subject::require_stretch(size_t stretch, const NamedConfig& config) const {
  const std::unique_ptr<Network> network = build_network(config.config, config.where);
  for (size_t i = series_->stretches()[stretch].first; i < series_->size(); ++i) {
    if (series_->stretch_of(i) != stretch) break;
    const Checkpoint& checkpoint = series_->checkpoint(i);
    require_parameters(*network, checkpoint.tensors(), checkpoint.directory().string());
  }
}

void Subject::open_run() {
  run_ = RecordedRun::open(name_.path);
  owned_.push_back(build_model(run_->description().json.at("model"),
                               (run_->directory() / run_files::run).string()));
  model_ = owned_.front().get();
  network_ = dynamic_cast<const Network*>(model_);
  if (network_ != nullptr) networks_ = {network_};
  path_ = std::make_shared<const RunPath>(*run_, *model_);
}

void Subject::open_optimizers() {
  if (!series_) {
    throw UsageError("--source steps", "is of a series of checkpoints with optimizer state",
                     "A recorded run's segments are its optimizer's steps already");
  }
  if (networks_.size() > 1) {
    throw UsageError("--source steps",
                     "is of one network, and config.json changes within the series",
                     "Decompose the checkpoints before and after the change apart from each other "
                     "(a list as --series names those that are meant)");
  }
  std::vector<NamedShape> parameters;
  for (const ParameterInfo& parameter : model_->parameters()) {
    parameters.push_back({parameter.name, parameter.shape});
  }
  for (size_t i = 0; i < series_->size(); ++i) {
    optimizers_.push_back(
        StoredOptimizer::open(series_->checkpoint(i).directory(), parameters,
                              [&](size_t parameter) { return moves(*path_, i, parameter); }));
  }
}

void Subject::bring(const std::vector<size_t>& points) const {
  if (!name_.stage) return;
  name_.stage->bring(points);
  for (const size_t point : points) {
    require_agreement(*network_, name_.stage->at(point)->tensors(), path_->describe(point));
  }
}

std::string Subject::tokenizer_folder() const {
  return run_ ? run_->directory().string() : series_->checkpoint(0).directory().string();
}

nlohmann::json Subject::model_config() const {
  return run_ ? run_->description().json["model"] : series_->config();
}

nlohmann::json Subject::config_changes() const {
  nlohmann::json changes = nlohmann::json::array();
  for (size_t i = 1; series_ && i < series_->stretches().size(); ++i) {
    const Stretch& stretch = series_->stretches()[i];
    changes.push_back({{"step", series_->step(stretch.first)},
                       {"changes", stretch.changes},
                       {"config", stretch.config}});
  }
  return changes;
}

nlohmann::ordered_json Subject::identity(bool hash) const {
  if (stage() != nullptr) return stage()->identity();
  return run_ ? identify(*run_, hash) : identify(*series_, hash);
}

void Subject::require_unused_agree(int rank, int ranks) const {
  // Of a staged series each checkpoint is looked at when it has been brought.
  for (auto i = static_cast<size_t>(rank); series_ && !stage() && i < series_->size();
       i += static_cast<size_t>(ranks)) {
    std::map<std::string, TensorView> tensors = series_->checkpoint(i).tensors();
    const bool compared = std::any_of(tensors.begin(), tensors.end(), [&](const auto& each) {
      return network_->ignores(each.first);
    });
    for (const auto& [name, tensor] : tensors) {
      if (compared) series_->checkpoint(i).prepare(tensor);
    }
    if (name_.tied_head == TiedHead::embedding) {
      tensors.erase(names_in(series_->checkpoint(i).config()).unembedding + ".weight");
    }
    require_agreement(*networks_[network_of(i)], tensors,
                      series_->checkpoint(i).directory().string());
  }
}

void Subject::require_finite(int rank, int ranks, const StopFlag& stop) const {
  for (auto i = static_cast<size_t>(rank); !stage() && i < path_->size();
       i += static_cast<size_t>(ranks)) {
    for (size_t id = 0; id < model_->parameters().size(); ++id) {
      stop.require_down();
      explaind::require_finite(path_->tensor(i, static_cast<ParameterId>(id)), path_->describe(i));
    }
  }
}

}  // namespace explaind
