// Byte pair encoding: the symbols of a word are merged pair by pair, the earliest learnt merge
// first.

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "tokenizers/characters.hpp"
#include "tokenizers/number_map.hpp"
#include "tokenizers/piece_table.hpp"
#include "tokenizers/token_model.hpp"

namespace explaind {
namespace {

struct MergeRule {
  uint32_t rank;  ///< the smallest is first
  uint32_t made;  ///< id of what the two become
};

uint64_t pair_of(int64_t left, int64_t right) {
  return static_cast<uint64_t>(left) << 32 | static_cast<uint64_t>(right);
}

/// The symbols of one word while they are merged.
class MergingWord {
 public:
  void clear() {
    symbols_.clear();
    queue_.clear();
  }
  void add(int64_t id, size_t size) {
    const auto at = static_cast<int32_t>(symbols_.size());
    if (at > 0) symbols_.back().next = at;
    symbols_.push_back({static_cast<uint32_t>(id), at - 1, -1, static_cast<uint32_t>(size)});
  }

  /// O(n log n). A candidate that was overtaken by another merge is passed over, unless what
  /// stands there now becomes the same piece: so does the library.
  void merge(const NumberMap<MergeRule>& rules) {
    for (int32_t at = 0; at + 1 < static_cast<int32_t>(symbols_.size()); ++at) {
      if (const MergeRule* rule = rule_at(rules, at))
        queue_.push_back({rule->rank, at, rule->made});
    }
    std::make_heap(queue_.begin(), queue_.end(), later);
    while (!queue_.empty()) {
      std::pop_heap(queue_.begin(), queue_.end(), later);
      const Candidate top = queue_.back();
      queue_.pop_back();
      Symbol& left = symbols_[static_cast<size_t>(top.at)];
      if (left.size == 0 || left.next < 0) continue;
      const MergeRule* rule = rule_at(rules, top.at);
      if (rule == nullptr || rule->made != top.made) continue;
      Symbol& right = symbols_[static_cast<size_t>(left.next)];
      left.id = top.made;
      left.size += right.size;
      left.next = right.next;
      right.size = 0;
      if (left.next >= 0) symbols_[static_cast<size_t>(left.next)].previous = top.at;
      if (left.previous >= 0) push(rules, left.previous);
      if (left.next >= 0) push(rules, top.at);
    }
  }

  void take(std::vector<WordToken>& tokens) const {
    for (const Symbol& symbol : symbols_) {
      if (symbol.size != 0) tokens.push_back({symbol.id, symbol.size});
    }
  }

 private:
  struct Symbol {
    uint32_t id;
    int32_t previous, next;  ///< −1: none
    uint32_t size;           ///< bytes; 0: merged into one before
  };
  struct Candidate {
    uint32_t rank;
    int32_t at;
    uint32_t made;
  };
  static bool later(const Candidate& a, const Candidate& b) {
    return a.rank != b.rank ? a.rank > b.rank : a.at > b.at;
  }
  [[nodiscard]] const MergeRule* rule_at(const NumberMap<MergeRule>& rules, int32_t at) const {
    const Symbol& left = symbols_[static_cast<size_t>(at)];
    return rules.find(pair_of(left.id, symbols_[static_cast<size_t>(left.next)].id));
  }
  void push(const NumberMap<MergeRule>& rules, int32_t at) {
    const MergeRule* rule = rule_at(rules, at);
    if (rule == nullptr) return;
    queue_.push_back({rule->rank, at, rule->made});
    std::push_heap(queue_.begin(), queue_.end(), later);
  }

  std::vector<Symbol> symbols_;
  std::vector<Candidate> queue_;
};

class Bpe final : public TokenModel {
 public:
  explicit Bpe(const JsonPart& part) : place_(part.place()) {
    part.allow_only({"type", "dropout", "unk_token", "continuing_subword_prefix",
                     "end_of_word_suffix", "fuse_unk", "byte_fallback", "ignore_merges", "vocab",
                     "merges"});
    const JsonPart dropout = part.at("dropout");
    if (!dropout.is_null() && dropout.value() != 0) {
      dropout.refuse("makes tokens by chance, which is not covered");
    }
    if (!part.at("unk_token").is_null()) unknown_ = part.at("unk_token").text();
    prefix_ = part.at("continuing_subword_prefix").text_or("");
    suffix_ = part.at("end_of_word_suffix").text_or("");
    fuse_unknown_ = part.at("fuse_unk").boolean_or(false);
    byte_fallback_ = part.at("byte_fallback").boolean_or(false);
    ignore_merges_ = part.at("ignore_merges").boolean_or(false);
    read_pieces(part.at("vocab"));
    read_merges(part.at("merges"));
  }

  void encode(std::string_view word, std::vector<WordToken>& tokens) const override {
    if (ignore_merges_) {
      if (const auto id = pieces_.find(word)) {
        tokens.push_back({*id, static_cast<uint32_t>(word.size())});
        return;
      }
    }
    thread_local MergingWord merging;
    merging.clear();
    begin(word, merging);
    merging.merge(rules_);
    merging.take(tokens);
  }

  [[nodiscard]] std::optional<int64_t> id_of(const std::string& piece) const override {
    return pieces_.find(piece);
  }
  [[nodiscard]] std::string piece(int64_t id) const override {
    const auto found = texts_.find(id);
    return found == texts_.end() ? "" : *found->second;
  }
  [[nodiscard]] size_t size() const override { return pieces_.size(); }
  [[nodiscard]] std::string name() const override { return "BPE"; }

