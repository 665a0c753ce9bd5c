#include "tokenizers/tokenizer.hpp"

#include <array>
#include <filesystem>
#include <string>

#include "fuzz/targets/place.hpp"
#include "fuzz/targets/targets.hpp"

namespace explaind::testing {

void fuzz_tokenizer(std::string_view bytes) {
  static const TemporaryFolder folder;
  static const std::array<std::string, 4> texts{"hello world", "ab abb  \n\tb",
                                                "he\u0301llo EXTRA<s> 1 é漢😀 <unk>▁ab▁",
                                                std::string("\0a", 2)};
  const size_t ends = bytes.find('\0');
  put(folder / "tokenizer.json", bytes.substr(0, ends));
  const std::filesystem::path settings = folder / "tokenizer_config.json";
  if (ends == std::string_view::npos) {
    std::filesystem::remove(settings);
  } else {
    put(settings, bytes.substr(ends + 1));
  }
  take_or_refuse([&] {
    const auto tokenizer = open_tokenizer(folder.path());
    static_cast<void>(tokenizer->notes());
    for (const std::string& text : texts) {
      static_cast<void>(tokenizer->special_token_in(text));
      for (const Tokenizer::Piece& piece : tokenizer->encode(text)) {
        demand(piece.begin <= piece.end && piece.end <= text.size() && piece.id >= 0);
        static_cast<void>(tokenizer->piece(piece.id));
      }
    }
  });
}

}  // namespace explaind::testing
