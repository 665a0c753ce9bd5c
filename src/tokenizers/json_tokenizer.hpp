#pragma once
// A Hugging Face tokenizer.json: its parts in the order in which a text passes through them.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "tokenizers/added_tokens.hpp"
#include "tokenizers/json_companions.hpp"
#include "tokenizers/normalizers.hpp"
#include "tokenizers/post_processor.hpp"
#include "tokenizers/pre_tokenizers.hpp"
#include "tokenizers/token_model.hpp"
#include "tokenizers/tokenizer.hpp"

namespace explaind {

/// Ids equal those of Hugging Face's `tokenizers` (the version that the tests pin): added tokens
/// are found in the text, what is between them is normalized, cut into words, and each word becomes
/// the model's pieces.
class JsonTokenizer final : public Tokenizer {
 public:
  /// Reads DIRECTORY/tokenizer.json and the files beside it. Throws DataError naming what is broken
  /// or not obeyed, with the recipe that makes token ids.
  explicit JsonTokenizer(const std::filesystem::path& directory);

  [[nodiscard]] std::vector<Piece> encode(const std::string& text) const override;
  [[nodiscard]] const std::vector<int64_t>& before() const override { return ends_.before; }
  [[nodiscard]] const std::vector<int64_t>& after() const override { return ends_.after; }
  [[nodiscard]] std::optional<std::string> special_token_in(const std::string& text) const override;
  [[nodiscard]] std::string piece(int64_t id) const override;
  [[nodiscard]] std::string description() const override;
  [[nodiscard]] std::vector<std::string> notes() const override { return companions_.notes; }

  [[nodiscard]] const TokenModel& model() const { return *model_; }
  [[nodiscard]] const std::vector<AddedToken>& added() const { return added_.all(); }

 private:
  struct CachedWord {
    uint32_t first, count;  ///< in tokens_of_words_
  };
  struct WordHash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };

  [[nodiscard]] CachedWord word(std::string_view text) const;
  void encode_word(std::string_view word, std::vector<WordToken>& tokens) const;

  std::filesystem::path path_;
  std::unique_ptr<Normalizer> normalizer_;
  PreTokenization pre_tokenization_;
  std::unique_ptr<TokenModel> model_;
  AddedTokens added_;
  SequenceEnds ends_;
  JsonCompanions companions_;
  std::unordered_map<int64_t, std::string> added_texts_;
  /// Words that came before. They change no result, and are forgotten when they are many.
  mutable std::unordered_map<std::string, CachedWord, WordHash, std::equal_to<>> words_;
  mutable std::vector<WordToken> tokens_of_words_;
};

}  // namespace explaind
