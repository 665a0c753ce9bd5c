// The token ids of texts, a JSON list a line, as open_tokenizer makes them.
//
//   token_ids FOLDER_OF_THE_TOKENIZER TEXTS        TEXTS: a JSON string a line
//   token_ids FOLDER_OF_THE_TOKENIZER TEXTS time   seconds of encoding them all, and how many
//   tokens

#include <chrono>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "tokenizers/tokenizer.hpp"

int main(int count, char** arguments) {
  if (count != 3 && count != 4) return 2;
  try {
    const auto tokenizer = explaind::open_tokenizer(arguments[1]);
    std::ifstream file(arguments[2]);
    std::vector<std::string> texts;
    for (std::string line; std::getline(file, line);) {
      texts.push_back(nlohmann::json::parse(line).get<std::string>());
    }
    if (count == 4) {
      const auto begin = std::chrono::steady_clock::now();
      size_t tokens = 0;
      for (const std::string& text : texts) tokens += tokenizer->encode(text).size();
      const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
      std::printf("%.6f %zu\n", took.count(), tokens);
      return 0;
    }
    std::string line;
    for (const std::string& text : texts) {
      line = "[";
      const auto add = [&](int64_t id) {
        line += (line.size() > 1 ? "," : "") + std::to_string(id);
      };
      for (const int64_t id : tokenizer->before()) add(id);
      for (const auto& piece : tokenizer->encode(text)) {
        if (piece.begin > piece.end || piece.end > text.size()) {
          std::fprintf(stderr, "error: a token outside its text\n");
          return 1;
        }
        add(piece.id);
      }
      for (const int64_t id : tokenizer->after()) add(id);
      std::puts((line + "]").c_str());
    }
  } catch (const explaind::Error& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 1;
  }
  return 0;
}
