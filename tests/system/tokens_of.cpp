// The token ids of the samples of a file, a JSON list a line: what decompose makes of texts. Notes
// go to standard error.
//
//   tokens_of FOLDER_OF_THE_TOKENIZER SAMPLES VOCABULARY

#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "samples/sample.hpp"

int main(int count, char** arguments) {
  if (count != 4) return 2;
  try {
    std::vector<std::string> notes;
    const auto samples = explaind::load_samples(arguments[2],
                                                {.vocabulary = std::stoll(arguments[3]),
                                                 .max_length = 1 << 20,
                                                 .truncate = false,
                                                 .tokenizer_directory = arguments[1]},
                                                &notes);
    for (const std::string& note : notes) std::fprintf(stderr, "%s\n", note.c_str());
    for (const explaind::Sample& sample : samples) {
      std::puts(nlohmann::json(sample.input_ids).dump().c_str());
    }
  } catch (const explaind::Error& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 1;
  }
  return 0;
}
