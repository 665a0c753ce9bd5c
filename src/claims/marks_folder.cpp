#include "claims/marks_folder.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <map>
#include <optional>
#include <system_error>

#include "core/error.hpp"
#include "core/synced.hpp"
#include "core/unfinished.hpp"
#include "core/whole_file.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

std::string beat_line(int64_t beat) {
  char line[32] = {};
  std::snprintf(line, sizeof line, "beat %012lld\n", static_cast<long long>(beat));
  return line;
}

/// Opened and closed each time, so that file systems of a network send it and others see it. A mark
/// that is made is synced, since it says whose unfinished files are to be removed after a power
/// failure too. False where it fails; what was made then is gone.
bool write_mark(const fs::path& file, const std::string& text, bool make) {
  constexpr int mode = 0666;
  // NOLINTNEXTLINE: variadic in C
  const int descriptor =
      open(file.c_str(), O_WRONLY | O_CLOEXEC | (make ? O_CREAT | O_EXCL : 0), mode);
  if (descriptor < 0) return false;
  const bool written =
      pwrite(descriptor, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()) &&
      (!make || fsync(descriptor) == 0);
  int failure = errno;
  if (close(descriptor) != 0) {
    failure = errno;
  } else if (written) {
    return true;
  }
  if (make) unlink(file.c_str());
  errno = failure;
  return false;
}

/// The names in a folder last, or the mark is taken away again.
void sync_names(const fs::path& folder, const fs::path& mark) {
  try {
    sync_directory(folder);
  } catch (...) {
    std::error_code ignored;
    fs::remove(mark, ignored);
    rmdir(mark.parent_path().c_str());  // fails while others are in it
    throw;
  }
}

[[noreturn]] void fail(const fs::path& path, const std::string& problem) {
  throw DataError(path.string(), problem + ": " + std::strerror(errno),
                  "Check the permissions and the free space of its folder");
}

/// Whether a process of this machine is gone of which only the name, HOST-PID-RANDOM, is known.
bool is_gone(const std::string& tag) {
  const size_t random = tag.rfind('-'), number = tag.rfind('-', random - 1);
  if (number == std::string::npos || tag.substr(0, number) != host_name()) return false;
  pid_t pid = 0;
  const char *first = tag.data() + number + 1, *last = tag.data() + random;
  if (std::from_chars(first, last, pid).ptr != last || pid <= 0) return false;
  return kill(pid, 0) != 0 && errno == ESRCH;
}

/// Adds the tags of processes that ended while they made a folder to take this one with.
void find_half_made(const fs::path& folder, std::vector<std::string>& dead) {
  const std::string begins = folder.filename().string() + ".";
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder.parent_path(), ignored)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(begins) || !is_process_tag(name.substr(begins.size()))) continue;
    const std::string tag = name.substr(begins.size());
    const std::optional<ProcessMark> mark = parse_mark(read_claim_text(entry.path() / tag));
    if (mark ? life_of(*mark) == Life::dead : is_gone(tag)) dead.push_back(tag);
  }
}

/// Whatever its name is by now.
bool holds_mark_of(const fs::path& folder, const std::string& tag) {
  const std::vector<std::string> names = marks_in(folder);
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    const std::optional<ProcessMark> mark = parse_mark(read_claim_text(folder / name));
    return mark ? mark->tag == tag : name == tag;
  });
}

/// What a watcher has seen of the marks in a folder.
class Watch {
 public:
  Watch(const fs::path& folder, const MarkTimes& times) : folder_(folder), times_(times) {}

  /// Looks once. Removes marks of processes that are known to be gone, adding their tags to `dead`.
  void look(std::vector<std::string>& dead) {
    alive_.reset();
    unknown_.reset();
    std::map<std::string, Seen> now;
    for (const std::string& tag : marks_in(folder_)) {
      const std::string text = read_claim_text(folder_ / tag);
      const auto before = seen_.find(tag);
      const bool first = before == seen_.end();
      const bool changed = !first && before->second.text != text;
      const Clock::time_point since = first || changed ? Clock::now() : before->second.since;
      const std::optional<ProcessMark> mark = parse_mark(text);
      const Life life = mark ? life_of(*mark) : Life::unknown;
      if (life == Life::dead || Clock::now() - since >= times_.stale) {
        std::error_code ignored;
        fs::remove(folder_ / tag, ignored);
        dead.push_back(mark ? mark->tag : tag);
        continue;
      }
      (life == Life::alive || changed ? alive_ : unknown_) = mark ? mark->words() : tag;
      now[tag] = {text, since};
    }
    seen_ = std::move(now);
  }

  /// A process that is certainly there, in words.
  [[nodiscard]] const std::optional<std::string>& alive() const { return alive_; }
  /// One of which only time will tell.
  [[nodiscard]] const std::optional<std::string>& unknown() const { return unknown_; }

 private:
  struct Seen {
    std::string text;
    Clock::time_point since;
  };
  fs::path folder_;
  MarkTimes times_;
  std::map<std::string, Seen> seen_;
  std::optional<std::string> alive_, unknown_;
};

}  // namespace

