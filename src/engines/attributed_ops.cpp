#include "engines/attributed_ops.hpp"

#include <ATen/ATen.h>

#include "tensors/product.hpp"
#include "tensors/products.hpp"
#include "tensors/rms_norm.hpp"

namespace explaind {

void AttributedOps::attribute(const at::Tensor& y, const at::Tensor& x, const at::Tensor& response,
                              const LinearMap& map) {
  const auto [weight, bias, columns] = map;
  const bool of_weight = source().moves(weight), of_bias = moves(bias);
  if (!of_weight && !of_bias) return;
  // Detached: the hook lives in y's graph and must not keep it alive.
  y.register_hook([this, weight = weight, bias = bias, columns = columns, of_weight, of_bias,
                   input = x.detach(), known = response.defined() ? response.detach() : response](
                      const at::Tensor& gradient) {
    const auto score_weight = [&](const at::Tensor& stored, ScoreAccumulator& sink) {
      const at::Tensor update = out_in(stored, columns);
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

at::Tensor AttributedOps::linear(const at::Tensor& x, const LinearMap& map) {
  if (!is_split()) {
    at::Tensor y = begin_graph(SourceOps::linear(x, map));
    attribute(y, x, {}, map);
    return y;
  }
  const auto& [weight, bias, columns] = map;
  at::Tensor response, y = times_transposed(x, out_in(source().weight(weight), columns));
  if (source().moves(weight)) {
    response = times_transposed(x, out_in(source().delta(weight), columns));
    y = joined(y, response);
  }
  if (bias != no_parameter) y = y + bias_of(bias, {1, 1, -1});
  y = begin_graph(std::move(y));
  attribute(y, x, response, map);
  return y;
}

at::Tensor AttributedOps::shift(const at::Tensor& x, ParameterId bias) {
  at::Tensor y = begin_graph(SourceOps::shift(x, bias));
  if (!source().moves(bias)) return y;
  y.register_hook([this, bias](const at::Tensor& gradient) {
    each_update(bias, [&](const at::Tensor& update, ScoreAccumulator& sink) {
      sink.add(bias, gradient, update);
    });
  });
  return y;
}

at::Tensor AttributedOps::softplus_scale(const at::Tensor& x, ParameterId weight, double offset) {
  at::Tensor y = begin_graph(SourceOps::softplus_scale(x, weight, offset));
  if (!source().moves(weight)) return y;
  // d log(1 + e^w) = Δw / (1 + e^−w); summed in double, as contractions are.
  y.register_hook(
      [this, weight, input = x.detach(),
       slope = at::sigmoid(scalar_of(weight)).to(at::kDouble)](const at::Tensor& gradient) {
        const at::Tensor by_position =  // B T 1
            (gradient.to(at::kDouble) * input.to(at::kDouble)).sum(-1, /*keepdim=*/true) * slope;
        each_update(weight, [&](const at::Tensor& update, ScoreAccumulator& sink) {
          sink.add(weight, by_position, update.to(at::kDouble));
        });
      });
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

void AttributedOps::add_gain(ScoreAccumulator& sink, ParameterId gain, const at::Tensor& gradient,
                             const at::Tensor& z) {
  if (gradient.dim() == 3) {
    sink.add(gain, gradient, z);
    return;
  }
  for (int64_t head = 0; head < gradient.size(2); ++head) {
    sink.add(gain, gradient.select(2, head), z.select(2, head));
  }
}

at::Tensor AttributedOps::rms_norm(const at::Tensor& x, const Gain& gain, double epsilon) {
  const Device& device = source().device();
  const Normalised normalised = normalise_with_graph(x, gain_of(gain, x), epsilon, device);
  if (!moves(gain.parameter)) return begin_graph(normalised.y);
  const ParameterId id = gain.parameter;
  if (!is_split()) {
    at::Tensor y = begin_graph(normalised.y);
    y.register_hook(
        [this, id, input = x.detach(), scale = normalised.scale](const at::Tensor& gradient) {
          each_update(id, [&](const at::Tensor& update, ScoreAccumulator& sink) {
            add_gain(sink, id, gradient, norm_response(input, update, scale, source().device()));
          });
        });
    return y;
  }
  const at::Tensor response =
      normalise_with_graph(x, source().delta(id), epsilon, device).y;  // s x ⊙ Δg
  at::Tensor y = begin_graph(joined(normalised.y, response));
  y.register_hook([this, id, known = response.detach(), input = x.detach(),
                   scale = normalised.scale](const at::Tensor& gradient) {
    add_gain(sink_, id, gradient, known);
    for (int64_t i = 0; i < sink_.directions(); ++i) {
      add_gain(sink_.direction(i), id, gradient,
               norm_response(input, source().direction(i, id), scale, source().device()));
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
