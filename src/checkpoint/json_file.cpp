#include "checkpoint/json_file.hpp"

#include <cerrno>
#include <fstream>
#include <iterator>
#include <set>
#include <system_error>
#include <vector>

#include "core/error.hpp"
#include "core/file_kind.hpp"

namespace explaind {
namespace {

constexpr int max_depth = 64;

/// Watches the parser's events for nesting and for keys given twice in one object.
class Watch {
 public:
  explicit Watch(const std::string& where) : where_(where) {}

  void see(int depth, nlohmann::json::parse_event_t event, const nlohmann::json& parsed) {
    using Event = nlohmann::json::parse_event_t;
    if (event == Event::object_start || event == Event::array_start) {
      if (depth >= max_depth) {
        throw DataError(where_, "broken JSON: nested deeper than " + std::to_string(max_depth));
      }
      if (event == Event::object_start) keys_.emplace_back();
    } else if (event == Event::object_end) {
      keys_.pop_back();
    } else if (event == Event::key) {
      const auto& key = parsed.get_ref<const std::string&>();
      if (!keys_.back().insert(key).second) {
        throw DataError(where_, "the key \"" + key + "\" is given twice");
      }
    }
  }

 private:
  const std::string& where_;
  std::vector<std::set<std::string>> keys_;
};

}  // namespace

std::string read_text_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw DataError(path.string(), std::generic_category().message(errno));
  try {
    return {std::istreambuf_iterator<char>(file), {}};
  } catch (const std::ios_base::failure& error) {  // a directory, or a failing disk
    throw DataError(path.string(), "could not be read: " + error.code().message());
  }
}

std::string json_problem(const nlohmann::json::exception& error) {
  const std::string text = error.what();
  const size_t end = text.find("] ");
  return end == std::string::npos ? text : text.substr(end + 2);
}

nlohmann::json parse_json(std::string_view text, const std::string& where) {
  // The parser takes a zero byte for the end of the text and would ignore what follows it.
  if (text.find('\0') != std::string_view::npos) {
    throw DataError(where, "broken JSON: it holds a zero byte");
  }
  Watch watch(where);
  try {
    return nlohmann::json::parse(
        text, [&](int depth, nlohmann::json::parse_event_t event, nlohmann::json& parsed) {
          watch.see(depth, event, parsed);
          return true;
        });
  } catch (const nlohmann::json::exception& error) {
    throw DataError(where, "broken JSON: " + json_problem(error));
  }
}

nlohmann::json read_json_object(const std::filesystem::path& path) {
  const std::string text = read_text_file(path);
  refuse_foreign_content(text, path.string());
  nlohmann::json value = parse_json(text, path.string());
  if (!value.is_object()) throw DataError(path.string(), "is not a JSON object");
  return value;
}

}  // namespace explaind
