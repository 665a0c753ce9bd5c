#include <sentencepiece_processor.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "samples/sample.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;

class SentencePieceTokenizer final : public Tokenizer {
 public:
  SentencePieceTokenizer(const fs::path& model, bool add_bos) {
    const auto status = processor_.Load(model.string());
    if (!status.ok()) {
      throw DataError(model.string(), "not a SentencePiece model: " + status.ToString(),
                      "Check the file, or give token ids (input_ids) instead of text");
    }
    bos_ = add_bos ? processor_.bos_id() : -1;
  }

  [[nodiscard]] std::vector<Piece> encode(const std::string& text) const override {
    const auto encoded = processor_.EncodeAsImmutableProto(text);
    std::vector<Piece> pieces;
    for (size_t i = 0; i < encoded.pieces_size(); ++i) {
      const auto piece = encoded.pieces(static_cast<int>(i));
      pieces.push_back({static_cast<int64_t>(piece.id()), piece.begin(), piece.end()});
    }
    return pieces;
  }
  [[nodiscard]] int64_t bos() const override { return bos_; }

 private:
  sentencepiece::SentencePieceProcessor processor_;
  int64_t bos_ = -1;
};

/// tokenizer_config.json's add_bos_token; Llama's tokenizers add it where the key is absent.
bool adds_bos(const fs::path& config) {
  std::ifstream in(config);
  if (!in) return true;
  const nlohmann::json parsed = nlohmann::json::parse(in, nullptr, /*allow_exceptions=*/false);
  if (!parsed.is_object()) {
    throw DataError(config.string(), "not a JSON object", "Repair or remove the file");
  }
  const auto found = parsed.find("add_bos_token");
  return found == parsed.end() || !found->is_boolean() || found->get<bool>();
}

}  // namespace

std::unique_ptr<Tokenizer> open_tokenizer(const fs::path& directory) {
  const fs::path model = directory / "tokenizer.model";
  if (!fs::exists(model)) {
    throw DataError(
        directory.string(),
        fs::exists(directory / "tokenizer.json")
            ? "has tokenizer.json but no SentencePiece tokenizer.model"
            : "has no tokenizer.model",
        "Give token ids (input_ids) instead of text, or name a folder that has one with "
        "--tokenizer");
  }
  return std::make_unique<SentencePieceTokenizer>(model,
                                                  adds_bos(directory / "tokenizer_config.json"));
}

}  // namespace explaind
