#include "tokenizers/token_model.hpp"

#include <fmt/format.h>

namespace explaind {

std::unique_ptr<TokenModel> read_model(const JsonPart& part) {
  if (part.is_null()) part.refuse("is missing");
  // Files of old versions do not name the kind; merges have those of BPE alone.
  const std::string type =
      part.at("type").is_null() && !part.at("merges").is_null() ? "BPE" : part.type();
  if (type == "BPE") return read_bpe(part);
  if (type == "Unigram") return read_unigram(part);
  part.refuse(fmt::format("is of the type \"{}\", which is not covered", type));
}

std::string byte_piece(unsigned char byte) { return fmt::format("<0x{:02X}>", byte); }

}  // namespace explaind
