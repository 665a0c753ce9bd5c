#include "checkpoint/step_name.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <string_view>
#include <vector>

namespace explaind {
namespace {

/// A run of letters or of digits, or one other character.
struct Word {
  enum class Kind { letters, digits, mark } kind;
  std::string text;
  bool used = false;  ///< part of the step, or of something that grows with it
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || static_cast<unsigned char>(c) >= 0x80;  // other scripts: letters
}

std::vector<Word> split(const std::string& name) {
  std::vector<Word> words;
  for (const char original : name) {
    const char c =
        original >= 'A' && original <= 'Z' ? static_cast<char>(original - 'A' + 'a') : original;
    const Word::Kind kind = is_digit(c)    ? Word::Kind::digits
                            : is_letter(c) ? Word::Kind::letters
                                           : Word::Kind::mark;
    if (words.empty() || kind == Word::Kind::mark || words.back().kind != kind) {
      words.push_back({.kind = kind, .text = {}});
    }
    words.back().text += c;
  }
  return words;
}

template <size_t N>
bool one_of(const std::string& text, const std::array<std::string_view, N>& known) {
  return std::find(known.begin(), known.end(), text) != known.end();
}

constexpr std::array<std::string_view, 12> step_words{
    "step", "steps",      "iter", "iters", "iteration", "iterations",
    "ckpt", "checkpoint", "ckp",  "chkpt", "update",    "updates"};
constexpr std::array<std::string_view, 2> token_words{"token", "tokens"};
constexpr std::array<std::string_view, 7> token_units{"b", "t", "m", "bt", "mt", "tt", "btokens"};
constexpr std::array<std::string_view, 3> epoch_words{"epoch", "epochs", "ep"};
/// With a number or a name of their own, the same in all checkpoints of a series.
constexpr std::array<std::string_view, 4> part_words{"phase", "stage", "seed", "ingredient"};
constexpr std::array<std::string_view, 5> form_words{"hf", "ckpt", "checkpoint", "unsharded",
                                                     "converted"};

class NameReader {
 public:
  explicit NameReader(const std::string& name) : words_(split(name)) {}

  StepName read() {
    const bool digits = std::any_of(words_.begin(), words_.end(), [](const Word& word) {
      return word.kind == Word::Kind::digits;
    });
    if (!digits) return {};
    find_steps();
    if (steps_.empty()) {
      return doubt("no step is in it (as in step-1000, checkpoint-1000 or iter_1000)");
    }
    for (const Step& step : steps_) {
      if (!step.value) return doubt("its step number does not fit 64 bits");
      if (step.may_be_time) {
        return doubt(fmt::format("{} may be a date or a time, or the step", *step.value));
      }
      if (*step.value == *steps_[0].value) continue;
      return doubt(fmt::format("it holds two numbers that may be the step, {} and {}",
                               *steps_[0].value, *step.value));
    }
    mark_what_grows();
    const size_t rest = first_unknown();
    if (rest < words_.size()) {
      return doubt(fmt::format("understood is step {}, but not \"{}\" after it", *steps_[0].value,
                               text_from(rest)));
    }
    return {.step = steps_[0].value, .context = context(), .doubt = {}, .likely = {}};
  }

 private:
  struct Step {
    std::optional<int64_t> value;
    size_t end;  ///< the word after it
    bool may_be_time;
  };

  [[nodiscard]] bool is(size_t i, Word::Kind kind) const {
    return i < words_.size() && words_[i].kind == kind;
  }
  template <size_t N>
  [[nodiscard]] bool is(size_t i, const std::array<std::string_view, N>& known) const {
    return is(i, Word::Kind::letters) && one_of(words_[i].text, known);
  }
  /// One of - _ = stands between a word and its number at most.
  [[nodiscard]] size_t after_joint(size_t i) const {
    return is(i, Word::Kind::mark) && words_[i].text.find_first_of("-_=") == 0 ? i + 1 : i;
  }
  /// The end of a decimal number (1, 1.5) that begins at i; i where none does.
  [[nodiscard]] size_t after_number(size_t i) const {
    if (!is(i, Word::Kind::digits)) return i;
    const bool point = is(i + 1, Word::Kind::mark) && words_[i + 1].text == ".";
    return point && is(i + 2, Word::Kind::digits) ? i + 3 : i + 1;
  }
  void use(size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) words_[i].used = true;
  }

  StepName doubt(std::string text) const {
    StepName name;
    name.doubt = std::move(text);
    if (!steps_.empty() && !number_goes_on()) name.likely = steps_.back().value;
    return name;
  }

