#include "job/sample_tokens.hpp"

#include <memory>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "tokenizers/tokenizer.hpp"

namespace explaind {

std::string sample_tokens(const Problem& problem) {
  if (problem.network() == nullptr) return "";
  std::unique_ptr<Tokenizer> tokenizer;
  try {
    tokenizer = open_tokenizer(
        problem.question.written.tokenizer.value_or(problem.subject.tokenizer_folder()));
  } catch (const DataError&) {  // samples may be token ids where no tokenizer can be read
  }
  nlohmann::json samples = nlohmann::json::array();
  for (const Sample& sample : problem.samples) {
    nlohmann::json tokens{{"ids", sample.input_ids}};
    for (const int64_t id : sample.input_ids) {
      if (tokenizer) tokens["pieces"].push_back(tokenizer->piece(id));
    }
    samples.push_back(std::move(tokens));
  }
  return samples.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace explaind
