#include "engines/output_head.hpp"

#include <optional>

#include "engines/activation_head.hpp"
#include "engines/logit_head.hpp"
#include "engines/vocabulary_head.hpp"

namespace explaind {

std::unique_ptr<OutputHead> make_head(const Network& network, ParameterSource& parameters,
                                      const Functional& functional) {
  switch (functional->reading()) {
    case Reading::logits:
      return std::make_unique<LogitHead>(network, parameters, functional);
    case Reading::activation:
      return std::make_unique<ActivationHead>(functional);
    case Reading::log_probabilities:
      break;
  }
  return std::make_unique<VocabularyHead>(network, parameters);
}

int64_t depth_of(const Network& network, const Functional& functional) {
  const std::optional<int64_t> last = functional->block();
  return last ? *last + 1 : network.blocks();
}

}  // namespace explaind
