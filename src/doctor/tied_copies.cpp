#include "doctor/tied_copies.hpp"

#include <fmt/format.h>

#include <string>

#include "core/error.hpp"
#include "families/decoder_config.hpp"

namespace explaind {
namespace {

bool says_tied(const nlohmann::json& config) {
  if (!config.is_object()) return false;
  try {
    return read_decoder_config(config, "config.json").tied;
  } catch (const DataError&) {
    return config.value("tie_word_embeddings", nlohmann::json()) == nlohmann::json(true);
  }
}

}  // namespace

std::vector<Finding> find_untied_copies(const std::vector<ExaminedCheckpoint>& checkpoints,
                                        const PassTable& table) {
  std::vector<Finding> findings;
  for (size_t i = 0; i < checkpoints.size(); ++i) {
    if (!says_tied(checkpoints[i].config)) continue;
    const DecoderNames names = names_in(checkpoints[i].config);
    const std::string embedding = names.embedding + ".weight", head = names.unembedding + ".weight";
    const auto one = table.tensors.find(embedding), other = table.tensors.find(head);
    if (one == table.tensors.end() || other == table.tensors.end()) continue;
    const TensorSums *first = one->second[i], *second = other->second[i];
    if (first == nullptr || second == nullptr || first->fingerprint == second->fingerprint) {
      continue;
    }
    findings.push_back(
        {.kind = Finding::Kind::tied_copies,
         .checkpoints = {i},
         .where = head,
         .text = fmt::format("{} is not {}, to which config.json ties it", head, embedding)});
  }
  return findings;
}

}  // namespace explaind
