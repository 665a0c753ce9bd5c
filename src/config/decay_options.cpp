#include "config/decay_options.hpp"

#include <vector>

#include "config/bindings.hpp"

namespace explaind {

void add_decay_options(OptionTable& table, DecayOptions& o) {
  constexpr Role identity = Role::identity;
  const std::vector<Option> options = {
      optional_number_option(
          {"weight-decay", "RATE", "estimated decay of a series: the training's, decoupled (AdamW)",
           identity},
          o.weight_decay),
      optional_text_option(
          {"decay-on", "WHAT",
           "estimated decay: what decayed, matrices (and convolutions), all, or parameters whose "
           "names have this regular expression",
           identity},
          o.decay_on),
      optional_number_option(
          {"learning-rate", "RATE", "estimated decay: the schedule's peak", identity},
          o.learning_rate),
      optional_text_option({"schedule", "NAME",
                            "estimated decay: constant, cosine, triangle or wsd, as record has "
                            "them",
                            identity},
                           o.schedule),
      optional_integer_option(
          {"warmup", "STEPS", "estimated decay: of the schedule; 0: none", identity}, o.warmup, 0),
      optional_integer_option(
          {"max-steps", "N", "estimated decay: optimizer steps of the whole training", identity},
          o.max_steps, 1),
      optional_number_option(
          {"minimum-learning-rate", "RATIO",
           "estimated decay: of cosine and wsd at the last step, of the peak", identity},
          o.minimum_learning_rate),
      optional_integer_option({"decay-steps", "STEPS", "estimated decay: of wsd's end", identity},
                              o.decay_steps, 0)};
  table.insert(table.end(), options.begin(), options.end());
}

}  // namespace explaind
