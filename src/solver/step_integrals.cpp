#include "solver/step_integrals.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>

#include "engines/directional_derivatives.hpp"
#include "model/plain_ops.hpp"
#include "quadrature/plan.hpp"

// S samples, B of them in a micro-batch, K outputs of a sample.

namespace explaind {
namespace {

/// θ_s(t); the ends as they are stored.
std::vector<at::Tensor> weights_on(const StepLine& line, double t) {
  if (t == 0) return line.from;
  if (t == 1) return line.to;
  std::vector<at::Tensor> weights;
  for (size_t p = 0; p < line.from.size(); ++p) weights.push_back(line.from[p].lerp(line.to[p], t));
  return weights;
}

/// values and derivatives along `along` of these samples, S' K each.
struct Evaluated {
  at::Tensor values, derivatives;
};

Evaluated evaluate(const Model& model, const Followed& followed,
                   const std::vector<at::Tensor>& weights, const std::vector<at::Tensor>& along,
                   const at::Tensor& samples) {
  std::vector<at::Tensor> values, derivatives;
  for (int64_t begin = 0; begin < samples.size(0); begin += followed.micro_batch) {
    const int64_t count = std::min(followed.micro_batch, samples.size(0) - begin);
    const at::Tensor rows = followed.inputs.index_select(0, samples.narrow(0, begin, count));
    const DirectionalDerivatives found = directional_derivatives(model, rows, weights, {along});
    values.push_back(found.values.flatten(1));
    derivatives.push_back(found.derivatives[0].flatten(1));
  }
  return {at::cat(values), at::cat(derivatives)};
}

void append(std::vector<double>& to, const at::Tensor& tensor) {
  const at::Tensor rows = tensor.contiguous();
  const auto* data = rows.const_data_ptr<double>();
  to.insert(to.end(), data, data + rows.numel());
}

/// f(θ_{s+1}) as it would be without what is left out.
at::Tensor without(const at::Tensor& values, const at::Tensor& left_out, const at::Tensor& samples,
                   double t) {
  return t == 1 ? values - left_out.index_select(0, samples) : values;
}

}  // namespace

at::Tensor outputs_at(const Model& model, const Followed& followed,
                      const std::vector<at::Tensor>& weights) {
  const c10::NoGradGuard no_graph;
  PlainOps ops(weights);
  std::vector<at::Tensor> rows;
  const int64_t samples = followed.inputs.size(0);
  for (int64_t begin = 0; begin < samples; begin += followed.micro_batch) {
    const int64_t count = std::min(followed.micro_batch, samples - begin);
    rows.push_back(model.forward(followed.inputs.narrow(0, begin, count), ops));
  }
  return at::cat(rows);
}

at::Tensor derivative_at(const Model& model, const Followed& followed, const StepLine& line,
                         const std::vector<at::Tensor>& along, double t) {
  const at::Tensor all = at::arange(followed.inputs.size(0), at::kLong);
  return evaluate(model, followed, weights_on(line, t), along, all).derivatives;
}

StepIntegral integrate_step(const Model& model, const Followed& followed, const StepLine& line,
                            const at::Tensor& left_out, const QuadratureOptions& rule) {
  const int64_t samples = left_out.size(0), outputs = left_out.size(1);
  const auto plan = make_plan(rule, samples, 1, /*scores_follow_tensors=*/true, outputs);
  while (!plan->done()) {
    std::vector<std::vector<double>> functionals, values;
    for (const Ask& ask : plan->next()) {
      functionals.emplace_back();
      values.emplace_back();
      if (ask.value_only) {  // the ends under fixed rules: nothing is judged by them
        functionals.back().assign(ask.samples.size() * static_cast<size_t>(outputs), 0.0);
        continue;
      }
      const at::Tensor asked = at::tensor(ask.samples, at::kLong);
      const Evaluated found = evaluate(model, followed, weights_on(line, ask.t), line.along, asked);
      append(functionals.back(), without(found.values, left_out, asked, ask.t));
      append(values.back(), found.derivatives);
    }
    plan->tell(functionals, values);
  }
  StepIntegral integral{.change = at::empty({samples, outputs}, at::kDouble)};
  for (int64_t s = 0; s < samples; ++s) {
    const SampleVerdict& verdict = plan->verdict(s);
    std::copy(verdict.integrals.begin(), verdict.integrals.end(),
              integral.change.data_ptr<double>() + s * outputs);
    integral.evaluations += static_cast<double>(verdict.evaluations) / static_cast<double>(samples);
    const bool met =
        verdict.end == SampleVerdict::End::met || verdict.end == SampleVerdict::End::kinks;
    integral.met += met ? 1 : 0;
    integral.missed += verdict.end == SampleVerdict::End::missed ? 1 : 0;
  }
  return integral;
}

}  // namespace explaind
