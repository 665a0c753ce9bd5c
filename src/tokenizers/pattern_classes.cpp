#include "tokenizers/pattern_classes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <map>
#include <sstream>
#include <stdexcept>
#include <vector>

#include "tokenizers/characters.hpp"

namespace explaind {
namespace {

using enum Category;

/// Short names in the order of Category.
constexpr std::string_view short_names =
    "lu ll lt lm lo mn mc me nd nl no pc pd ps pe pi pf po sm sc sk so zs zl zp cc cf co cn";
/// Long names, without _ - and blanks, after their short ones.
constexpr const char* long_names =
    "l letter lu uppercaseletter ll lowercaseletter lt titlecaseletter lm modifierletter "
    "lo otherletter lc casedletter m mark mn nonspacingmark mc spacingmark me enclosingmark "
    "n number nd decimalnumber nl letternumber no othernumber p punctuation "
    "pc connectorpunctuation pd dashpunctuation ps openpunctuation pe closepunctuation "
    "pi initialpunctuation pf finalpunctuation po otherpunctuation s symbol sm mathsymbol "
    "sc currencysymbol sk modifiersymbol so othersymbol z separator zs spaceseparator "
    "zl lineseparator zp paragraphseparator c other cc control cf format co privateuse "
    "cn unassigned";

/// General categories by the names that Oniguruma has for them, in lower case.
const std::map<std::string, std::vector<Category>>& categories_by_name() {
  static const std::map<std::string, std::vector<Category>> names = [] {
    std::map<std::string, std::vector<Category>> made{{"lc", {Lu, Ll, Lt}}};
    constexpr size_t step = 3;  // two letters and a blank
    for (size_t i = 0; i * step < short_names.size(); ++i) {
      const std::string name(short_names.substr(i * step, 2));
      made[name] = {static_cast<Category>(i)};
      made[name.substr(0, 1)].push_back(static_cast<Category>(i));
    }
    std::istringstream words(long_names);
    for (std::string of, name; words >> of >> name;) made[name] = made.at(of);
    return made;
  }();
  return names;
}

class Writer {
 public:
  explicit Writer(std::string_view pattern) : rest_(pattern) {}

  std::string write() {
    while (!rest_.empty()) {
      if (rest_[0] == '\\') {
        escape(/*in_class=*/false);
      } else if (rest_[0] == '[') {
        character_class();
      } else if (rest_[0] == '(') {
        open();
      } else if (rest_[0] == ')') {
        if (groups_.size() > 1) groups_.pop_back();
        copy(1);
      } else {
        literal();
      }
    }
    return std::move(out_);
  }

 private:
  [[noreturn]] static void refuse(const std::string& construct, const std::string& why) {
    throw std::invalid_argument(construct + ", " + why);
  }
  static constexpr const char* not_covered = "which is not covered";

  void copy(size_t count) {
    count = std::min(count, rest_.size());
    out_ += rest_.substr(0, count);
    rest_.remove_prefix(count);
  }
  [[nodiscard]] bool at(std::string_view text) const { return rest_.starts_with(text); }

  /// A character that stands for itself.
  void literal() {
    if (static_cast<unsigned char>(rest_[0]) >= 0x80U && ignores_case()) {
      refuse("a character beyond ASCII where case is ignored", not_covered);
    }
    copy(1);
  }

  [[nodiscard]] bool ignores_case() const { return groups_.back(); }

  void open() {
    if (at("(*")) refuse("(*…)", not_covered);
    if (!at("(?")) {
      groups_.push_back(groups_.back());
      return copy(1);
    }
    if (at("(?#")) {
      const size_t end = rest_.find(')');
      return copy(end == std::string_view::npos ? rest_.size() : end + 1);
    }
    for (const std::string_view kind : {"(?:", "(?=", "(?!", "(?>", "(?<=", "(?<!"}) {
      if (!at(kind)) continue;
      groups_.push_back(groups_.back());
      return copy(kind.size());
    }
    if (at("(?<")) {
      groups_.push_back(groups_.back());
      const size_t end = rest_.find('>');
      return copy(end == std::string_view::npos ? rest_.size() : end + 1);
    }
    options();
  }

  /// (?im-im) for the rest of its group, (?im-im:…) for its own.
  void options() {
    const size_t end = rest_.find_first_of(":)");
    const std::string_view given = rest_.substr(2, end == std::string_view::npos ? end : end - 2);
    bool ignore = groups_.back(), on = true;
    for (const char option : given) {
      if (option == '-') {
        on = false;
      } else if (option == 'i') {
        ignore = on;
      } else if (option != 'm') {
        refuse(fmt::format("(?{}", given), not_covered);
      }
    }
    if (end != std::string_view::npos && rest_[end] == ':') {
      groups_.push_back(ignore);
    } else {
      groups_.back() = ignore;
    }
    copy(end == std::string_view::npos ? rest_.size() : end + 1);
  }

