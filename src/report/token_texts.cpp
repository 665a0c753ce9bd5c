#include "report/token_texts.hpp"

#include <fmt/format.h>

namespace explaind {

std::vector<std::vector<std::string>> token_texts(const StoreReader& store) {
  std::vector<std::vector<std::string>> tokens;
  if (!store.has("token_id")) return tokens;
  const StoredVariable stored = store.variable("token_id");
  if (stored.dims != std::vector<std::string>{"sample", "position"}) return tokens;
  const std::vector<double> ids = store.read("token_id");
  const auto positions = static_cast<size_t>(stored.shape[1]);
  std::vector<std::string> pieces;
  if (store.has("token")) pieces = store.texts("token");
  for (size_t i = 0; i < ids.size(); ++i) {
    if (i % positions == 0) tokens.emplace_back();
    const bool has_piece = i < pieces.size() && !pieces[i].empty();
    tokens.back().push_back(has_piece ? pieces[i]
                                      : fmt::format("[{}]", static_cast<int64_t>(ids[i])));
  }
  return tokens;
}

}  // namespace explaind
