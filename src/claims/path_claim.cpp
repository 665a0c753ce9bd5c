#include "claims/path_claim.hpp"

#include <chrono>
#include <system_error>
#include <thread>
#include <utility>

#include "claims/leftovers.hpp"
#include "claims/process_mark.hpp"
#include "claims/real_path.hpp"
#include "core/error.hpp"
#include "core/synced.hpp"
#include "core/unfinished.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr auto look = std::chrono::milliseconds(50);
constexpr auto until_seen = std::chrono::seconds(2);

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::symlink_status(path, ignored).type() != fs::file_type::not_found;
}

/// Who holds a file under flock, as far as it says.
std::string holder_in(const std::string& text) {
  const std::optional<ProcessMark> mark = parse_mark(text);
  return mark ? mark->words() : "";
}

void require_lock_file(const fs::path& lock, const std::string& text) {
  if (may_be_mark(text)) return;
  throw DataError(lock.string(), "is no lock file of this program",
                  "Move it away: that name is needed, or choose another path");
}

/// What runs have left that are known to be dead. They are forgotten then.
void remove_unfinished(const fs::path& path, std::vector<std::string>& dead) {
  if (fs::is_directory(path)) {
    remove_unfinished_in(path, dead);
  } else {
    remove_unfinished_of(path, dead);
  }
  dead.clear();
}

/// A file under flock where flock does not work now: left by a killed run, or held by one that sees
/// the file system otherwise.
void remove_dead_file(const fs::path& lock, std::vector<std::string>& dead) {
  const std::string text = read_claim_text(lock);
  require_lock_file(lock, text);
  const std::optional<ProcessMark> mark = parse_mark(text);
  const Life life = mark ? life_of(*mark) : Life::unknown;
  if (life == Life::alive) refuse_claimed(lock, mark->words());
  if (life == Life::unknown) {
    throw DataError(lock.string(),
                    "was made where this file system has flock, which it has not here" +
                        (mark ? ", by " + mark->words() : std::string()),
                    "Remove it if no run is writing there any more");
  }
  dead.push_back(mark->tag);
  fs::remove(lock);
}

/// The first process of this run has made the lock, and this one does not see it.
[[noreturn]] void refuse_unseen(const fs::path& lock, const std::string& owner) {
  const auto host_of = [](const std::string& tag) {
    const size_t number = tag.rfind('-', tag.rfind('-') - 1);  // HOST-PID-RANDOM
    return tag.substr(0, number);
  };
  throw DataError(lock.string(),
                  "this run has made it on " + host_of(owner) + ", and on " +
                      host_of(process_tag()) +
                      " it is not to be seen: the folder is another one there",
                  "Choose a folder that all nodes share, and none of a node's own such as /tmp");
}

}  // namespace

fs::path lock_path(const fs::path& path) {
  const fs::path real = real_path(path);
  return fs::is_directory(real) ? real / lock_in_folder : fs::path(real.string() + ".lock");
}

PathClaim PathClaim::take(const fs::path& path, const ClaimWait& wait) {
  const fs::path real = real_path(path);
  if (!fs::is_directory(real.parent_path())) {
    throw DataError(path.parent_path().string(), "no such directory",
                    "Create it, or choose another path");
  }
  PathClaim claim(real, lock_path(path), process_tag());
  claim.take_now(wait);
  return claim;
}

void PathClaim::take_now(const ClaimWait& wait) {
  std::vector<std::string> dead;
  try {
    if (fs::is_directory(lock_)) {
      take_by_marks("", wait, dead);
    } else if (!flock_is_wanted()) {
      take_by_marks("HDF5_USE_FILE_LOCKING asks for no flock", wait, dead);
    } else if (!take_by_flock(wait, dead)) {
      take_by_marks("this file system has no flock (" + no_flock_ + ")", wait, dead);
    }
  } catch (const fs::filesystem_error& error) {
    throw DataError(lock_.string(), error.what(), "Check the permissions of its folder");
  }
  remove_unfinished(path_, dead);
}

