#include "sweeps/classifier_sweep.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>

#include "engines/attributed_ops.hpp"
#include "engines/directional_derivatives.hpp"

// B samples of an evaluation, K classes, J outputs.

namespace explaind {
namespace {

/// The asks with samples in place of their outputs, each sample once.
std::vector<Ask> of_samples(const std::vector<Ask>& asks, int64_t outputs) {
  std::vector<Ask> joined;
  for (const Ask& ask : asks) {
    Ask each{
        .t = ask.t, .samples = {}, .value_only = ask.value_only, .accumulators = 0, .weights = {}};
    for (const int64_t pair : ask.samples) {
      if (each.samples.empty() || each.samples.back() != pair / outputs) {
        each.samples.push_back(pair / outputs);
      }
    }
    joined.push_back(std::move(each));
  }
  return joined;
}

}  // namespace

ClassifierEngine choose_engine(const ComponentTable& table, const Precision& precision,
                               int64_t outputs, int64_t directions) {
  const auto tensors = static_cast<int64_t>(table.parameters().size());
  const bool forward = outputs > 1 && directions == 0 && table.sums_of_tensors() &&
                       !precision.rounds_products() && 2 * outputs > tensors;
  return forward ? ClassifierEngine::forward : ClassifierEngine::backward;
}

ClassifierSweep::ClassifierSweep(const Model& model, const PredictionData& data,
                                 const Functional& functional, ParameterSource& parameters,
                                 const ComponentTable& table, const ClassifierSweepOptions& options)
    : model_(model),
      data_(data),
      outputs_(functional),
      output_count_(ClassOutputs::count(functional, data.classes)),
      engine_(choose_engine(table, parameters.precision(), output_count_, options.directions)),
      parameters_(parameters),
      table_(table),
      share_(options.share) {
  for (size_t i = 0; i < model.parameters().size(); ++i) {
    if (model.parameters()[i].uses == 0) continue;
    whole_.push_back({.parameter = static_cast<ParameterId>(i),
                      .first = 0,
                      .count = model.parameters()[i].shape[0]});
  }
}

void ClassifierSweep::run(const ChunkBatches& chunk, const std::vector<Ask>& asks,
                          ScoreAccumulator& sink) {
  sink.begin_round(asks);
  const std::vector<Ask> samples = of_samples(asks, output_count_);
  for (Evaluation& each : evaluations_of(chunk, samples, share_)) {
    if (each.owner != share_.rank) continue;
    for (size_t b = 0; b < each.members.size(); ++b) {  // from rows of `samples` to samples
      Member& member = each.members[b];
      member.row = samples[member.ask].samples[static_cast<size_t>(member.row)];
    }
    evaluate(each, asks, sink);
  }
  sink.end_round();
}

Members ClassifierSweep::members_of(const Evaluation& evaluation, const std::vector<Ask>& asks,
                                    int64_t output) const {
  Members members;
  for (const Member& member : evaluation.members) {
    const std::vector<int64_t>& asked = asks[member.ask].samples;
    const int64_t pair = member.row * output_count_ + output;
    const auto at = std::lower_bound(asked.begin(), asked.end(), pair);
    const bool counted = at != asked.end() && *at == pair;
    members.push_back({.ask = member.ask,
                       .row = at - asked.begin(),
                       .length = all_positions,
                       .counted = counted});
  }
  return members;
}

void ClassifierSweep::evaluate(const Evaluation& evaluation, const std::vector<Ask>& asks,
                               ScoreAccumulator& sink) {
  const std::vector<int64_t>& places = evaluation.batch.input_ids;
  const at::Tensor labels = data_.data.labels.index_select(0, at::tensor(places, at::kLong));
  const at::Tensor stored =
      network_inputs(data_.data, data_.transform, places, {}, parameters_.precision().type);
  const at::Tensor input = data_.data.images() ? parameters_.device().upload(stored) : stored;
  parameters_.open(whole_, {});
  parameters_.set_node(evaluation.t);
  if (engine_ == ClassifierEngine::forward && !evaluation.value_only) {
    evaluate_forward(evaluation, asks, input, sink);
  } else {
    evaluate_backward(evaluation, asks, input, labels, sink);
  }
}

void ClassifierSweep::evaluate_backward(const Evaluation& evaluation, const std::vector<Ask>& asks,
                                        const at::Tensor& input, const at::Tensor& labels,
                                        ScoreAccumulator& sink) {
  AttributedOps attributed(parameters_, table_, sink);
  SourceOps plain(parameters_);
  const c10::AutoGradMode graph(!evaluation.value_only);
  const at::Tensor logits = model_.forward(input, evaluation.value_only ? plain : attributed);
  const at::Tensor values = outputs_.values(logits, labels);  // B J
  for (int64_t output = 0; output < output_count_; ++output) {
    const Members members = members_of(evaluation, asks, output);
    if (std::none_of(members.begin(), members.end(), [](const Member& m) { return m.counted; })) {
      continue;
    }
    sink.begin_evaluation(members);
    const at::Tensor of_output = values.select(1, output).contiguous();
    sink.set_functional({of_output.const_data_ptr<double>(), members.size()});
    if (evaluation.value_only) continue;
    logits.backward(outputs_.gradient(logits, labels, output), output + 1 < output_count_);
  }
}

void ClassifierSweep::evaluate_forward(const Evaluation& evaluation, const std::vector<Ask>& asks,
                                       const at::Tensor& input, ScoreAccumulator& sink) {
  const c10::NoGradGuard no_graph;
  const size_t tensors = model_.parameters().size();
  std::vector<at::Tensor> weights(tensors);
  Directions directions;  // a component a tensor that moves
  std::vector<size_t> moving;
  for (const ParameterRows& each : whole_) {
    const auto id = static_cast<size_t>(each.parameter);
    weights[id] = parameters_.weight(each.parameter);
    if (!parameters_.moves(each.parameter)) continue;
    moving.push_back(id);
    directions.emplace_back(tensors)[id] = parameters_.delta(each.parameter);
  }
  const DirectionalDerivatives found = directional_derivatives(model_, input, weights, directions);
  const at::Tensor values = found.values.to(at::kDouble).cpu().contiguous();            // B J
  const at::Tensor derivatives = found.derivatives.to(at::kDouble).cpu().contiguous();  // C B J
  for (int64_t output = 0; output < output_count_; ++output) {
    const Members members = members_of(evaluation, asks, output);
    for (size_t b = 0; b < members.size(); ++b) {
      if (!members[b].counted) continue;
      const auto at = static_cast<int64_t>(b) * output_count_ + output;
      const RoundRow row = sink.row(members[b].ask, static_cast<size_t>(members[b].row));
      *row.functional = values.const_data_ptr<double>()[at];
      for (size_t c = 0; c < moving.size(); ++c) {
        row.values[moving[c]] =
            derivatives.const_data_ptr<double>()[static_cast<int64_t>(c) * values.numel() + at];
      }
    }
  }
}

}  // namespace explaind
