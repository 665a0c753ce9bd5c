#pragma once
// A source that hands out what another one has.

#include <vector>

#include "parameters/parameter_source.hpp"

namespace explaind {

/// Everything but what a class of this kind does itself: load(), mostly.
class ForwardedParameters : public ParameterSource {
 public:
  [[nodiscard]] int64_t segment() const override { return source().segment(); }
  [[nodiscard]] bool moves(ParameterId parameter) override { return source().moves(parameter); }
  [[nodiscard]] bool moves() override { return source().moves(); }
  void open(const std::vector<ParameterRows>& parts,
            const std::vector<ParameterRows>& next) override {
    source().open(parts, next);
  }
  void set_node(double t) override { source().set_node(t); }
  [[nodiscard]] const at::Tensor& weight(ParameterId parameter) const override {
    return source().weight(parameter);
  }
  [[nodiscard]] const at::Tensor& delta(ParameterId parameter) const override {
    return source().delta(parameter);
  }
  [[nodiscard]] at::Tensor weight_rows(ParameterId parameter, const at::Tensor& ids) override {
    return source().weight_rows(parameter, ids);
  }
  [[nodiscard]] at::Tensor delta_rows(ParameterId parameter, const at::Tensor& ids) override {
    return source().delta_rows(parameter, ids);
  }
  [[nodiscard]] const at::Tensor& direction(int64_t index, ParameterId parameter) override {
    return source().direction(index, parameter);
  }
  [[nodiscard]] at::Tensor direction_rows(int64_t index, ParameterId parameter,
                                          const at::Tensor& ids) override {
    return source().direction_rows(index, parameter, ids);
  }
  [[nodiscard]] int64_t bytes_opened() const override { return source().bytes_opened(); }
  [[nodiscard]] const Precision& precision() const override { return source().precision(); }
  [[nodiscard]] const Device& device() const override { return source().device(); }

 protected:
  /// The other one, which this does not change by asking for it.
  [[nodiscard]] virtual ParameterSource& source() const = 0;
};

}  // namespace explaind
