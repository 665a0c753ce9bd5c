#include "engines/attributed_ops.hpp"

#include <ATen/ATen.h>

#include "tensors/products.hpp"
#include "tensors/rms_norm.hpp"

namespace explaind {

void AttributedOps::attribute(const at::Tensor& y, const at::Tensor& x, const at::Tensor& response,
                              ParameterId weight, ParameterId bias) {
  const bool of_weight = source().moves(weight),
             of_bias = bias != no_parameter && source().moves(bias);
  if (!of_weight && !of_bias) return;
  // Detached: the hook lives in y's graph and must not keep it alive.
  y.register_hook(
      [this, weight, bias, of_weight, of_bias, input = x.detach(),
       known = response.defined() ? response.detach() : response](const at::Tensor& gradient) {
        const auto score_weight = [&](const at::Tensor& update, ScoreAccumulator& sink) {
          if (table_.slot(weight).division == Division::column_blocks) {
            sink.add(weight, input, times(gradient, update));
          } else {
            const bool is_known = known.defined() && &sink == &sink_;
            sink.add(weight, gradient, is_known ? known : times_transposed(input, update));
          }
        };
        if (of_weight) each_update(weight, score_weight);
        if (!of_bias) return;
        each_update(bias, [&](const at::Tensor& update, ScoreAccumulator& sink) {
          sink.add(bias, gradient, update);
        });
      });
}

at::Tensor AttributedOps::linear(const at::Tensor& x, ParameterId weight, ParameterId bias) {
  if (!is_split()) {
    at::Tensor y = begin_graph(SourceOps::linear(x, weight, bias));
    attribute(y, x, {}, weight, bias);
    return y;
  }
  at::Tensor response, y = times_transposed(x, source().weight(weight));
  if (source().moves(weight)) {
    response = times_transposed(x, source().delta(weight));
    y = joined(y, response);
  }
  if (bias != no_parameter) y = y + bias_of(bias, {1, 1, -1});
  y = begin_graph(std::move(y));
  attribute(y, x, response, weight, bias);
  return y;
}

at::Tensor AttributedOps::embedding(const at::Tensor& ids, ParameterId weight) {
  at::Tensor y = begin_graph(SourceOps::embedding(ids, weight));
  if (!source().moves(weight)) return y;
  y.register_hook([this, weight, ids](const at::Tensor& gradient) {
    sink_.add_embedding(weight, ids, gradient, source().delta_rows(weight, ids));
    for (int64_t i = 0; i < sink_.directions(); ++i) {
      sink_.direction(i).add_embedding(weight, ids, gradient,
                                       source().direction_rows(i, weight, ids));
    }
  });
  return y;
}

at::Tensor AttributedOps::rms_norm(const at::Tensor& x, ParameterId gain, double epsilon) {
  const Device& device = source().device();
  const Normalised normalised = normalise_with_graph(x, source().weight(gain), epsilon, device);
  if (!source().moves(gain)) return begin_graph(normalised.y);
  if (!is_split()) {
    at::Tensor y = begin_graph(normalised.y);
    y.register_hook(
        [this, gain, input = x.detach(), scale = normalised.scale](const at::Tensor& gradient) {
          each_update(gain, [&](const at::Tensor& update, ScoreAccumulator& sink) {
            sink.add(gain, gradient, norm_response(input, update, scale, source().device()));
          });
        });
    return y;
  }
  const at::Tensor response =
      normalise_with_graph(x, source().delta(gain), epsilon, device).y;  // s x ⊙ Δg
  at::Tensor y = begin_graph(joined(normalised.y, response));
  y.register_hook([this, gain, known = response.detach(), input = x.detach(),
                   scale = normalised.scale](const at::Tensor& gradient) {
    sink_.add(gain, gradient, known);
    for (int64_t i = 0; i < sink_.directions(); ++i) {
      sink_.direction(i).add(
          gain, gradient,
          norm_response(input, source().direction(i, gain), scale, source().device()));
    }
  });
  return y;
}

at::Tensor AttributedOps::conv2d(const at::Tensor& x, ParameterId weight, ParameterId bias,
                                 int64_t stride, int64_t padding) {
  at::Tensor y = begin_graph(SourceOps::conv2d(x, weight, bias, stride, padding));
  const bool of_weight = source().moves(weight),
             of_bias = bias != no_parameter && source().moves(bias);
  if (!of_weight && !of_bias) return y;
  y.register_hook([this, weight, bias, of_weight, of_bias, stride, padding,
                   input = x.detach()](const at::Tensor& gradient) {
    const at::Tensor delta = gradient.flatten(2);  // B O pixels
    const auto score_weight = [&](const at::Tensor& update, ScoreAccumulator& sink) {
      const at::Tensor response = convolve(input, update, stride, padding);
      sink.add_channels(weight, delta, response.flatten(2));
    };
    if (of_weight) each_update(weight, score_weight);
    if (!of_bias) return;
    each_update(bias, [&](const at::Tensor& update, ScoreAccumulator& sink) {
      sink.add_channels(bias, delta, update.view({1, -1, 1}).expand_as(delta));
    });
  });
  return y;
}

}  // namespace explaind
