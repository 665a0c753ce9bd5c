#include "tokenizers/sentencepiece_tokenizer.hpp"

#include <fmt/format.h>
#include <sentencepiece_processor.h>

#include <set>

#include "core/error.hpp"
#include "core/file_kind.hpp"
#include "core/whole_file.hpp"
#include "tokenizers/piece_types.hpp"
#include "tokenizers/sentencepiece_config.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;

constexpr const char* ids_instead = "give token ids (input_ids) instead of text";

class SentencePieceTokenizer final : public Tokenizer {
 public:
  explicit SentencePieceTokenizer(const fs::path& directory)
      : model_((directory / "tokenizer.model").string()) {
    const SentencePieceConfig config = read_sentencepiece_config(directory);
    load(config.prefix_space);
    taken_whole_ = config.taken_whole;
    for (const int id : {processor_.unk_id(), processor_.bos_id(), processor_.eos_id()}) {
      if (id >= 0 && !config.special_are_text) taken_whole_.push_back(processor_.IdToPiece(id));
    }
    // Where a file adds a symbol of the model again, the model takes it whole itself.
    std::erase_if(taken_whole_,
                  [&](const std::string& text) { return user_defined_.contains(text); });
    const bool begins = config.add_bos.value_or(!config.without_bos);
    if (begins && config.without_bos) {
      throw DataError((directory / "tokenizer_config.json").string(),
                      "add_bos_token is true, and bos_token is null",
                      std::string("Name the token, or ") + ids_instead);
    }
    if (begins) {
      keep(id_of(config.bos, processor_.bos_id(), config.add_bos.has_value(), "bos"), before_);
    }
    if (config.add_eos.value_or(false) && config.without_eos) {
      throw DataError((directory / "tokenizer_config.json").string(),
                      "add_eos_token is true, and eos_token is null",
                      std::string("Name the token, or ") + ids_instead);
    }
    if (config.add_eos.value_or(false)) {
      keep(id_of(config.eos, processor_.eos_id(), true, "eos"), after_);
    }
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
  [[nodiscard]] const std::vector<int64_t>& before() const override { return before_; }
  [[nodiscard]] const std::vector<int64_t>& after() const override { return after_; }
  [[nodiscard]] std::optional<std::string> special_token_in(
      const std::string& text) const override {
    for (const std::string& token : taken_whole_) {
      if (text.find(token) != std::string::npos) return token;
    }
    return std::nullopt;
  }
  [[nodiscard]] std::string piece(int64_t id) const override {
    const bool known = id >= 0 && id < processor_.GetPieceSize();
    return known ? processor_.IdToPiece(static_cast<int>(id)) : "";
  }
  [[nodiscard]] std::string description() const override {
    return fmt::format("tokenizer.model (SentencePiece, {} pieces)", processor_.GetPieceSize());
  }

 private:
  static void keep(int64_t id, std::vector<int64_t>& ids) {
    if (id >= 0) ids.push_back(id);
  }

  void load(std::optional<bool> prefix_space) {
    std::string bytes = read_whole_file(model_);
    refuse_foreign_content(bytes, model_);
    user_defined_ = user_defined_symbols(bytes);
    if (prefix_space) {
      // The model is a protobuf message, and a message within one that comes twice is merged: this
      // is normalizer_spec (field 3) with add_dummy_prefix (its field 3) alone.
      bytes += {'\x1a', '\x02', '\x18', static_cast<char>(*prefix_space ? 1 : 0)};
    }
    const auto status = processor_.LoadFromSerializedProto(bytes);
    if (!status.ok()) {
      throw DataError(model_, "not a SentencePiece model: " + status.ToString(),
                      std::string("Check the file, or ") + ids_instead);
    }
  }

  /// The id of a token that the config names, else the model's own.
  [[nodiscard]] int64_t id_of(const std::optional<NamedToken>& named, int own, bool asked,
                              const std::string& which) const {
    if (!named) {
      if (own < 0 && asked) {
        throw DataError(model_,
                        fmt::format("add_{0}_token is true, and the model has no {0} token", which),
                        std::string("Name it in tokenizer_config.json, or ") + ids_instead);
      }
      return own;
    }
    if (named->id) return *named->id;
    const int id = processor_.PieceToId(named->text);
    if (processor_.IsUnknown(id) && named->text != processor_.IdToPiece(id)) {
      throw DataError(model_,
                      fmt::format("{}_token is \"{}\", which is neither a piece of the model nor "
                                  "among the added tokens",
                                  which, named->text),
                      std::string("Mend tokenizer_config.json, or ") + ids_instead);
    }
    return id;
  }

  std::string model_;
  sentencepiece::SentencePieceProcessor processor_;
  std::set<std::string> user_defined_;
  std::vector<std::string> taken_whole_;
  std::vector<int64_t> before_, after_;
};

}  // namespace

std::unique_ptr<Tokenizer> open_sentencepiece(const fs::path& directory) {
  return std::make_unique<SentencePieceTokenizer>(directory);
}

}  // namespace explaind