  void character_class() {
    copy(1);
    if (at("^")) copy(1);
    if (at("]")) copy(1);  // it stands for itself here
    for (size_t depth = 1; depth > 0 && !rest_.empty();) {
      if (at("[:")) refuse("[:…:]", not_covered);
      if (rest_[0] == '\\') {
        escape(/*in_class=*/true);
      } else if (rest_[0] == '[') {
        ++depth;
        copy(1);
        if (at("^")) copy(1);
        if (at("]")) copy(1);
      } else if (rest_[0] == ']') {
        --depth;
        copy(1);
      } else {
        literal();
      }
    }
  }

  void escape(bool in_class) {
    if (rest_.size() < 2) return copy(1);
    const char letter = rest_[1];
    switch (letter) {
      case 'p':
      case 'P':
        return property();
      case 's':
      case 'S':
        return put(white_space_points(), letter == 'S', 2);
      case 'd':
      case 'D':
        return put(points_of({Nd}), letter == 'D', 2);
      case 'w':
      case 'W':
        refuse_where_case_is_ignored("\\w");
        return put(pattern_word_points(in_class), letter == 'W', 2);
      case 'b':
      case 'B':
        if (in_class) return copy(2);  // a backspace
        return boundary(letter == 'B');
      case 'X':
      case 'y':
      case 'Y':
      case 'M':
        refuse(fmt::format("\\{}", letter), not_covered);
      case 'x':
      case 'u':
        return number();
      case 'k':
      case 'g': {
        const size_t end = rest_.find('>');
        return copy(at(fmt::format("\\{}<", letter)) && end != std::string_view::npos ? end + 1
                                                                                      : 2);
      }
      default:
        copy(1);
        return static_cast<unsigned char>(letter) < 0x80U ? copy(1) : literal();
    }
  }

  /// \x41, \x{1F600}, \u1234.
  void number() {
    const bool braces = at("\\x{");
    size_t end = braces ? rest_.find('}') : 2;
    if (end == std::string_view::npos) return copy(rest_.size());
    const size_t most = rest_[1] == 'x' ? 4 : 6;
    while (!braces && end < std::min(most, rest_.size()) &&
           std::isxdigit(static_cast<unsigned char>(rest_[end])) != 0)
      ++end;
    if (braces) ++end;
    const std::string_view digits = rest_.substr(2, end - 2);
    const bool ascii =
        std::all_of(digits.begin(), digits.end(),
                    [](char c) {
                      return std::isxdigit(static_cast<unsigned char>(c)) != 0 || c == '{' ||
                             c == '}';
                    }) &&
        std::strtoul(std::string(digits.substr(braces ? 1 : 0)).c_str(), nullptr, 16) < 0x80;
    if (!ascii && ignores_case()) {
      refuse("a character beyond ASCII where case is ignored", not_covered);
    }
    copy(end);
  }

  void property() {
    const size_t end = rest_.find('}');
    if (rest_.size() < 3 || rest_[2] != '{' || end == std::string_view::npos) {
      refuse(std::string(rest_.substr(0, 3)), not_covered);
    }
    const std::string_view written = rest_.substr(0, end + 1);
    std::string_view inside = rest_.substr(3, end - 3);
    const bool caret = inside.starts_with('^');
    if (caret) inside.remove_prefix(1);
    std::string name;
    for (const char c : inside) {
      if (c == ' ' || c == '_' || c == '-') continue;
      name += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    const auto found = categories_by_name().find(name);
    if (found == categories_by_name().end()) refuse(std::string(written), not_covered);
    refuse_where_case_is_ignored(std::string(written));
    put(points_of(found->second), (rest_[1] == 'P') != caret, end + 1);
  }

  void refuse_where_case_is_ignored(const std::string& construct) const {
    if (ignores_case()) refuse(construct + " where case is ignored", not_covered);
  }

  static std::string class_of(const std::vector<CharacterRange>& ranges, bool negated) {
    std::string text = negated ? "[^" : "[";
    for (const CharacterRange& range : ranges) {
      text += fmt::format("\\x{{{:X}}}", static_cast<uint32_t>(range.first));
      if (range.last != range.first) {
        text += fmt::format("-\\x{{{:X}}}", static_cast<uint32_t>(range.last));
      }
    }
    return text + "]";
  }

  /// Inside a class too: classes nest, and a range cannot begin with one.
  void put(const std::vector<CharacterRange>& ranges, bool negated, size_t replaced) {
    out_ += class_of(ranges, negated);
    rest_.remove_prefix(replaced);
  }

  void boundary(bool negated) {
    refuse_where_case_is_ignored("\\b");
    const std::string word = class_of(pattern_word_points(false), false);
    out_ += negated ? fmt::format("(?:(?<={0})(?={0})|(?<!{0})(?!{0}))", word)
                    : fmt::format("(?:(?<={0})(?!{0})|(?<!{0})(?={0}))", word);
    rest_.remove_prefix(2);
  }

  std::string_view rest_;
  std::string out_;
  std::vector<bool> groups_{false};  ///< of each open group, whether case is ignored
};

}  // namespace

std::string with_classes_written_out(std::string_view pattern) { return Writer(pattern).write(); }

}  // namespace explaind
