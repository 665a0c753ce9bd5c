#include "checkpoint/layouts/plain_yaml.hpp"

#include <fmt/format.h>

#include <charconv>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/json_file.hpp"
#include "core/error.hpp"

namespace explaind {
namespace {

struct YamlLine {
  size_t number = 0, indent = 0;
  std::string text;
};

class PlainYaml {
 public:
  PlainYaml(const std::string& text, std::string where) : where_(std::move(where)) {
    std::istringstream stream(text);
    std::string line;
    for (size_t number = 1; std::getline(stream, line); ++number) {
      const size_t begin = line.find_first_not_of(' ');
      if (begin == std::string::npos || line[begin] == '#' || line == "---") continue;
      const size_t end = line.find_last_not_of(" \r");
      if (line[begin] == '\t')
        refuse({.number = number, .indent = 0, .text = {}}, "has a tab before its key");
      lines_.push_back({number, begin, line.substr(begin, end - begin + 1)});
    }
  }
  nlohmann::json read() {
    nlohmann::json all = mapping(0, 0);
    if (at_ < lines_.size()) refuse(lines_[at_], "is indented in another way");
    return all;
  }

 private:
  [[noreturn]] void refuse(const YamlLine& line, const std::string& problem) const {
    throw DataError(fmt::format("{}:{}", where_, line.number), problem,
                    "Settings are read as programs save them: one key a line");
  }
  static bool is_item(const YamlLine& line) {
    return line.text == "-" || line.text.starts_with("- ");
  }

  nlohmann::json mapping(size_t indent, int depth) {
    constexpr int deepest = 32;
    nlohmann::json object = nlohmann::json::object();
    while (at_ < lines_.size() && lines_[at_].indent == indent && !is_item(lines_[at_])) {
      const YamlLine line = lines_[at_++];
      const size_t colon = line.text.find(':');
      if (depth > deepest) refuse(line, "is nested too deeply");
      if (colon == std::string::npos || colon == 0 ||
          (colon + 1 < line.text.size() && line.text[colon + 1] != ' ')) {
        refuse(line, "is no `key: value`");
      }
      const std::string key = line.text.substr(0, colon);
      if (object.contains(key)) refuse(line, "gives " + key + " twice");
      const size_t begin = line.text.find_first_not_of(' ', colon + 1);
      object[key] =
          begin == std::string::npos ? below(line, depth) : value(line, line.text.substr(begin));
    }
    return object;
  }

  /// What stands below a key without a value.
  nlohmann::json below(const YamlLine& key, int depth) {
    if (at_ == lines_.size()) return nullptr;
    const size_t indent = lines_[at_].indent;
    if (indent >= key.indent && is_item(lines_[at_])) return list(indent);
    return indent > key.indent ? mapping(indent, depth + 1) : nlohmann::json(nullptr);
  }
  nlohmann::json list(size_t indent) {
    nlohmann::json items = nlohmann::json::array();
    while (at_ < lines_.size() && lines_[at_].indent == indent && is_item(lines_[at_])) {
      const YamlLine line = lines_[at_++];
      const std::string text = line.text.size() > 2 ? line.text.substr(2) : "";
      const bool single = at_ == lines_.size() || lines_[at_].indent <= indent;
      const bool inner = text.find(": ") != std::string::npos || text.ends_with(':');
      items.push_back(single && !inner ? value(line, text) : nlohmann::json(nullptr));
      while (at_ < lines_.size() && lines_[at_].indent > indent) ++at_;
    }
    return items;
  }

  nlohmann::json value(const YamlLine& line, std::string text) {
    if (text[0] == '\'' || text[0] == '"') {
      const size_t end = text.find(text[0], 1);
      if (end == std::string::npos) return rest_of_text(line);
      if (end + 1 != text.size()) refuse(line, "has more than a value after its key");
      return text.substr(1, end - 1);
    }
    const size_t comment = text.find(" #");
    if (comment != std::string::npos) text.resize(text.find_last_not_of(' ', comment) + 1);
    if (text == "{}") return nlohmann::json::object();
    if (text == "[]") return nlohmann::json::array();
    if (text.find_first_of("{[&*!|>%@`") == 0) {
      if (text[0] == '|' || text[0] == '>') return rest_of_text(line);
      refuse(line, "has a value that is not plain");
    }
    if (text == "null" || text == "~" || text.empty()) return nullptr;
    if (text == "true") return true;
    if (text == "false") return false;
    int64_t whole = 0;
    const char *first = text.data(), *last = text.data() + text.size();
    const auto as_whole = std::from_chars(first, last, whole);
    if (as_whole.ec == std::errc{} && as_whole.ptr == last) return whole;
    double real = 0;
    const auto as_real = std::from_chars(first, last, real);
    if (as_real.ec == std::errc{} && as_real.ptr == last) return real;
    // A plain text may go on in lines that are indented further.
    if (at_ < lines_.size() && lines_[at_].indent > line.indent) return rest_of_text(line);
    return text;
  }
  nlohmann::json rest_of_text(const YamlLine& line) {
    while (at_ < lines_.size() && lines_[at_].indent > line.indent) ++at_;
    return nullptr;
  }

  std::string where_;
  std::vector<YamlLine> lines_;
  size_t at_ = 0;
};

}  // namespace

nlohmann::json read_plain_yaml(const std::filesystem::path& path) {
  return PlainYaml(read_text_file(path), path.string()).read();
}

}  // namespace explaind
