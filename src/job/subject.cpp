#include "job/subject.hpp"

#include <cstring>
#include <filesystem>
#include <map>
#include <utility>

#include "checkpoint/convert.hpp"
#include "core/error.hpp"
#include "families/decoder_config.hpp"
#include "model/registry.hpp"
#include "runs/run_files.hpp"

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

}  // namespace

Subject Subject::open(const SubjectName& name) {
  Subject subject;
  subject.name_ = name;
  is_recorded_run(name.path) ? subject.open_run() : subject.open_series();
  if (name.optimizer_steps) subject.open_optimizers();
  return subject;
}

void Subject::open_series() {
  series_ = CheckpointSeries::open(name_.path, name_.names, name_.optimizer_steps ? 1 : 2,
                                   name_.tied_head);
  notes_ = series_->notes();
  const std::filesystem::path first = series_->checkpoint(0).directory();
  auto network = build_network(series_->config(), (first / "config.json").string());
  path_ = std::make_shared<const CheckpointPath>(*series_, *network);
  network_ = network.get();
  model_ = std::move(network);
}

void Subject::open_run() {
  run_ = RecordedRun::open(name_.path);
  model_ = build_model(run_->description().json.at("model"),
                       (run_->directory() / run_files::run).string());
  network_ = dynamic_cast<const Network*>(model_.get());
  path_ = std::make_shared<const RunPath>(*run_, *model_);
}

void Subject::open_optimizers() {
  if (!series_) {
    throw UsageError("--source steps", "is of a series of checkpoints with optimizer state",
                     "A recorded run's segments are its optimizer's steps already");
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

std::string Subject::tokenizer_folder() const {
  return run_ ? run_->directory().string() : series_->checkpoint(0).directory().string();
}

nlohmann::json Subject::model_config() const {
  return run_ ? run_->description().json["model"] : series_->config();
}

nlohmann::ordered_json Subject::identity(bool hash) const {
  return run_ ? identify(*run_, hash) : identify(*series_, hash);
}

void Subject::require_unused_agree(int rank, int ranks) const {
  for (auto i = static_cast<size_t>(rank); series_ && i < series_->size();
       i += static_cast<size_t>(ranks)) {
    std::map<std::string, TensorView> tensors = series_->checkpoint(i).tensors();
    if (name_.tied_head == TiedHead::embedding) {
      tensors.erase(names_in(series_->config()).unembedding + ".weight");
    }
    require_agreement(*network_, tensors, series_->checkpoint(i).directory().string());
  }
}

void Subject::require_finite(int rank, int ranks, const StopFlag& stop) const {
  for (auto i = static_cast<size_t>(rank); i < path_->size(); i += static_cast<size_t>(ranks)) {
    for (size_t id = 0; id < model_->parameters().size(); ++id) {
      stop.require_down();
      explaind::require_finite(path_->tensor(i, static_cast<ParameterId>(id)), path_->describe(i));
    }
  }
}

}  // namespace explaind
