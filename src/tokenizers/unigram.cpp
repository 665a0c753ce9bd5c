// A unigram language model: the segmentation of a word whose pieces' scores add up to most.

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <string>

#include "tokenizers/characters.hpp"
#include "tokenizers/number_map.hpp"
#include "tokenizers/piece_table.hpp"
#include "tokenizers/token_model.hpp"

namespace explaind {
namespace {

class Unigram final : public TokenModel {
 public:
  explicit Unigram(const JsonPart& part) : place_(part.place()) {
    part.allow_only({"type", "unk_id", "vocab", "byte_fallback"});
    byte_fallback_ = part.at("byte_fallback").boolean_or(false);
    read_pieces(part.at("vocab"));
    const JsonPart unknown = part.at("unk_id");
    if (unknown.is_null()) return;
    unknown_ = unknown.id();
    if (unknown_ >= static_cast<int64_t>(scores_.size())) {
      unknown.refuse(fmt::format("is {}, and there are {} pieces", unknown_, scores_.size()));
    }
  }

  void encode(std::string_view word, std::vector<WordToken>& tokens) const override {
    const std::vector<Step> best = best_path(word);
    // Ends of the pieces, unknown ones joined, from the last to the first.
    std::vector<size_t> ends;
    bool after_unknown = false;
    for (size_t end = word.size(); end > 0; end = best[end].from) {
      const bool is_unknown = best[end].id == unknown_;
      if (!is_unknown || !after_unknown) ends.push_back(end);
      after_unknown = is_unknown;
    }
    size_t begin = 0;
    for (auto end = ends.rbegin(); end != ends.rend(); ++end) {
      add(word.substr(begin, *end - begin), tokens);
      begin = *end;
    }
  }

  [[nodiscard]] std::optional<int64_t> id_of(const std::string& piece) const override {
    return pieces_.find(piece);
  }
  [[nodiscard]] std::string piece(int64_t id) const override {
    return id >= 0 && id < static_cast<int64_t>(texts_.size()) ? texts_[static_cast<size_t>(id)]
                                                               : "";
  }
  [[nodiscard]] size_t size() const override { return scores_.size(); }
  [[nodiscard]] std::string name() const override { return "Unigram"; }

 private:
  struct Step {
    int64_t id = 0;
    double score = 0;
    size_t from = none;
    static constexpr size_t none = SIZE_MAX;
  };

  void read_pieces(const JsonPart& vocabulary) {
    double least = std::numeric_limits<double>::infinity();
    if (!vocabulary.value().is_array()) vocabulary.refuse("must be a list of pieces and scores");
    for (size_t i = 0; i < vocabulary.value().size(); ++i) {
      const auto& pair = vocabulary.value()[i];
      if (!pair.is_array() || pair.size() != 2 || !pair[0].is_string() || !pair[1].is_number()) {
        vocabulary.items()[i].refuse("is no piece with a score");
      }
      texts_.push_back(pair[0].get<std::string>());
      scores_.push_back(pair[1].get<double>());
      least = std::min(least, scores_.back());
      pieces_.set(texts_.back(), static_cast<int64_t>(i));
      insert(texts_.back(), i);
    }
    constexpr double penalty = 10;
    unknown_score_ = least - penalty;
  }

  /// A trie of the pieces: an edge is a node and a byte.
  void insert(const std::string& piece, size_t id) {
    uint64_t node = 0;
    for (const char byte : piece) {
      const uint64_t edge = node << 8 | static_cast<unsigned char>(byte);
      if (const uint32_t* next = edges_.find(edge)) {
        node = *next;
      } else {
        node = ends_.size();
        edges_.set(edge, static_cast<uint32_t>(node));
        ends_.push_back(-1);
      }
    }
    if (node != 0) ends_[node] = static_cast<int64_t>(id);
  }

  /// Of every place in the word, the last step of the best way there.
  [[nodiscard]] std::vector<Step> best_path(std::string_view word) const {
    std::vector<Step> best(word.size() + 1);
    const auto offer = [&](size_t from, size_t end, int64_t id, double score) {
      const double sum = score + best[from].score;
      if (best[end].from != Step::none && sum <= best[end].score) return;
      best[end] = {id, sum, from};
    };
    for (size_t at = 0; at < word.size();) {
      const size_t size = decode(word, at).size;
      bool single = false;
      uint64_t node = 0;
      for (size_t end = at; end < word.size();) {
        const uint32_t* next = edges_.find(node << 8 | static_cast<unsigned char>(word[end]));
        if (next == nullptr) break;
        node = *next;
        ++end;
        if (ends_[node] < 0) continue;
        offer(at, end, ends_[node], scores_[static_cast<size_t>(ends_[node])]);
        single = single || end == at + size;
      }
      if (!single) {
        // Without an unknown piece the way ends only where it would be taken.
        const Step& there = best[at + size];
        const double sum = unknown_score_ + best[at].score;
        if (unknown_ < 0 && (there.from == Step::none || sum > there.score)) missing(word);
        offer(at, at + size, unknown_, unknown_score_);
      }
      at += size;
    }
    return best;
  }

  [[noreturn]] void missing(std::string_view word) const {
    place_.refuse(fmt::format("has no unknown piece (unk_id), and no pieces for \"{}\"", word));
  }

  /// A segment: its piece, its bytes, or the unknown one.
  void add(std::string_view segment, std::vector<WordToken>& tokens) const {
    const auto size = static_cast<uint32_t>(segment.size());
    if (const auto id = pieces_.find(segment)) {
      tokens.push_back({*id, size});
      return;
    }
    if (byte_fallback_) {
      std::vector<WordToken> bytes;
      for (const char byte : segment) {
        const auto id = pieces_.find(byte_piece(static_cast<unsigned char>(byte)));
        if (!id) break;
        bytes.push_back({*id, 1});
      }
      if (bytes.size() == segment.size()) {
        tokens.insert(tokens.end(), bytes.begin(), bytes.end());
        return;
      }
    }
    if (unknown_ < 0) missing(segment);
    tokens.push_back({unknown_, size});
  }

  JsonPlace place_;
  PieceTable pieces_;
  std::vector<std::string> texts_;
  std::vector<double> scores_;
  std::vector<int64_t> ends_{-1};  ///< of each node of the trie, the piece that ends there; −1
  NumberMap<uint32_t> edges_{0};
  double unknown_score_ = 0;
  int64_t unknown_ = -1;
  bool byte_fallback_ = false;
};

}  // namespace

std::unique_ptr<TokenModel> read_unigram(const JsonPart& part) {
  return std::make_unique<Unigram>(part);
}

}  // namespace explaind
