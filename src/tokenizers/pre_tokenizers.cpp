#include "tokenizers/pre_tokenizers.hpp"

#include <fmt/format.h>

#include <functional>
#include <utility>

#include "tokenizers/byte_alphabet.hpp"
#include "tokenizers/characters.hpp"
#include "tokenizers/read_pattern.hpp"

namespace explaind {
namespace {

AtMatches read_behavior(const JsonPart& part) {
  const std::pair<const char*, AtMatches> known[] = {
      {"Removed", AtMatches::removed},
      {"Isolated", AtMatches::isolated},
      {"MergedWithPrevious", AtMatches::merged_with_previous},
      {"MergedWithNext", AtMatches::merged_with_next},
      {"Contiguous", AtMatches::contiguous}};
  const std::string name = part.text();
  for (const auto& [each, behavior] : known) {
    if (name == each) return behavior;
  }
  part.refuse(fmt::format("is \"{}\", which is not known", name));
}

/// Parts of a text by what each character is; those for which `match` holds are matches of one
/// character each.
template <typename Match>
std::vector<MatchedPart> characters_that(std::string_view text, Match match) {
  std::vector<MatchedPart> parts;
  size_t done = 0;
  for (size_t at = 0; at < text.size();) {
    const Decoded next = decode(text, at);
    if (match(next.point)) {
      if (done < at) parts.push_back({done, at, false});
      done = at + next.size;
      parts.push_back({at, done, true});
    }
    at += next.size;
  }
  if (done < text.size()) parts.push_back({done, text.size(), false});
  return parts;
}

class CutAtCharacters final : public PreTokenizer {
 public:
  using Match = std::function<bool(char32_t)>;
  CutAtCharacters(Match match, AtMatches at) : match_(std::move(match)), at_(at) {}
  void apply(Pieces& pieces) const override {
    pieces.cut([this](std::string_view text) { return characters_that(text, match_); }, at_);
  }

 private:
  Match match_;
  AtMatches at_;
};

/// Runs of letters of words and runs of what is neither they nor white space, as the pattern
/// \w+|[^\w\s]+ of the regular expressions that the library has for itself.
class Words final : public PreTokenizer {
 public:
  void apply(Pieces& pieces) const override {
    pieces.cut(
        [](std::string_view text) {
          std::vector<MatchedPart> parts;
          int before = -1;
          for (size_t at = 0; at < text.size();) {
            const Decoded next = decode(text, at);
            const bool blank = is(next.point, white_space_bit);
            const int kind = is(next.point, regex_word_bit) ? 1 : blank ? 0 : 2;
            if (kind == before) {
              parts.back().end = at + next.size;
            } else {
              parts.push_back({at, at + next.size, kind == 0});
            }
            before = kind;
            at += next.size;
          }
          return parts;
        },
        AtMatches::removed);
  }
};

class Split final : public PreTokenizer {
 public:
  explicit Split(const JsonPart& part)
      : place_(part.at("pattern").place()),
        pattern_(read_pattern(part.at("pattern"))),
        at_(read_behavior(part.at("behavior"))),
        invert_(part.at("invert").boolean()) {}
  void apply(Pieces& pieces) const override {
    pieces.cut(
        [this](std::string_view text) {
          std::vector<MatchedPart> parts = parts_of(pattern_, text, place_);
          for (MatchedPart& each : parts) each.match = each.match != invert_;
          return parts;
        },
        at_);
  }

 private:
  JsonPlace place_;
  Pattern pattern_;
  AtMatches at_;
  bool invert_;
};

/// GPT-2's words, with a blank before a text that has none where that is asked for.
class GptWords final : public PreTokenizer {
 public:
  GptWords(const JsonPart& part, bool add_blank, bool cut)
      : place_(part.place()), add_blank_(add_blank), cut_(cut) {}
  void apply(Pieces& pieces) const override {
    if (add_blank_) {
      pieces.change([](TrackedText& text) {
        if (text.text().starts_with(' ')) return false;
        TrackedEdit edit(text);
        edit.put(" ", 0, decode(text.text(), 0).size);
        edit.keep(0, text.text().size());
        text = edit.done();
        return true;
      });
    }
    if (!cut_) return;
    static const Pattern words = Pattern::of_expression(
        R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)");
    pieces.cut([this](std::string_view text) { return parts_of(words, text, place_); },
               AtMatches::isolated);
  }

 private:
  JsonPlace place_;
  bool add_blank_, cut_;
};

class ByteAlphabetStep final : public PreTokenizer {
 public:
  void apply(Pieces& pieces) const override {
    pieces.change([](TrackedText& text) {
      TrackedEdit edit(text);
      for (size_t i = 0; i < text.text().size(); ++i) {
        edit.put(in_byte_alphabet(text.text().substr(i, 1)), i, i + 1);
      }
      text = edit.done();
      return true;
    });
  }
};

/// SentencePiece's way: ▁ for a blank, one before the text, words that begin with it.
class Metaspace final : public PreTokenizer {
 public:
  enum class Before { never, first, always };

