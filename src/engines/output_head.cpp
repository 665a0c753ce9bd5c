#include "engines/output_head.hpp"

#include "engines/activation_head.hpp"
#include "engines/logit_head.hpp"
#include "engines/vocabulary_head.hpp"

namespace explaind {

std::unique_ptr<OutputHead> make_head(const Network& network, ParameterSource& parameters,
                                      const Functional& functional) {
  switch (functional.kind) {
    case Functional::logit:
    case Functional::logit_diff:
      return std::make_unique<LogitHead>(network, parameters, functional);
    case Functional::activation:
      return std::make_unique<ActivationHead>(functional);
    default:
      return std::make_unique<VocabularyHead>(network, parameters);
  }
}

int64_t depth_of(const Network& network, const Functional& functional) {
  return functional.kind == Functional::activation ? functional.first + 1 : network.blocks();
}

}  // namespace explaind
