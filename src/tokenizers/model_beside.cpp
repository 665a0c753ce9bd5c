#include "tokenizers/model_beside.hpp"

#include <fmt/format.h>
#include <sentencepiece_processor.h>

#include <algorithm>
#include <unordered_set>

#include "core/counted.hpp"
#include "core/whole_file.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;

class WithModelBeside final : public Tokenizer {
 public:
  WithModelBeside(std::unique_ptr<JsonTokenizer> tokenizer, fs::path model,
                  std::unique_ptr<sentencepiece::SentencePieceProcessor> processor)
      : tokenizer_(std::move(tokenizer)),
        model_(std::move(model)),
        processor_(std::move(processor)) {
    const int pieces = processor_->GetPieceSize();
    for (int id = 0; id < pieces; ++id) {
      // A few pieces are written otherwise there (a tab for <0x09>): only ids of the same text
      // tell.
      const auto there = tokenizer_->model().id_of(processor_->IdToPiece(id));
      other_pieces_ += there && *there != id ? 1 : 0;
    }
    for (const AddedToken& token : tokenizer_->added()) added_.insert(token.id);
  }

  [[nodiscard]] std::vector<Piece> encode(const std::string& text) const override {
    std::vector<Piece> pieces = tokenizer_->encode(text);
    const bool plain = std::none_of(pieces.begin(), pieces.end(),
                                    [&](const Piece& each) { return added_.contains(each.id); });
    if (other_pieces_ == 0 && plain) {
      ++compared_;
      const std::vector<int> ids = processor_->EncodeAsIds(text);
      other_texts_ += std::equal(ids.begin(), ids.end(), pieces.begin(), pieces.end(),
                                 [](int id, const Piece& piece) { return id == piece.id; })
                          ? 0
                          : 1;
    }
    return pieces;
  }
  [[nodiscard]] const std::vector<int64_t>& before() const override { return tokenizer_->before(); }
  [[nodiscard]] const std::vector<int64_t>& after() const override { return tokenizer_->after(); }
  [[nodiscard]] std::optional<std::string> special_token_in(
      const std::string& text) const override {
    return tokenizer_->special_token_in(text);
  }
  [[nodiscard]] std::string piece(int64_t id) const override { return tokenizer_->piece(id); }
  [[nodiscard]] std::string description() const override { return tokenizer_->description(); }
  [[nodiscard]] std::vector<std::string> notes() const override {
    std::vector<std::string> notes = tokenizer_->notes();
    if (other_pieces_ > 0) {
      notes.push_back(fmt::format(
          "{}: has other ids than tokenizer.json for {} of its {} pieces; tokenizer.json is read, "
          "as transformers does",
          model_.string(), other_pieces_, processor_->GetPieceSize()));
    } else if (other_texts_ > 0) {
      notes.push_back(fmt::format(
          "{}: makes other tokens than tokenizer.json of {} of {}; tokenizer.json is read, as "
          "transformers does",
          model_.string(), other_texts_, counted(compared_, "text")));
    }
    return notes;
  }

 private:
  std::unique_ptr<JsonTokenizer> tokenizer_;
  fs::path model_;
  std::unique_ptr<sentencepiece::SentencePieceProcessor> processor_;
  std::unordered_set<int64_t> added_;
  size_t other_pieces_ = 0;
  mutable size_t compared_ = 0, other_texts_ = 0;
};

}  // namespace

std::unique_ptr<Tokenizer> with_model_beside(std::unique_ptr<JsonTokenizer> tokenizer,
                                             const fs::path& directory) {
  const fs::path model = directory / "tokenizer.model";
  auto processor = std::make_unique<sentencepiece::SentencePieceProcessor>();
  if (!fs::exists(model)) return tokenizer;
  // Read by ourselves: a file that cannot be read to its end is an error that names it.
  if (!processor->LoadFromSerializedProto(read_whole_file(model)).ok()) return tokenizer;
  return std::make_unique<WithModelBeside>(std::move(tokenizer), model, std::move(processor));
}

}  // namespace explaind
