#pragma once
// A claim where flock does not work: a folder that holds a mark of every process that uses the
// path, and that no other process can take while a mark is in it.
//
// It is taken by renaming a folder with one's own mark onto it, which fails unless it is missing or
// empty: file systems do that as one step, on all machines. A mark is renewed every few seconds.
// One that a watcher sees unchanged for half a minute, by its own steady clock, is stale, whatever
// the clocks of the machines say; it is removed by its name, which nobody else has, so that two
// watchers cannot remove what a third has just made.
//
// So a process that could not renew its mark for half of that time (it was stopped, its node was
// cut off) may be about to be taken for dead. It gives the mark another name before it writes
// anything: either that succeeds, and a watcher that would remove the old one finds nothing, or the
// mark is gone, and so is the claim.

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "claims/process_mark.hpp"

namespace explaind {

struct MarkTimes {
  std::chrono::milliseconds renewal{5000};  ///< between two renewals of a mark
  std::chrono::milliseconds stale{30000};   ///< unchanged for so long: its process is gone
  std::chrono::milliseconds valid{15000};   ///< after a renewal: it is certainly one's own
  std::chrono::milliseconds look{200};      ///< between two looks at others' marks
};

/// What a claim that has to wait may do and say.
struct ClaimWait {
  /// How long processes that are alive are waited for: ranks outlive their killed mpirun.
  std::chrono::milliseconds patience{0};
  /// Called with a line for the user. May be empty.
  std::function<void(const std::string&)> say;
  MarkTimes times;
};

class MarksFolder {
 public:
  /// Adds to `dead` the tags of the processes whose stale marks were removed, and of those that
  /// ended while they made a folder for the same path. Throws DataError: in use; what is there is
  /// not this program's; the folder cannot be made.
  MarksFolder(const std::filesystem::path& folder, const ClaimWait& wait,
              std::vector<std::string>& dead);
  /// The mark of another process of the same run, beside `owner`'s. Throws DataError.
  MarksFolder(const std::filesystem::path& folder, const std::string& owner,
              const MarkTimes& times);
  /// Takes the mark away, and the folder where it was the last.
  ~MarksFolder();
  MarksFolder(const MarksFolder&) = delete;
  MarksFolder& operator=(const MarksFolder&) = delete;

  /// To be asked before each write. lost: another run has taken this process for dead (it may have
  /// been stopped for long). unsure: the mark could not be renewed, and nothing may be written.
  enum class Hold { held, lost, unsure };
  [[nodiscard]] Hold hold() const;
  /// Why it could not be renewed.
  [[nodiscard]] std::string failure() const;

 private:
  using Clock = std::chrono::steady_clock;
  void start();
  void renew_from_time_to_time();
  void renew() const;
  [[nodiscard]] bool is_valid() const { return Clock::now() - renewed_ < times_.valid; }

  std::filesystem::path folder_;
  std::string text_;
  MarkTimes times_;
  mutable std::mutex state_;  ///< of all that follows
  mutable std::filesystem::path mark_;
  mutable Clock::time_point renewed_;  ///< when the last renewal began that succeeded
  mutable int64_t beat_ = 0;
  mutable int failure_ = 0;
  mutable bool lost_ = false;
  bool ends_ = false;
  std::condition_variable wake_;
  std::thread thread_;
};

/// The marks that are in the folder, by name. Throws DataError for a file that is no mark.
std::vector<std::string> marks_in(const std::filesystem::path& folder);

/// One claim's text, empty where it is not there (any more). Throws DataError where it cannot be
/// read.
std::string read_claim_text(const std::filesystem::path& file);

/// The message of every claim that is refused.
[[noreturn]] void refuse_claimed(const std::filesystem::path& lock, const std::string& holder);

}  // namespace explaind
