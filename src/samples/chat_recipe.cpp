#include "samples/chat_recipe.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

namespace explaind {
namespace {

/// As a string of Python.
std::string quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

std::string chat_by_transformers(const std::filesystem::path& folder, const PythonRows& rows,
                                 const std::vector<std::string>& keys) {
  std::vector<std::string> messages;
  for (const std::string& key : keys) messages.push_back("row.pop(" + quoted(key) + ")");
  return fmt::format(
      "Give token ids (input_ids) instead, and labels where not every token is to be predicted "
      "(-100: it is not); this makes the ids:\n"
      "  import json, transformers{}; tokenizer = "
      "transformers.AutoTokenizer.from_pretrained({})\n"
      "  for row in {}:\n"
      "      print(json.dumps({{\"input_ids\": tokenizer.apply_chat_template({}, tokenize=True, "
      "return_dict=False), **row}}))",
      rows.import.empty() ? "" : ", " + rows.import, quoted(folder.string()), rows.rows,
      fmt::join(messages, " + "));
}

}  // namespace explaind