void refuse_claimed(const fs::path& lock, const std::string& holder) {
  std::string path = lock.string();
  constexpr const char* ending = "/.lock";
  const size_t name = path.ends_with(ending) ? std::strlen(ending) : std::strlen(".lock");
  path.resize(path.size() - name);
  throw DataError(path, "is in use by another run" + (holder.empty() ? "" : ", " + holder),
                  "Wait until it has ended, or choose another path");
}

std::string read_claim_text(const fs::path& file) {
  std::error_code ignored;
  try {
    return fs::exists(file, ignored) ? read_whole_file(file) : "";
  } catch (const DataError&) {
    if (!fs::exists(file, ignored)) return "";  // another run removed it in this moment
    throw;
  }
}

std::vector<std::string> marks_in(const fs::path& folder) {
  std::vector<std::string> tags;
  std::error_code gone;
  for (const auto& entry : fs::directory_iterator(folder, gone)) {
    const std::string name = entry.path().filename().string();
    if (!is_process_tag(name)) {
      throw DataError(entry.path().string(), "is no mark of a run of this program",
                      "Move it away: the folder it lies in is used as a lock");
    }
    tags.push_back(name);
  }
  return tags;
}

MarksFolder::MarksFolder(const fs::path& folder, const ClaimWait& wait,
                         std::vector<std::string>& dead)
    : folder_(folder), text_(own_mark().text()), times_(wait.times), mark_(folder / process_tag()) {
  const fs::path made = folder.string() + "." + process_tag();
  std::error_code failure;
  if (mkdir(made.c_str(), 0777) != 0) fail(folder, "cannot be made");
  const auto give_up = [&made] {
    std::error_code ignored;
    fs::remove(made / process_tag(), ignored);
    fs::remove(made, ignored);
  };
  try {
    if (!write_mark(made / process_tag(), text_ + beat_line(0), true)) {
      fail(folder, "cannot be written");
    }
    sync_directory(made);
    Watch watch(folder, times_);
    bool said = false;
    for (const auto begin = Clock::now();; std::this_thread::sleep_for(times_.look)) {
      if (std::rename(made.c_str(), folder.c_str()) == 0) break;
      if (errno != EEXIST && errno != ENOTEMPTY) fail(folder, "cannot be taken as a lock");
      watch.look(dead);
      if (watch.alive() && Clock::now() - begin >= wait.patience) {
        refuse_claimed(folder, *watch.alive());
      }
      if (!watch.alive() && watch.unknown() && !said && wait.say) {
        said = true;
        wait.say(folder.string() + ": waiting to see whether " + *watch.unknown() +
                 " still runs (up to " + std::to_string(times_.stale.count() / 1000) + " s)");
      }
    }
  } catch (...) {
    give_up();
    throw;
  }
  sync_names(folder.parent_path(), mark_);
  find_half_made(folder, dead);
  start();
}

MarksFolder::MarksFolder(const fs::path& folder, const std::string& owner, const MarkTimes& times)
    : folder_(folder), text_(own_mark().text()), times_(times), mark_(folder / process_tag()) {
  if (owner == process_tag()) return;  // the owner's own mark is there
  if (!write_mark(mark_, text_ + beat_line(0), true)) fail(mark_, "cannot be made");
  if (!holds_mark_of(folder, owner)) {
    std::error_code ignored;
    fs::remove(mark_, ignored);
    throw DataError(folder.string(), "the run's first rank has lost its mark",
                    "Another run has taken the path: look what it does");
  }
  sync_names(folder_, mark_);
  start();
}

void MarksFolder::start() {
  renewed_ = Clock::now();
  thread_ = std::thread([this] { renew_from_time_to_time(); });
}

void MarksFolder::renew_from_time_to_time() {
  std::unique_lock lock(state_);
  while (!wake_.wait_for(lock, times_.renewal, [this] { return ends_; })) renew();
}

/// Under the lock.
void MarksFolder::renew() const {
  const auto begin = Clock::now();
  const auto failed = [this] {
    failure_ = errno;
    lost_ = lost_ || failure_ == ENOENT || failure_ == ESTALE;
  };
  if (lost_) return;
  if (!is_valid()) {
    const fs::path next = folder_ / fresh_tag();
    if (std::rename(mark_.c_str(), next.c_str()) != 0) return failed();
    mark_ = next;
  } else if (!write_mark(mark_, text_ + beat_line(++beat_), false)) {
    return failed();
  }
  renewed_ = begin;
}

MarksFolder::Hold MarksFolder::hold() const {
  const std::scoped_lock lock(state_);
  if (!thread_.joinable()) return Hold::held;  // the owner's own mark is renewed elsewhere
  if (!is_valid()) renew();
  if (!lost_ && access(mark_.c_str(), F_OK) != 0 && errno == ENOENT) lost_ = true;
  if (lost_) return Hold::lost;
  return is_valid() ? Hold::held : Hold::unsure;
}

std::string MarksFolder::failure() const {
  const std::scoped_lock lock(state_);
  return failure_ == 0 ? "it took too long" : std::strerror(failure_);
}

MarksFolder::~MarksFolder() {
  if (!thread_.joinable()) return;
  {
    const std::scoped_lock lock(state_);
    ends_ = true;
  }
  wake_.notify_all();
  thread_.join();
  std::error_code ignored;
  fs::remove(mark_, ignored);
  rmdir(folder_.c_str());  // fails while others are in it
}

}  // namespace explaind