 private:
  void read_pieces(const JsonPart& vocabulary) {
    if (!vocabulary.value().is_object()) vocabulary.refuse("must be an object of pieces and ids");
    pieces_.reserve(vocabulary.value().size());
    for (const auto& [piece, id] : vocabulary.value().items()) {
      const bool fits = id.is_number_unsigned() && id.get<uint64_t>() <= UINT32_MAX;
      pieces_.set(piece, fits ? id.get<int64_t>() : vocabulary.at(piece).id());
    }
    for (const auto& [piece, id] : pieces_) {
      const auto [other, fresh] = texts_.emplace(id, &piece);
      if (!fresh) {
        vocabulary.refuse(fmt::format("gives the id {} to \"{}\" and to \"{}\"", id,
                                      std::min(*other->second, piece),
                                      std::max(*other->second, piece)));
      }
      if (decode_whole(piece) && decode(piece, 0).point < small_.size()) {
        small_[decode(piece, 0).point] = id;
      }
    }
  }
  static bool decode_whole(const std::string& piece) {
    return !piece.empty() && decode(piece, 0).size == piece.size();
  }

  void read_merges(const JsonPart& merges) {
    if (!merges.value().is_array()) merges.refuse("must be a list of pairs");
    const auto& list = merges.value();
    rules_ = NumberMap<MergeRule>(list.size());
    uint32_t rank = 0;
    for (size_t i = 0; i < list.size(); ++i) {
      const auto refuse = [&](const std::string& problem) { merges.items()[i].refuse(problem); };
      std::string left, right;
      if (list[i].is_string()) {
        const std::string& line = list[i].get_ref<const std::string&>();
        if (line.starts_with("#version")) continue;
        const size_t blank = line.find(' ');
        if (blank == std::string::npos || line.find(' ', blank + 1) != std::string::npos) {
          refuse("is no pair: two pieces with a blank between them");
        }
        left = line.substr(0, blank);
        right = line.substr(blank + 1);
      } else if (list[i].is_array() && list[i].size() == 2 && list[i][0].is_string() &&
                 list[i][1].is_string()) {
        left = list[i][0].get<std::string>();
        right = list[i][1].get<std::string>();
      } else {
        refuse("is no pair of pieces");
      }
      if (right.size() < prefix_.size()) refuse("is shorter than continuing_subword_prefix");
      const std::string made = left + right.substr(std::min(prefix_.size(), right.size()));
      for (const std::string& piece : {left, right, made}) {
        if (!pieces_.find(piece)) {
          refuse(fmt::format("names \"{}\", which is no piece of the vocabulary", piece));
        }
      }
      rules_.set(pair_of(*pieces_.find(left), *pieces_.find(right)),
                 {rank++, static_cast<uint32_t>(*pieces_.find(made))});
    }
  }

  [[nodiscard]] std::optional<int64_t> id_of_symbol(std::string_view symbol, bool first,
                                                    bool last) const {
    if ((first || prefix_.empty()) && (!last || suffix_.empty())) {
      const char32_t point = decode(symbol, 0).point;
      if (point < small_.size()) {
        if (small_[point] < 0) return std::nullopt;
        return small_[point];
      }
      return pieces_.find(symbol);
    }
    return pieces_.find((first ? "" : prefix_) + std::string(symbol) + (last ? suffix_ : ""));
  }

  /// The symbols that the merges begin with: characters, bytes, or the unknown piece.
  void begin(std::string_view word, MergingWord& merging) const {
    struct Unknown {
      int64_t id;
      size_t size;
    };
    std::optional<Unknown> pending;
    const auto flush = [&] {
      if (pending) merging.add(pending->id, pending->size);
      pending.reset();
    };
    for (size_t at = 0; at < word.size();) {
      const size_t size = decode(word, at).size;
      const bool first = at == 0, last = at + size == word.size();
      const std::string_view symbol = word.substr(at, size);
      at += size;
      if (const auto id = id_of_symbol(symbol, first, last)) {
        flush();
        merging.add(*id, size);
        continue;
      }
      // A pending unknown piece stays pending over bytes, and follows them: so does the library.
      if (byte_fallback_ && add_bytes(symbol, first, last, merging)) continue;
      if (!unknown_) continue;
      if (pending && fuse_unknown_) {
        pending->size += size;
        continue;
      }
      flush();
      const auto id = pieces_.find(*unknown_);
      if (!id) {
        place_.refuse(fmt::format(
            "has the unk_token \"{}\", which is no piece, and a text needs it", *unknown_));
      }
      pending = Unknown{*id, size};
    }
    flush();
  }

  bool add_bytes(std::string_view symbol, bool first, bool last, MergingWord& merging) const {
    const std::string whole = (first ? "" : prefix_) + std::string(symbol) + (last ? suffix_ : "");
    std::vector<int64_t> ids;
    for (const char byte : whole) {
      const auto id = pieces_.find(byte_piece(static_cast<unsigned char>(byte)));
      if (!id) return false;
      ids.push_back(*id);
    }
    for (const int64_t id : ids) merging.add(id, 1);
    return true;
  }

  JsonPlace place_;
  PieceTable pieces_;
  std::unordered_map<int64_t, const std::string*> texts_;
  NumberMap<MergeRule> rules_{0};
  std::vector<int64_t> small_ = std::vector<int64_t>(0x180, -1);  ///< ids of small characters
  std::optional<std::string> unknown_;
  std::string prefix_, suffix_;
  bool fuse_unknown_ = false, byte_fallback_ = false, ignore_merges_ = false;
};

}  // namespace

std::unique_ptr<TokenModel> read_bpe(const JsonPart& part) { return std::make_unique<Bpe>(part); }

}  // namespace explaind
