// Files of prediction samples (contract: architecture §4, "Samples").

#include <fmt/format.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>

#include "core/counted.hpp"
#include "core/error.hpp"
#include "samples/sample.hpp"
#include "samples/sample_reader.hpp"
#include "samples/sample_rows.hpp"
#include "samples/windows.hpp"

namespace explaind {
namespace {

/// The samples of a file, or their windows, one after the other.
class SampleFile {
 public:
  SampleFile(const std::filesystem::path& file, const SampleOptions& options)
      : file_(file.string()),
        options_(options),
        rows_(open_sample_rows(file)),
        reader_(file, options, rows_->python()) {}

  std::vector<Sample> read(std::vector<std::string>* notes) {
    while (const std::optional<nlohmann::json> row = rows_->next()) {
      where_ = rows_->where();
      keep(reader_.read(*row, where_, rows_->number()));
    }
    if (samples_.empty()) throw DataError(file_, "holds no samples", rows_->remedy_of_none());
    if (notes != nullptr) say(*notes);
    return std::move(samples_);
  }

 private:
  [[noreturn]] void fail(const std::string& problem, const std::string& remedy) const {
    throw DataError(where_, problem, remedy);
  }

  void say(std::vector<std::string>& notes) const {
    reader_.say_columns(notes);
    if (cut_ > 0) say_windows(notes);
    reader_.say_texts(notes);
  }

  void say_windows(std::vector<std::string>& notes) const {
    std::string note = fmt::format(
        "{}: {} of more than {} tokens {} cut into {} (ID#0, ID#1, …) that begin {} tokens apart; "
        "a token is predicted in the first that has it",
        file_, counted(cut_, "sample"), options_.window, cut_ == 1 ? "was" : "were",
        counted(windows_, "window"), options_.stride);
    if (left_out_ > 0) {
      note += fmt::format(", and {} more, in which nothing is to be predicted, {} left out",
                          left_out_, left_out_ == 1 ? "is" : "are");
    }
    if (unpredicted_ > 0) {
      note += fmt::format(
          ". {} to be predicted {} a window and {} predicted by none: a stride below {} predicts "
          "{}",
          counted(unpredicted_, "token"), unpredicted_ == 1 ? "begins" : "begin",
          unpredicted_ == 1 ? "is" : "are", options_.window, unpredicted_ == 1 ? "it" : "them");
    }
    notes.push_back(std::move(note));
  }

  /// Adds a sample, or its windows.
  void keep(Sample sample) {
    require_new(sample.id);
    require_alike(sample);
    if (sample.against.empty() && reader_.is_cut(sample)) {
      keep_windows(sample);
    } else {
      samples_.push_back(std::move(sample));
    }
  }

  void keep_windows(const Sample& sample) {
    SampleWindows cut = cut_into_windows(sample, options_.window, options_.stride);
    if (cut.windows.empty()) {
      fail("there is nothing to predict in any of its windows",
           "What it predicts begins a window: use a --stride below --window");
    }
    ++cut_;
    windows_ += cut.windows.size();
    left_out_ += cut.left_out;
    unpredicted_ += cut.unpredicted;
    for (Sample& window : cut.windows) {
      require_new(window.id);
      samples_.push_back(std::move(window));
    }
  }

  void require_new(const std::string& id) {
    if (!ids_.insert(id).second) fail("id '" + id + "' is not unique", "Rename it");
  }

  /// Pairs have an F of their own.
  void require_alike(const Sample& sample) const {
    if (samples_.empty() || samples_.front().against.empty() == sample.against.empty()) return;
    fail(sample.against.empty() ? "is no minimal pair, and the samples before it are"
                                : "is a minimal pair, and the samples before it are none",
         "Give pairs and other samples as two files, each with a store of its own: F of a pair is "
         "a difference");
  }

  std::string file_;
  const SampleOptions& options_;
  std::unique_ptr<SampleRows> rows_;
  SampleReader reader_;
  std::string where_;  ///< of the row that is read
  std::vector<Sample> samples_;
  std::set<std::string> ids_;
  size_t cut_ = 0, windows_ = 0;            ///< samples, and what they became
  int64_t left_out_ = 0, unpredicted_ = 0;  ///< windows, tokens
};

}  // namespace

std::vector<Sample> load_samples(const std::filesystem::path& file, const SampleOptions& options,
                                 std::vector<std::string>* notes) {
  return SampleFile(file, options).read(notes);
}

}  // namespace explaind
