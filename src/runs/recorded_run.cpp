#include "runs/recorded_run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "checkpoint/json_file.hpp"
#include "core/error.hpp"
#include "runs/run_files.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;

/// The block files in the order of their first steps.
std::vector<fs::path> block_files(const fs::path& folder) {
  std::vector<std::pair<int64_t, fs::path>> found;
  if (!fs::is_directory(folder)) return {};
  for (const auto& entry : fs::directory_iterator(folder)) {
    const auto first = block_first_step(entry.path().filename().string());
    if (first) found.emplace_back(*first, entry.path());
  }
  std::sort(found.begin(), found.end());
  std::vector<fs::path> files;
  for (auto& [first, path] : found) files.push_back(std::move(path));
  return files;
}

}  // namespace

bool is_recorded_run(const fs::path& path) { return fs::is_regular_file(path / run_files::run); }

RecordedRun RecordedRun::open(const fs::path& directory, Require require) {
  if (!is_recorded_run(directory)) {
    throw DataError(directory.string(), "is not a recorded run: it has no run.json",
                    "`explaind record --history` makes one");
  }
  RecordedRun run;
  run.directory_ = directory;
  const fs::path description = directory / run_files::run;
  run.description_ = std::make_shared<const RunDescription>(
      parse_run_description(read_json_object(description), description.string()));
  run.open_start();
  run.open_blocks();
  const fs::path ending = directory / run_files::complete;
  run.complete_ = fs::exists(ending);
  if (!run.complete_) {
    if (require == Require::any) return run;
    throw DataError(
        directory.string(),
        fmt::format("the run was cut short: {} steps are there, and no complete.json", run.steps()),
        run.description_->json.contains("recorder")
            ? fmt::format("`python recorder.py {}` closes it with the steps that are there",
                          directory.string())
            : "`explaind record --resume` with the same options finishes it");
  }
  run.ending_ = read_json_object(ending);
  const auto steps = run.ending_.find("steps");
  if (steps == run.ending_.end() || !steps->is_number_integer()) {
    throw DataError(ending.string(), "steps is missing, or not a whole number");
  }
  if (steps->get<int64_t>() != run.steps()) {
    throw DataError(
        directory.string(),
        fmt::format("steps are missing: the run had {}, {} are there", steps->dump(), run.steps()),
        "Copy all of blocks/, or record the run again");
  }
  if (run.steps() == 0 && require != Require::any) {
    throw DataError(
        directory.string(), "the run has no step",
        "A recorder keeps whole blocks of steps: train for longer, or give it a smaller "
        "block");
  }
  return run;
}

void RecordedRun::open_start() {
  const fs::path path = directory_ / run_files::start;
  start_file_ = std::make_shared<const SafetensorsFile>(path);
  const auto& tensors = start_file_->tensors();
  for (const RunParameter& parameter : description_->parameters) {
    const auto found = std::find_if(tensors.begin(), tensors.end(), [&](const TensorView& tensor) {
      return tensor.name == "parameter/" + parameter.name;
    });
    if (found == tensors.end()) {
      throw DataError(path.string(), "tensor parameter/" + parameter.name + " is missing");
    }
    if (found->shape != parameter.shape || found->dtype != description_->dtype) {
      throw DataError(
          path.string(),
          fmt::format("tensor {} is {} {}, run.json says {} {}", found->name,
                      to_string(found->dtype), shape_to_string(found->shape),
                      to_string(description_->dtype), shape_to_string(parameter.shape)));
    }
    start_.push_back(*found);
    start_.back().name = parameter.name;
  }
}

void RecordedRun::open_blocks() {
  for (const fs::path& path : block_files(directory_ / run_files::blocks)) {
    RunBlock block(path, *description_);
    if (block.first() > steps()) {
      throw DataError(directory_.string(),
                      fmt::format("steps {} to {} are missing", steps(), block.first() - 1),
                      "Copy all of blocks/, or record the run again");
    }
    if (block.first() < steps()) {
      throw DataError(path.string(), fmt::format("step {} is there twice", block.first()),
                      "Remove what is not of this run from blocks/");
    }
    blocks_.push_back(std::move(block));
  }
}

const RunBlock& RecordedRun::block_of(int64_t step) const {
  const auto found = std::find_if(blocks_.begin(), blocks_.end(), [&](const RunBlock& block) {
    return step >= block.first() && step <= block.last();
  });
  if (found == blocks_.end()) throw std::out_of_range("no step " + std::to_string(step));
  return *found;
}

TensorView RecordedRun::parameter(int64_t step, size_t parameter) const {
  return step == 0 ? start_.at(parameter) : block_of(step - 1).parameter(step - 1, parameter);
}

TensorView RecordedRun::second_moment(int64_t step, size_t parameter) const {
  if (!description_->second_moments) {
    throw DataError(directory_.string(), "second moments were not stored", "Replay the optimizer");
  }
  return block_of(step).second_moment(step, parameter);
}

TensorView RecordedRun::gradient(int64_t step, size_t parameter) const {
  if (!description_->gradients) {
    throw DataError(directory_.string(), "gradients were not stored",
                    "Record with --keep gradient");
  }
  return block_of(step).gradient(step, parameter);
}

Hyperparameters RecordedRun::hyperparameters(int64_t step, size_t group) const {
  return block_of(step).hyperparameters(step, group);
}

int64_t RecordedRun::update_count(int64_t step, size_t parameter) const {
  int64_t count = 0;
  for (int64_t s = 0; s <= step; ++s) count += stepped(s, parameter) ? 1 : 0;
  return count;
}

}  // namespace explaind