  /// Whether what follows the step may be more of its number (1.5k, 1,000, 1_000, 1e3), or two
  /// numbers may be the step: then none is the likely one.
  [[nodiscard]] bool number_goes_on() const {
    for (const Step& step : steps_) {
      if (step.value != steps_[0].value) return true;
    }
    const size_t end = steps_.back().end;
    const bool joined = is(end, Word::Kind::mark) && is(end + 1, Word::Kind::digits);
    const bool exponent = is(end, Word::Kind::letters) && words_[end].text == "e";
    return joined || exponent;
  }

  /// 20260120, 20260120153000, or seconds or milliseconds since 1970: no training has as many
  /// steps.
  static bool reads_as_time(const std::string& digits) {
    const auto part = [&](size_t at) { return std::stoi(digits.substr(at, 2)); };
    switch (digits.size()) {
      case 8:
      case 12:
      case 14:
        return (digits.starts_with("19") || digits.starts_with("20")) && part(4) >= 1 &&
               part(4) <= 12 && part(6) >= 1 && part(6) <= 31;
      case 10:
      case 13:
        return digits[0] == '1' && digits[1] >= '4';
      default:
        return false;
    }
  }

  /// A number alone is the step; else WORD[-_=]DIGITS[k|m], wherever they stand.
  void find_steps() {
    if (words_.size() == 1) {
      use(0, 1);
      steps_.push_back({parse_step(words_[0].text), 1, reads_as_time(words_[0].text)});
    }
    for (size_t i = 0; i < words_.size(); ++i) {
      if (!is(i, step_words)) continue;
      const size_t number = after_joint(i + 1);
      if (!is(number, Word::Kind::digits)) continue;
      size_t end = number + 1;
      int64_t factor = 1;
      if (is(end, Word::Kind::letters) && (words_[end].text == "k" || words_[end].text == "m")) {
        factor = words_[end].text == "k" ? 1000 : 1000000;
        ++end;
      }
      std::optional<int64_t> value = parse_step(words_[number].text);
      if (value && *value > std::numeric_limits<int64_t>::max() / factor) value.reset();
      if (value) value = *value * factor;
      use(i, end);
      steps_.push_back({value, end, reads_as_time(words_[number].text)});
    }
  }

  /// Counts of tokens after the step (or with their word), and epochs.
  void mark_what_grows() {
    for (size_t i = 0; i < words_.size(); ++i) {
      if (words_[i].used) continue;
      if (is(i, epoch_words)) {
        const size_t number = after_joint(i + 1), end = after_number(number);
        if (end > number) use(i, end);
      } else if (is(i, token_words)) {
        const size_t number = after_joint(i + 1);
        size_t end = after_number(number);
        if (end == number) continue;
        if (is(end, token_units)) ++end;
        use(i, end);
      } else if (i >= steps_.back().end && is(i, Word::Kind::digits)) {
        const size_t unit = after_number(i);
        if (is(unit, token_units)) use(i, unit + 1);
      }
    }
  }

  /// The first word after the step that is neither known nor a single joint between known ones.
  [[nodiscard]] size_t first_unknown() const {
    size_t i = steps_.back().end;
    size_t begin = i;  // of what an unknown word is shown with: the joint before it
    while (i < words_.size()) {
      if (words_[i].used || is(i, form_words)) {
        begin = ++i;
      } else if (is(i, Word::Kind::mark) && words_[i].text.find_first_of("-_") == 0 &&
                 i + 1 < words_.size() && !is(i + 1, Word::Kind::mark)) {
        begin = i++;
      } else if (is(i, part_words)) {
        const size_t value = after_joint(i + 1);
        if (value >= words_.size() || is(value, Word::Kind::mark)) return begin;
        begin = i = value + 1;
      } else {
        return begin;
      }
    }
    return i;
  }

  [[nodiscard]] std::string text_from(size_t begin) const {
    std::string text;
    for (size_t i = begin; i < words_.size(); ++i) text += words_[i].text;
    return text;
  }
  [[nodiscard]] std::string context() const {
    std::string text;
    for (const Word& word : words_) text += word.used ? "" : word.text;
    return text;
  }

  std::vector<Word> words_;
  std::vector<Step> steps_;
};

}  // namespace

std::optional<int64_t> parse_step(std::string_view text) {
  int64_t step = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), step);
  if (code != std::errc{} || end != text.data() + text.size() || step < 0 || text[0] == '-') {
    return std::nullopt;
  }
  return step;
}

StepName read_step_name(const std::string& name) { return NameReader(name).read(); }

}  // namespace explaind
