// explaind record: trains a model and leaves a series of checkpoints, or its whole history.

#include <fmt/format.h>

#include "app/record_job.hpp"
#include "app/verbs.hpp"
#include "core/error.hpp"
#include "machine/allotment.hpp"
#include "tensors/thread_team.hpp"

namespace explaind {
namespace {

/// A series holds language models in Hugging Face's format, trained as those are.
void require_series_options(const RecordOptions& options) {
  const auto refuse = [](const char* option, const std::string& what) {
    throw UsageError(option, what, "Use --history DIR in place of --series");
  };
  if (options.model != "llama") refuse("--model", options.model + " leaves no series");
  if (options.optimizer != "adamw") refuse("--optimizer", "a series is trained with adamw");
  if (options.schedule != "cosine") refuse("--schedule", "a series is trained with cosine");
  if (options.epochs > 0) refuse("--epochs", "a series is trained on random windows");
  if (options.resume) refuse("--resume", "a series cannot be gone on with");
  if (options.other_build) refuse("--other-build", "a series cannot be gone on with");
}

int said(const ThreadTeam& team, int code) {
  fmt::print("{}\n", team.account());
  return code;
}

}  // namespace

int run_record(const RecordOptions& options) {
  if (options.series.empty() == options.history.empty()) {
    throw UsageError("record",
                     options.series.empty() ? "neither --series nor --history is given"
                                            : "both --series and --history are given",
                     "--series DIR leaves checkpoints, --history DIR every step of the training");
  }
  const ThreadTeam team(threads_of(options.threads, allotment_of_alike({}, 1)));
  if (!options.history.empty() && options.z_loss) {
    throw UsageError("--z-loss",
                     "is of a series: a recorded run's gradients, which are formed again, are "
                     "those of the cross-entropy",
                     "Leave it out, or give --series in place of --history");
  }
  if (!options.history.empty()) return said(team, record_run(options));
  require_series_options(options);
  if (options.text.empty()) {
    throw UsageError("record", "--text is missing", "Give --text PATHS or set it in the INI file");
  }
  return said(team, record_series(options));
}

}  // namespace explaind
