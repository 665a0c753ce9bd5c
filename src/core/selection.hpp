#pragma once
// One grammar for choosing entries by name or number, wherever the program lets a user choose.

#include <optional>
#include <string>
#include <vector>

namespace explaind {

/// "de|fr" alternatives, "0:99" a range of numbers with both its ends (either may be left out),
/// "*.mlp.*" a pattern; `\` makes an ordinary character of the one that follows: "a\|b".
///
///     Selection chosen("0:2|7", "--select", "layer=");
///     chosen.among({"0", "1", "2", "3", "7"}, true)  ->  1 1 1 0 1
class Selection {
 public:
  /// option and name say in messages what is chosen: "--select", "layer=". Throws UsageError: a
  /// lone
  /// `\` at the end, a range whose ends are no numbers or the wrong way round.
  Selection(const std::string& text, std::string option, std::string name);

  struct Alternative {
    std::string written;              ///< as the user has it
    std::vector<std::string> pieces;  ///< what stands between stars; a single one: the value itself
    bool range = false;
    std::optional<double> low, high;  ///< of a range

    /// number: the value is one, and 7 is also 7.0.
    [[nodiscard]] bool matches(const std::string& value, bool number) const;
  };
  [[nodiscard]] const std::vector<Alternative>& alternatives() const { return alternatives_; }

  /// Which of the values are chosen. Throws DataError naming an alternative that none of them has,
  /// and what there is.
  [[nodiscard]] std::vector<bool> among(const std::vector<std::string>& values, bool number) const;
  /// The same of stretches from one number to another: a value chooses the one that ends there, a
  /// range those that lie within it.
  [[nodiscard]] std::vector<bool> among_stretches(const std::vector<std::string>& from,
                                                  const std::vector<std::string>& to) const;

 private:
  [[noreturn]] void nothing_has(const Alternative& alternative,
                                const std::vector<std::string>& values) const;

  std::string option_, name_;
  std::vector<Alternative> alternatives_;
};

/// The parts of a text between separators, less those after a `\`, which stays where it is.
std::vector<std::string> split_unescaped(const std::string& text, char separator);

/// A value as a selection has to spell it: "a\|b" of "a|b".
std::string escaped(const std::string& value);

}  // namespace explaind
