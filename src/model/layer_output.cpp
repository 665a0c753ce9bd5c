#include "model/layer_output.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/error.hpp"
#include "model/plain_ops.hpp"

namespace explaind {
namespace {

/// Other operations, and beside them what the layer of one weight gave.
class ListeningOps final : public Ops {
 public:
  ListeningOps(Ops& ops, ParameterId weight) : ops_(ops), weight_(weight) {}
  [[nodiscard]] const at::Tensor& heard() const { return heard_; }

  at::Tensor linear(const at::Tensor& x, const LinearMap& map) override {
    return listen(map.weight, ops_.linear(x, map));
  }
  at::Tensor embedding(const at::Tensor& ids, ParameterId weight) override {
    return ops_.embedding(ids, weight);
  }
  at::Tensor rms_norm(const at::Tensor& x, const Gain& gain, double epsilon) override {
    return ops_.rms_norm(x, gain, epsilon);
  }
  at::Tensor shift(const at::Tensor& x, ParameterId bias) override { return ops_.shift(x, bias); }
  at::Tensor softplus_scale(const at::Tensor& x, ParameterId weight, double offset) override {
    return ops_.softplus_scale(x, weight, offset);
  }
  at::Tensor conv2d(const at::Tensor& x, ParameterId weight, ParameterId bias, int64_t stride,
                    int64_t padding) override {
    return listen(weight, ops_.conv2d(x, weight, bias, stride, padding));
  }
  [[nodiscard]] at::Tensor activation(const at::Tensor& x, Activation function) const override {
    return ops_.activation(x, function);
  }
  [[nodiscard]] at::Tensor leaky_relu(const at::Tensor& x, double slope) const override {
    return ops_.leaky_relu(x, slope);
  }
  [[nodiscard]] at::Tensor add(const at::Tensor& a, const at::Tensor& b) const override {
    return ops_.add(a, b);
  }
  [[nodiscard]] at::Tensor multiply(const at::Tensor& a, const at::Tensor& b) const override {
    return ops_.multiply(a, b);
  }
  [[nodiscard]] at::Tensor attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                     const AttentionRule& rule) const override {
    return ops_.attention(q, k, v, rule);
  }
  [[nodiscard]] at::Tensor clamp(const at::Tensor& x, double limit) const override {
    return ops_.clamp(x, limit);
  }
  [[nodiscard]] at::Tensor soft_cap(const at::Tensor& x, double cap) const override {
    return ops_.soft_cap(x, cap);
  }
  [[nodiscard]] at::Tensor max_pool2d(const at::Tensor& x, int64_t size, int64_t stride,
                                      int64_t padding) const override {
    return ops_.max_pool2d(x, size, stride, padding);
  }
  [[nodiscard]] at::Tensor max_over_image(const at::Tensor& x) const override {
    return ops_.max_over_image(x);
  }

 private:
  at::Tensor listen(ParameterId weight, at::Tensor y) {
    if (weight == weight_) heard_ = y;
    return y;
  }

  Ops& ops_;
  ParameterId weight_;
  at::Tensor heard_;
};

}  // namespace

LayerOutput::LayerOutput(const Model& model, const std::string& weight, const at::Tensor& input)
    : model_(model) {
  std::vector<std::string> names;
  std::vector<at::Tensor> zeros;
  const at::ScalarType type = input.is_floating_point() ? input.scalar_type() : at::kFloat;
  for (const ParameterInfo& parameter : model.parameters()) {
    if (parameter.name == weight) weight_ = static_cast<ParameterId>(zeros.size());
    if (parameter.shape.size() > 1) names.push_back(parameter.name);
    zeros.push_back(at::zeros(parameter.shape, type));
  }
  const c10::NoGradGuard no_graph;
  PlainOps plain(zeros);
  ListeningOps ops(plain, weight_);
  model.forward(input, ops);
  if (!ops.heard().defined()) {
    throw UsageError("--functional", fmt::format("no layer has the weight '{}'", weight),
                     fmt::format("One of {}", fmt::join(names, ", ")));
  }
  coordinates_ = ops.heard().numel() / input.size(0);
}

at::Tensor LayerOutput::forward(const at::Tensor& input, Ops& ops) const {
  ListeningOps listening(ops, weight_);
  model_.forward(input, listening);
  return listening.heard().flatten(1);
}

}  // namespace explaind
