#pragma once
// What changes a text before it is cut: the normalizers of tokenizer.json.

#include <memory>

#include "tokenizers/json_part.hpp"
#include "tokenizers/tracked_text.hpp"

namespace explaind {

class Normalizer {
 public:
  virtual ~Normalizer() = default;
  virtual void apply(TrackedText& text) const = 0;
};

/// Reads a normalizer; nothing where it is null. Throws DataError naming one that is not obeyed.
std::unique_ptr<Normalizer> read_normalizer(const JsonPart& part);

}  // namespace explaind