/// False where flock does not work.
bool PathClaim::take_by_flock(const ClaimWait& wait, std::vector<std::string>& dead) {
  const auto begin = Clock::now();
  for (;; std::this_thread::sleep_for(look)) {
    const bool made = !is_there(lock_);
    FlockFile file(lock_, true);
    const std::string text = file.text();
    require_lock_file(lock_, text);
    const FlockFile::Outcome outcome = file.lock(FlockFile::Mode::exclusive);
    if (outcome == FlockFile::Outcome::unsupported) {
      std::error_code ignored;
      if (made) fs::remove(lock_, ignored);
      no_flock_ = file.reason();
      return false;
    }
    if (outcome == FlockFile::Outcome::taken) {
      if (Clock::now() - begin >= wait.patience) refuse_claimed(lock_, holder_in(text));
      continue;
    }
    if (!file.is_in_place()) continue;  // who had it has removed it: another file is the lock now
    if (const auto before = parse_mark(file.text())) dead.push_back(before->tag);
    remove_unfinished(path_, dead);  // first, since it may be what fills the disk
    try {
      file.write(own_mark().text());
      sync_directory(lock_.parent_path());
    } catch (...) {
      std::error_code ignored;
      fs::remove(lock_, ignored);
      throw;
    }
    // Others of this run join; between the two locks another run may come, and has it then.
    if (file.lock(FlockFile::Mode::shared) != FlockFile::Outcome::locked) continue;
    flock_.emplace(std::move(file));
    return true;
  }
}

void PathClaim::take_by_marks(const std::string& reason, const ClaimWait& wait,
                              std::vector<std::string>& dead) {
  if (is_there(lock_) && !fs::is_directory(lock_)) remove_dead_file(lock_, dead);
  marks_ = std::make_unique<MarksFolder>(lock_, wait, dead);
  if (wait.say && !reason.empty()) {
    wait.say(lock_.string() + ": a lock of files, since " + reason);
  }
}

PathClaim PathClaim::join(const fs::path& path, const std::string& owner, const MarkTimes& times) {
  PathClaim claim(real_path(path), lock_path(path), owner);
  if (fs::is_directory(claim.lock_)) {
    claim.marks_ = std::make_unique<MarksFolder>(claim.lock_, owner, times);
    return claim;
  }
  if (owner == process_tag()) return claim;
  // File systems of a network may take a moment to show it.
  for (const auto begin = Clock::now(); !is_there(claim.lock_); std::this_thread::sleep_for(look)) {
    if (Clock::now() - begin > until_seen) refuse_unseen(claim.lock_, owner);
  }
  FlockFile file(claim.lock_, false);
  const std::optional<ProcessMark> mark = parse_mark(file.text());
  const FlockFile::Outcome outcome = file.lock(FlockFile::Mode::shared);
  if (outcome == FlockFile::Outcome::unsupported) {
    throw DataError(
        claim.lock_.string(),
        "flock works on the first rank's machine and not on this one (" + file.reason() + ")",
        "Set HDF5_USE_FILE_LOCKING=FALSE for all ranks: a lock of files is used then");
  }
  if (outcome == FlockFile::Outcome::taken) refuse_claimed(claim.lock_, holder_in(file.text()));
  if (!mark || mark->tag != owner) refuse_unseen(claim.lock_, owner);
  claim.flock_.emplace(std::move(file));
  return claim;
}

void PathClaim::require_held() const {
  const MarksFolder::Hold hold = marks_ ? marks_->hold() : hold_of_file();
  if (hold == MarksFolder::Hold::held) return;
  if (hold == MarksFolder::Hold::unsure) {
    throw DataError(lock_.string(),
                    "cannot be renewed (" + marks_->failure() +
                        "), so that another run may take this one for dead",
                    "Look after its file system; what this run had finished is kept");
  }
  throw DataError(
      path_.string(),
      "another run has taken it: this one stood still for so long that it was taken for "
      "dead",
      "Let the other run end; what this one had finished is kept");
}

/// A lock of the kernel's is held while this process is there. A file system of a network may have
/// given it to another run, all the same, while this machine was cut off; that run's mark is in the
/// file then. It is opened anew, so that what is read is not this machine's own copy.
MarksFolder::Hold PathClaim::hold_of_file() const {
  if (!flock_) return MarksFolder::Hold::held;
  const std::optional<ProcessMark> mark = parse_mark(read_claim_text(lock_));
  return mark && mark->tag == owner_ ? MarksFolder::Hold::held : MarksFolder::Hold::lost;
}

PathClaim::~PathClaim() {
  if (!flock_ || !flock_->is_open()) return;
  try {
    // The last of the run removes the file; the others cannot have it alone.
    if (flock_->lock(FlockFile::Mode::exclusive) == FlockFile::Outcome::locked &&
        flock_->is_in_place()) {
      fs::remove(lock_);
    }
  } catch (const std::exception&) {
    // It stays and is taken by the next run.
  }
}

}  // namespace explaind
