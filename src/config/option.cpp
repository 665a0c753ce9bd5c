#include "config/option.hpp"

#include <fmt/format.h>

#include <sstream>

namespace explaind {
namespace {

constexpr size_t columns = 98, indent = 34;

/// Words of `text` filled into lines, all but the first indented.
std::string fill(const std::string& text) {
  std::istringstream words(text);
  std::string out, line;
  for (std::string word; words >> word;) {
    if (!line.empty() && indent + line.size() + 1 + word.size() > columns) {
      out += line + "\n" + std::string(indent, ' ');
      line.clear();
    }
    line += (line.empty() ? "" : " ") + word;
  }
  return out + line;
}

}  // namespace

std::string to_string(Role role) {
  return role == Role::identity ? "identity" : role == Role::execution ? "execution" : "command";
}

std::vector<ResolvedOption> resolved(const OptionTable& table) {
  std::vector<ResolvedOption> lines;
  for (const Option& option : table) {
    if (option.silent && option.get().empty()) continue;
    if (option.role != Role::command) lines.push_back({option.name, option.get(), option.role});
  }
  return lines;
}

std::string help_text(const std::string& usage, const std::string& summary,
                      const OptionTable& table) {
  std::string text = "Usage: " + usage + "\n\n" + summary + "\n\nOptions\n";
  for (const Option& option : table) {
    std::string left = "  --" + option.name + (option.flag() ? "" : " " + option.value);
    left = left.size() + 2 > indent ? left + "\n" + std::string(indent, ' ')
                                    : fmt::format("{:<{}}", left, indent);
    const std::string now = option.get();
    const std::string end = option.required                ? " (required)"
                            : option.flag() || now.empty() ? ""
                                                           : " [" + now + "]";
    text += left + fill(option.help + end) + "\n";
  }
  return text +
         "\nDefaults stand in brackets. Every option but config, help, overwrite, resume and "
         "other-build\nis also a key of an INI file.\n";
}

}  // namespace explaind
