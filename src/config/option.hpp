#pragma once
// One option of a verb, declared once: from the declarations come parsing, INI keys, --help and the
// resolved configuration.

#include <functional>
#include <string>
#include <vector>

namespace explaind {

/// identity: changes the numbers, hashed into the store. execution: may differ between runs of one
/// store. command: only on the command line, never in an INI file.
enum class Role { identity, execution, command };

std::string to_string(Role role);

struct Option {
  std::string name;   ///< the long option and the INI key
  std::string value;  ///< what is given, with its unit: "N samples"; empty for a flag
  std::string help;
  Role role = Role::execution;
  std::function<void(const std::string&)> set;  ///< throws UsageError for an impossible value
  std::function<std::string()> get;             ///< the present value as text; "" where unset
  bool required = false;
  bool list = false;  ///< may be given several times
  /// Left out of the resolved configuration where it is empty: stores that were made before it was
  /// an option are of the same configuration.
  bool silent = false;

  [[nodiscard]] bool flag() const { return value.empty(); }
};

/// The options of one verb, bound to a struct that outlives this.
using OptionTable = std::vector<Option>;

/// One line of the resolved configuration.
struct ResolvedOption {
  std::string key, value;
  Role role;
};
std::vector<ResolvedOption> resolved(const OptionTable& table);

/// Lines of --help: name, meaning, default; at most 100 columns.
std::string help_text(const std::string& usage, const std::string& summary,
                      const OptionTable& table);

}  // namespace explaind
