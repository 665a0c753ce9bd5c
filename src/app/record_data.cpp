#include "app/record_data.hpp"

#include <fmt/format.h>

#include <filesystem>

#include "app/record_job.hpp"
#include "checkpoint/new_file.hpp"
#include "core/error.hpp"
#include "core/selection.hpp"
#include "datasets/cifar10.hpp"
#include "datasets/idx.hpp"
#include "datasets/modular_addition.hpp"
#include "datasets/text_windows.hpp"
#include "training/corpus.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;

std::vector<int64_t> class_numbers(const std::vector<std::string>& words) {
  std::vector<int64_t> numbers;
  for (const std::string& word : words) {
    const Selection selection(word, "--classes", "label");
    for (const Selection::Alternative& each : selection.alternatives()) {
      const size_t before = numbers.size();
      for (int64_t label = 0; label <= 9; ++label) {
        if (each.matches(std::to_string(label), true)) numbers.push_back(label);
      }
      if (numbers.size() == before) {
        throw UsageError("--classes", "'" + each.written + "' is no label of 0 to 9", "As 3|5");
      }
    }
  }
  return numbers;
}

TrainingData text_data(const RecordOptions& options, const StopFlag& stop) {
  const fs::path run = options.history;
  const std::vector<fs::path> files = text_files({options.text.begin(), options.text.end()});
  const fs::path model = make_tokenizer(files, run, options, stop);
  TrainingData data = text_windows(token_stream(files, *open_tokenizer(model.parent_path())),
                                   options.sequence_length, options.vocabulary,
                                   options.train_samples, options.validation_samples);
  write_copy(model, run / tokenizer_file);
  fs::remove_all(model.parent_path());
  return data;
}

}  // namespace

std::string dataset_of(const RecordOptions& options) {
  std::string natural = options.model == "grokking_transformer" ? "modular_addition"
                        : options.model == "cnn"                ? "idx"
                        : options.model == "resnet9"            ? "cifar10"
                                                                : "text";
  const bool images = natural == "idx" || natural == "cifar10";
  if (options.dataset == "auto" || options.dataset == natural) return natural;
  if (images && (options.dataset == "idx" || options.dataset == "cifar10")) return options.dataset;
  throw UsageError("--dataset", fmt::format("{} is nothing for {}", options.dataset, options.model),
                   "Its own is " + natural);
}

TrainingData load_data(const RecordOptions& options, const StopFlag& stop) {
  const std::string dataset = dataset_of(options);
  const int64_t train = options.train_samples, validation = options.validation_samples;
  if (dataset == "text") return text_data(options, stop);
  if (dataset == "modular_addition") {
    const int64_t pairs = options.modulus * (options.modulus + 1) / 2;
    const int64_t trained = train > 0 ? train : pairs - validation;
    return modular_addition(options.modulus, trained, validation > 0 ? validation : pairs - trained,
                            static_cast<uint64_t>(options.seed));
  }
  if (options.data.empty()) {
    throw UsageError("record", "--data is missing", "Name the folder with the files of " + dataset);
  }
  if (dataset == "idx") return read_idx_folder(options.data, train, validation);
  return read_cifar10(options.data, class_numbers(options.classes), train, validation);
}

}  // namespace explaind
