#include "training/recorded_training.hpp"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <c10/core/GradMode.h>

#include <chrono>
#include <cstring>
#include <map>
#include <utility>

#include "core/error.hpp"
#include "model/plain_ops.hpp"
#include "training/batch_pass.hpp"
#include "training/run_json.hpp"
#include "training/tensor_view_of.hpp"

// B samples of a batch, K classes (or pieces of the vocabulary).

namespace explaind {
namespace {

/// Adds the seconds of its life.
class Stopwatch {
 public:
  explicit Stopwatch(double& seconds) : seconds_(seconds) {}
  ~Stopwatch() { seconds_ += std::chrono::duration<double>(Clock::now() - start_).count(); }
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

 private:
  using Clock = std::chrono::steady_clock;
  double& seconds_;
  Clock::time_point start_ = Clock::now();
};

void copy_into(const at::Tensor& tensor, const TensorView& view, const std::string& where) {
  if (view.bytes != tensor.nbytes()) {
    throw DataError(where, "tensor " + view.name + " does not belong to the weights",
                    "Record the run again");
  }
  std::memcpy(tensor.data_ptr(), view.data, view.bytes);
}

std::vector<TensorView> views_of(const std::string& prefix, const Model& model,
                                 const std::vector<at::Tensor>& tensors) {
  std::vector<TensorView> views;
  for (size_t i = 0; i < tensors.size(); ++i) {
    views.push_back(view_of(prefix + model.parameters()[i].name, tensors[i]));
  }
  return views;
}

}  // namespace

RecordedTraining::RecordedTraining(const Model& model, TrainingData data,
                                   const RecordedTrainingOptions& options,
                                   const nlohmann::json& description)
    : model_(model),
      data_(std::move(data)),
      options_(options),
      batches_(data_.train.size(), options.batch, options.shuffle, options.drop_last,
               options.seed) {
  weights_ = initial_weights(model, options.type, at::detail::createCPUGenerator(options.seed));
  std::vector<bool> decayed = options.decays;
  for (at::Tensor& weight : weights_) {
    weight.requires_grad_(true);
    if (options.decays.empty()) decayed.push_back(weight.dim() > 1);
  }
  optimizer_ =
      make_optimizer(options.optimizer, weights_, decay_groups(decayed, options.hyperparameters));
  description_ = run_json(description, model, data_, options, optimizer_->groups());
}

nlohmann::json RecordedTraining::run(const std::filesystem::path& directory, bool resume,
                                     const StopFlag& stop, const After& after) {
  RunWriter writer = open(directory, resume);
  recording_seconds_ = 0;
  int64_t step = writer.next_step();
  stopped_ = false;
  for (; step < options_.steps && !stops_after(step - 1); ++step) {
    stopped_ = stop.raised();
    if (stopped_) break;
    train_step(step, writer);
    after(step + 1, last_loss_);
  }
  write_block(writer);
  if (stopped_) return {{"steps", step}};
  nlohmann::json ending;
  if (data_.validation.size() > 0) {
    const Score score = validate();
    ending["validation"] = {{"loss", score.loss}, {"accuracy", score.accuracy}};
  }
  writer.complete(ending);
  ending["steps"] = step;
  return ending;
}

RunWriter RecordedTraining::open(const std::filesystem::path& directory, bool resume) {
  if (resume) {
    RunWriter writer =
        RunWriter::resume(directory, description_, options_.block_bytes, options_.other_build);
    if (writer.state() != nullptr) restore(*writer.state());
    return writer;
  }
  const std::vector<TensorView> data = {view_of("train/inputs", data_.train.inputs),
                                        view_of("train/labels", data_.train.labels),
                                        view_of("validation/inputs", data_.validation.inputs),
                                        view_of("validation/labels", data_.validation.labels)};
  return RunWriter::create(directory, description_, views_of("", model_, weights_), data,
                           options_.block_bytes);
}

void RecordedTraining::restore(const SafetensorsFile& state) {
  const c10::NoGradGuard no_graph;
  const std::string where = state.file().path().string();
  std::map<std::string, TensorView> stored;
  for (const TensorView& tensor : state.tensors()) stored.emplace(tensor.name, tensor);
  const auto get = [&](const std::string& name) {
    const auto found = stored.find(name);
    if (found == stored.end()) {
      throw DataError(where, "tensor " + name + " is missing", "Record the run again");
    }
    return found->second;
  };
  const at::Tensor updates = at::zeros({static_cast<int64_t>(weights_.size())}, at::kLong);
  copy_into(updates, get("updates"), where);
  for (size_t i = 0; i < weights_.size(); ++i) {
    const std::string& name = model_.parameters()[i].name;
    copy_into(weights_[i], get("parameter/" + name), where);
    OptimizerState& own = optimizer_->states()[i];
    own.updates = updates[static_cast<int64_t>(i)].item<int64_t>();
    for (auto& [moment, tensor] : {std::pair{"first_moment/", &own.first_moment},
                                   std::pair{"second_moment/", &own.second_moment}}) {
      if (!stored.contains(moment + name)) continue;
      *tensor = at::empty_like(weights_[i]);
      copy_into(*tensor, get(moment + name), where);
    }
  }
  const at::Tensor epoch = at::zeros({2}, at::kLong);
  copy_into(epoch, get("epoch"), where);
  epoch_ = {epoch[0].item<int64_t>(), epoch[1].item<int64_t>()};
}

void RecordedTraining::write_block(RunWriter& writer) {
  const Stopwatch watch(recording_seconds_);
  std::vector<TensorView> state = views_of("parameter/", model_, weights_);
  std::vector<int64_t> counts;
  for (size_t i = 0; i < weights_.size(); ++i) {
    const std::string& name = model_.parameters()[i].name;
    const OptimizerState& own = optimizer_->states()[i];
    counts.push_back(own.updates);
    if (own.first_moment.defined()) {
      state.push_back(view_of("first_moment/" + name, own.first_moment));
    }
    if (own.second_moment.defined()) {
      state.push_back(view_of("second_moment/" + name, own.second_moment));
    }
  }
  const at::Tensor updates = at::tensor(counts, at::kLong);
  const at::Tensor epoch = at::tensor({epoch_.right, epoch_.all}, at::kLong);
  state.push_back(view_of("updates", updates));
  state.push_back(view_of("epoch", epoch));
  writer.write_block(state);
}

void RecordedTraining::train_step(int64_t step, RunWriter& writer) {
  if (step % batches_.steps_per_epoch() == 0) epoch_ = {};
  const std::vector<int64_t>& samples = batches_.samples(step);
  const std::vector<uint8_t> flips = options_.flips ? batches_.flips(step) : std::vector<uint8_t>{};
  PlainOps ops(weights_);
  const BatchPass pass =
      batch_pass(model_, data_.train, data_.transform, {samples, flips}, options_.type, ops);
  pass.loss.backward();
  last_loss_ = pass.loss.item<double>();
  if (options_.stop_accuracy > 0) {
    epoch_.right += pass.right();
    epoch_.all += pass.labels.size(0);
  }

  StepRecord done{.loss = last_loss_, .samples = samples, .flips = flips};
  std::vector<at::Tensor> gradients;
  for (const at::Tensor& weight : weights_) {
    done.stepped.push_back(weight.grad().defined() ? 1 : 0);
    if (options_.keep_gradients) {
      gradients.push_back(weight.grad().defined() ? weight.grad().clone()
                                                  : at::zeros_like(weight).detach());
    }
  }
  if (options_.keep_gradients) done.gradients = views_of("", model_, gradients);
  done.clip = clip_gradients(weights_, options_.max_gradient_norm).factor;
  for (ParameterGroup& group : optimizer_->groups()) {
    group.hyperparameters.learning_rate = options_.schedule.learning_rate(step);
    done.learning_rates.push_back(group.hyperparameters.learning_rate);
  }
  optimizer_->step();
  record(std::move(done), writer);
}

void RecordedTraining::record(StepRecord step, RunWriter& writer) {
  const Stopwatch watch(recording_seconds_);
  step.parameters = views_of("", model_, weights_);
  std::vector<at::Tensor> moments;
  if (options_.keep_second_moments) {
    for (size_t i = 0; i < weights_.size(); ++i) {
      const at::Tensor& moment = optimizer_->states()[i].second_moment;
      moments.push_back(moment.defined() ? moment : at::zeros_like(weights_[i]).detach());
    }
    step.second_moments = views_of("", model_, moments);
  }
  writer.add(step);
  if (writer.full()) write_block(writer);
}

bool RecordedTraining::stops_after(int64_t step) {
  const bool epoch_ends = (step + 1) % batches_.steps_per_epoch() == 0;
  if (options_.stop_accuracy <= 0 || !epoch_ends || epoch_.all == 0) return false;
  const double training = static_cast<double>(epoch_.right) / static_cast<double>(epoch_.all);
  return training >= options_.stop_accuracy && validate().accuracy >= options_.stop_accuracy;
}

Score RecordedTraining::validate() const {
  constexpr int64_t chunk = 500;
  const c10::NoGradGuard no_graph;
  PlainOps ops(weights_);
  Score score;
  int64_t predictions = 0;
  for (int64_t begin = 0; begin < data_.validation.size(); begin += chunk) {
    std::vector<int64_t> samples;
    for (int64_t i = begin; i < std::min(begin + chunk, data_.validation.size()); ++i) {
      samples.push_back(i);
    }
    const BatchPass pass =
        batch_pass(model_, data_.validation, data_.transform, {samples, {}}, options_.type, ops);
    const auto count = static_cast<double>(pass.labels.size(0));
    score.loss += pass.loss.item<double>() * count;
    score.accuracy += static_cast<double>(pass.right());
    predictions += pass.labels.size(0);
  }
  score.loss /= static_cast<double>(predictions);
  score.accuracy /= static_cast<double>(predictions);
  return score;
}

}  // namespace explaind