  explicit Metaspace(const JsonPart& part)
      : mark_(character(part.at("replacement").one_character())),
        cut_(part.at("split").boolean_or(true)) {
    const std::string scheme = part.at("prepend_scheme").text_or("always");
    before_ = scheme == "always"  ? Before::always
              : scheme == "first" ? Before::first
                                  : Before::never;
    if (before_ == Before::never && scheme != "never") {
      part.at("prepend_scheme").refuse(fmt::format("is \"{}\", which is not known", scheme));
    }
    if (!part.at("add_prefix_space").boolean_or(true) && before_ != Before::never) {
      part.at("add_prefix_space").refuse("is false, and prepend_scheme does not say \"never\"");
    }
  }

  void apply(Pieces& pieces) const override {
    pieces.change([this](TrackedText& text) {
      const std::string_view from = text.text();
      const bool first = text.origin(0, 0).begin == 0;
      const bool prepend = before_ == Before::always || (before_ == Before::first && first);
      const bool has = from.starts_with(mark_) || from.starts_with(' ');
      TrackedEdit edit(text);
      if (prepend && !has) edit.put(mark_, 0, decode(from, 0).size);
      for (size_t at = 0; at < from.size();) {
        const size_t blank = std::min(from.find(' ', at), from.size());
        if (blank > at) edit.keep(at, blank);
        if (blank < from.size()) edit.put(mark_, blank, blank + 1);
        at = blank + 1;
      }
      text = edit.done();
      return true;
    });
    if (!cut_) return;
    const char32_t mark = decode(mark_, 0).point;
    pieces.cut(
        [mark](std::string_view text) {
          return characters_that(text, [mark](char32_t c) { return c == mark; });
        },
        AtMatches::merged_with_next);
  }

 private:
  std::string mark_;
  bool cut_;
  Before before_;
};

class PreTokenizerReader {
 public:
  PreTokenization read(const JsonPart& part) {
    if (!part.is_null()) add(part);
    if (made_.byte_alphabet && !alphabet_is_last_) {
      made_.byte_alphabet = false;  // another step sees the characters
    }
    return std::move(made_);
  }

 private:
  template <typename Step, typename... Arguments>
  void step(Arguments&&... arguments) {
    if (alphabet_is_last_) made_.steps.push_back(std::make_unique<ByteAlphabetStep>());
    alphabet_is_last_ = false;
    made_.steps.push_back(std::make_unique<Step>(std::forward<Arguments>(arguments)...));
  }

  void add(const JsonPart& part) {
    const std::string type = part.type();
    if (type == "Sequence") {
      part.allow_only({"type", "pretokenizers"});
      for (const JsonPart& each : part.at("pretokenizers").items()) add(each);
    } else if (type == "ByteLevel") {
      part.allow_only({"type", "add_prefix_space", "trim_offsets", "use_regex"});
      step<GptWords>(part, part.at("add_prefix_space").boolean(),
                     part.at("use_regex").boolean_or(true));
      made_.byte_alphabet = alphabet_is_last_ = true;
    } else if (type == "Split") {
      part.allow_only({"type", "pattern", "behavior", "invert"});
      step<Split>(part);
    } else if (type == "Digits") {
      part.allow_only({"type", "individual_digits"});
      step<CutAtCharacters>(
          [](char32_t c) { return is(c, numeral_bit); },
          part.at("individual_digits").boolean() ? AtMatches::isolated : AtMatches::contiguous);
    } else if (type == "Punctuation") {
      part.allow_only({"type", "behavior"});
      const JsonPart behavior = part.at("behavior");
      step<CutAtCharacters>([](char32_t c) { return is(c, punctuation_bit); },
                            behavior.is_null() ? AtMatches::isolated : read_behavior(behavior));
    } else if (type == "WhitespaceSplit") {
      part.allow_only({"type"});
      step<CutAtCharacters>([](char32_t c) { return is(c, white_space_bit); }, AtMatches::removed);
    } else if (type == "Whitespace") {
      part.allow_only({"type"});
      step<Words>();
    } else if (type == "Metaspace") {
      part.allow_only(
          {"type", "replacement", "prepend_scheme", "add_prefix_space", "split", "str_rep"});
      step<Metaspace>(part);
    } else {
      part.refuse(fmt::format("is of the type \"{}\", which is not covered", type));
    }
  }

  PreTokenization made_;
  bool alphabet_is_last_ = false;
};

}  // namespace

PreTokenization read_pre_tokenizer(const JsonPart& part) { return PreTokenizerReader().read(part); }

}  // namespace explaind
