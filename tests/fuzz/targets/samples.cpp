#include <filesystem>
#include <string>
#include <vector>

#include "fuzz/targets/place.hpp"
#include "fuzz/targets/targets.hpp"
#include "samples/sample.hpp"

namespace explaind::testing {

void fuzz_samples(std::string_view bytes) {
  static const TemporaryFolder folder;
  const unsigned choice = take_choice(bytes);
  SampleOptions options;
  options.vocabulary = 64;
  options.max_length = 16;
  options.truncate = choice % 2 == 1;
  if (choice % 4 > 1) {
    options.window = 4 + choice % 8;
    options.stride = 1 + choice % options.window;
  }
  options.pairs = choice < 128;
  const std::filesystem::path file = folder / "samples.jsonl";
  put(file, bytes);
  take_or_refuse([&] {
    std::vector<std::string> notes;
    const std::vector<Sample> samples = load_samples(file, options, &notes);
    demand(!samples.empty());
    for (const Sample& sample : samples) {
      demand(sample.predicted() > 0 && sample.input_ids.size() == sample.labels.size());
      demand(sample.input_ids.size() <= static_cast<size_t>(options.max_length));
      for (const int64_t id : sample.input_ids) demand(id >= 0 && id < options.vocabulary);
    }
    demand(group_samples(samples).of_sample.size() == samples.size());
  });
}

}  // namespace explaind::testing
