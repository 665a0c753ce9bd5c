#include "checkpoint/step_name.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
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
  for (const char c : small_letters(name)) {
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

constexpr std::array<std::string_view, 15> step_words{
    "step",  "steps", "globalstep", "iter",        "iters", "iteration", "iterations", "ckpt",
    "ckpts", "ckp",   "checkpoint", "checkpoints", "chkpt", "update",    "updates"};
/// Steps where no other word says them; a batch's size may stand beside one that does.
constexpr std::array<std::string_view, 3> weak_step_words{"batch", "batches", "ba"};
constexpr std::array<std::string_view, 2> token_words{"token", "tokens"};
constexpr std::array<std::string_view, 3> epoch_words{"epoch", "epochs", "ep"};
/// With a number or a name of their own, the same in all checkpoints of a part of the training.
constexpr std::array<std::string_view, 3> part_words{"phase", "stage", "ingredient"};
constexpr std::array<std::string_view, 2> seed_words{"seed", "seeds"};
constexpr std::array<std::string_view, 6> form_words{"hf",        "ckpt",      "checkpoint",
                                                     "unsharded", "universal", "converted"};

/// Tokens of a unit; nothing where it is none. `named`: the word token stands beside it, so that
/// thousands are meant where a k stands.
std::optional<double> token_unit(const std::string& unit, bool named) {
  struct Unit {
    std::string_view text;
    double tokens;
  };
  constexpr std::array<Unit, 10> units{{{"b", 1e9},
                                        {"bt", 1e9},
                                        {"btoken", 1e9},
                                        {"btokens", 1e9},
                                        {"t", 1e12},
                                        {"tt", 1e12},
                                        {"ttokens", 1e12},
                                        {"m", 1e6},
                                        {"mt", 1e6},
                                        {"mtokens", 1e6}}};
  for (const Unit& each : units) {
    if (each.text == unit) return each.tokens;
  }
  return named && unit == "k" ? std::optional(1e3) : std::nullopt;
}

std::optional<int64_t> tokens_of(const std::string& number, double unit) {
  if (number.find('.') == std::string::npos) {  // all digits of it
    const std::optional<int64_t> whole = parse_step(number);
    const auto factor = static_cast<int64_t>(unit);
    if (!whole || *whole > std::numeric_limits<int64_t>::max() / factor) return std::nullopt;
    return *whole * factor;
  }
  const double tokens = std::stod(number) * unit;
  if (!(tokens < 9e18)) return std::nullopt;
  return std::llround(tokens);
}

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
    mark_seed();
    mark_what_grows();
    if (!doubt_of_tokens_.empty()) return doubt(doubt_of_tokens_);
    const size_t rest = first_unknown();
    if (rest < words_.size()) {
      return doubt(fmt::format("understood is step {}, but not \"{}\" after it", *steps_[0].value,
                               text_from(rest)));
    }
    return {.step = steps_[0].value,
            .part = part(),
            .seed = seed_,
            .tokens = tokens_,
            .doubt = {},
            .likely = {}};
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
    find_steps_with(step_words);
    if (steps_.empty()) find_steps_with(weak_step_words);
  }
  template <size_t N>
  void find_steps_with(const std::array<std::string_view, N>& known) {
    for (size_t i = 0; i < words_.size(); ++i) {
      if (!is(i, known)) continue;
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

  /// A seed's name, wherever it stands: a number, or words until one that is known.
  void mark_seed() {
    for (size_t i = 0; i < words_.size(); ++i) {
      if (words_[i].used || !is(i, seed_words)) continue;
      const size_t begin = after_joint(i + 1);
      size_t end = begin;
      if (is(begin, Word::Kind::digits)) {
        end = begin + 1;
      } else {
        while (is_seed_word(end)) {
          ++end;
          if (is(end, Word::Kind::mark) && after_joint(end) == end + 1 && is_seed_word(end + 1)) {
            ++end;
          }
        }
      }
      if (end == begin) continue;
      for (size_t k = begin; k < end; ++k) seed_ += words_[k].text;
      use(i, end);
    }
  }
  [[nodiscard]] bool is_seed_word(size_t i) const {
    if (i >= words_.size() || words_[i].used || is(i, Word::Kind::mark)) return false;
    if (is(i, Word::Kind::digits) && is(i + 1, Word::Kind::letters) &&
        token_unit(words_[i + 1].text, false)) {
      return false;
    }
    return !is(i, step_words) && !is(i, token_words) && !is(i, epoch_words) && !is(i, part_words) &&
           !is(i, form_words) && !is(i, seed_words);
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
        const size_t end = after_number(number);
        if (end == number) continue;
        const bool unit = is(end, Word::Kind::letters) && token_unit(words_[end].text, true);
        take_tokens(number, end, unit ? *token_unit(words_[end].text, true) : 1);
        use(i, unit ? end + 1 : end);
      } else if (is(i, Word::Kind::digits)) {
        mark_tokens_before_their_word(i);
      }
    }
  }
  /// 503b, 2BT, 5B-tokens, 1000_tokens: after the step, or with the word after them.
  void mark_tokens_before_their_word(size_t i) {
    const size_t end = after_number(i);
    const bool letters = is(end, Word::Kind::letters);
    const size_t behind_unit = after_joint(letters ? end + 1 : end);
    const bool named = is(behind_unit, token_words) && !words_[behind_unit].used &&
                       after_number(after_joint(behind_unit + 1)) == after_joint(behind_unit + 1);
    const std::optional<double> unit = letters ? token_unit(words_[end].text, named) : std::nullopt;
    if (unit && (i >= steps_.back().end || named)) {
      take_tokens(i, end, *unit);
      use(i, named ? behind_unit + 1 : end + 1);
    } else if (named && !letters) {
      take_tokens(i, end, 1);
      use(i, behind_unit + 1);
    }
  }
  void take_tokens(size_t begin, size_t end, double unit) {
    std::string number;
    for (size_t i = begin; i < end; ++i) number += words_[i].text;
    const std::optional<int64_t> tokens = explaind::tokens_of(number, unit);
    if (!tokens) {
      doubt_of_tokens_ = "its count of tokens does not fit 64 bits";
    } else if (tokens_ && *tokens_ != *tokens) {
      doubt_of_tokens_ =
          fmt::format("understood is step {}, but it holds two counts of tokens, {} and {}",
                      *steps_[0].value, *tokens_, *tokens);
    }
    tokens_ = tokens;
  }

  /// The first word after the step that is neither known nor a single joint between known ones.
  [[nodiscard]] size_t first_unknown() const {
    size_t i = steps_.back().end;
    size_t begin = i;  // of what an unknown word is shown with: the joint before it
    while (i < words_.size()) {
      if (words_[i].used || is(i, form_words)) {
        begin = ++i;
      } else if (is(i, Word::Kind::mark) && words_[i].text.find_first_of("-_/") == 0 &&
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
  /// What is not used, each joint once and none at the ends.
  [[nodiscard]] std::string part() const {
    std::string text;
    char joint = 0;
    for (const Word& word : words_) {
      if (word.used || (word.kind == Word::Kind::mark && is_joint(word.text[0]))) {
        if (joint == 0) joint = word.used ? '-' : word.text[0];
        continue;
      }
      if (!text.empty() && joint != 0) text += joint;
      joint = 0;
      text += word.text;
    }
    return text;
  }
  static bool is_joint(char c) { return c == '-' || c == '_' || c == '/' || c == '='; }

  std::vector<Word> words_;
  std::vector<Step> steps_;
  std::string seed_, doubt_of_tokens_;
  std::optional<int64_t> tokens_;
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

std::optional<int64_t> parse_short_step(std::string_view text) {
  int64_t factor = 1;
  if (!text.empty() && (text.back() == 'k' || text.back() == 'K')) factor = 1000;
  if (!text.empty() && (text.back() == 'm' || text.back() == 'M')) factor = 1000000;
  if (factor > 1) text.remove_suffix(1);
  const std::optional<int64_t> step = parse_step(text);
  if (!step || *step > std::numeric_limits<int64_t>::max() / factor) return std::nullopt;
  return *step * factor;
}

std::optional<int64_t> parse_tokens(std::string_view text) {
  const size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
  const std::string number(text.substr(0, digits));
  const size_t point = number.find('.');
  if (number.empty() || point == 0 || point + 1 == number.size() ||
      (point != std::string::npos && number.find('.', point + 1) != std::string::npos)) {
    return std::nullopt;
  }
  const std::string unit = small_letters(text.substr(digits));
  const std::optional<double> factor = unit.empty() ? 1 : token_unit(unit, true);
  return factor ? tokens_of(number, *factor) : std::nullopt;
}

std::string small_letters(std::string_view text) {
  std::string small(text);
  for (char& c : small) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return small;
}

StepName read_step_name(const std::string& name) { return NameReader(name).read(); }

}  // namespace explaind
