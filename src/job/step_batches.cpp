#include "job/step_batches.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <utility>

#include "core/counted.hpp"
#include "core/error.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view placeholder = "{step}";

/// The name of a step's file.
std::string file_of(std::string name, int64_t step) {
  const std::string number = std::to_string(step);
  for (size_t at = 0; (at = name.find(placeholder, at)) != std::string::npos; at += number.size()) {
    name.replace(at, placeholder.size(), number);
  }
  return name;
}

std::vector<std::string> files_of(const std::string& name, const Path& path) {
  if (name.find(placeholder) == std::string::npos) return {name};
  if (fs::exists(name)) {
    throw DataError(name, "is a file, and its name stands for a file of every checkpoint's step",
                    "Rename the file");
  }
  std::vector<std::string> files;
  for (size_t point = 0; point < path.size(); ++point) {
    files.push_back(file_of(name, path.step(point)));
    if (fs::exists(files.back())) continue;
    throw DataError(
        files.back(),
        fmt::format("is missing: the training batch of the step at {}", path.describe(point)),
        "Write it, or leave that checkpoint out: name the others in a list as --series");
  }
  return files;
}

TrainingBatch::Axis training_axis(const Axes& axes) {
  return axes.train_sample  ? TrainingBatch::Axis::sample
         : axes.train_group ? TrainingBatch::Axis::group
                            : TrainingBatch::Axis::none;
}

/// Notes of many files would hide the others.
void keep_notes(const std::vector<std::vector<std::string>>& of_files,
                std::vector<std::string>& notes) {
  constexpr size_t most = 3;
  size_t kept = 0, left = 0;
  for (const std::vector<std::string>& of_file : of_files) {
    if (of_file.empty()) continue;
    if (++kept > most) {
      ++left;
      continue;
    }
    notes.insert(notes.end(), of_file.begin(), of_file.end());
  }
  if (left > 0) {
    notes.push_back(fmt::format("{} of --training-batch {} notes of the kind too",
                                counted(left, "more file"), left == 1 ? "has" : "have"));
  }
}

}  // namespace

StepBatches read_step_batches(const Question& question, const Path& path,
                              const SampleOptions& reading, std::vector<std::string>& notes) {
  StepBatches steps;
  steps.files = files_of(question.written.training_batch, path);
  const TrainingBatch::Axis axis = training_axis(question.solver.axes);
  if (steps.files.size() > 1 && axis == TrainingBatch::Axis::sample) {
    throw UsageError("--axes",
                     "train_sample is an axis of one batch, and each checkpoint has its own here",
                     "Keep train_group: groups of all files are put together");
  }
  std::vector<std::vector<Sample>> samples;
  std::vector<std::vector<std::string>> said;
  std::vector<std::string> groups;
  for (const std::string& file : steps.files) {
    samples.push_back(load_samples(file, reading, &said.emplace_back()));
    for (const std::string& name : group_samples(samples.back()).names) {
      if (std::find(groups.begin(), groups.end(), name) == groups.end()) groups.push_back(name);
    }
  }
  keep_notes(said, notes);
  for (std::vector<Sample>& each : samples) {
    steps.batches.emplace_back(std::move(each), question.step->mean, axis, groups);
  }
  return steps;
}

}  // namespace explaind
