#pragma once
// A claim where flock does not work: a folder that holds a mark of every process that uses the
// path, and that no other process can take while a mark is in it.
//
// It is taken by renaming a folder with one's own mark onto it, which fails unless it is missing or
// empty: file systems do that as one step, on all machines. A mark is renewed every few seconds.
// One that a watcher sees unchanged for half a minute, by its own steady clock, is stale, whatever
// the clocks of the machines say; it is removed by its name, which nobody else has, so that two
// watchers cannot remove what a third has just made.

#include <chrono>
#include <condition_variable>
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

  /// False once another run has taken this process for dead (it may have been stopped for long).
  [[nodiscard]] bool is_held() const;

 private:
  void renew();
  void start();
  std::filesystem::path folder_, mark_;
  std::string text_;
  MarkTimes times_;
  mutable std::mutex state_;
  std::condition_variable wake_;
  bool ends_ = false, lost_ = false;
  std::thread thread_;
};

/// The marks that are in the folder, by name. Throws DataError for a file that is no mark.
std::vector<std::string> marks_in(const std::filesystem::path& folder);

/// One claim's text, empty where it is not there (any more).
std::string read_claim_text(const std::filesystem::path& file);

/// The message of every claim that is refused.
[[noreturn]] void refuse_claimed(const std::filesystem::path& lock, const std::string& holder);

}  // namespace explaind
