#include "claims/own_folder.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <sstream>
#include <string_view>
#include <system_error>

#include "claims/leftovers.hpp"
#include "claims/real_path.hpp"
#include "core/error.hpp"
#include "core/synced.hpp"
#include "core/unfinished.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;

/// A line of the list while more is to come; no entry has such a name.
constexpr const char* not_ended = "(has not ended)";

std::string heading_of(const std::string& what) { return "explaind " + what; }

/// The list's lines that are whole: the last may have been cut off by a crash.
std::vector<std::string> read_list(const fs::path& folder) {
  std::vector<std::string> lines;
  std::istringstream in(read_claim_text(folder / own_list));
  for (std::string line; std::getline(in, line) && !in.eof();) lines.push_back(line);
  return lines;
}

/// Synced: what is made is on the list before it is there.
void write_list(const fs::path& list, const std::string& text, int how) {
  constexpr int mode = 0666;  // the umask says what is left of it
  // NOLINTNEXTLINE: variadic in C
  const int descriptor = ::open(list.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | how, mode);
  int failure = descriptor < 0 ? errno : 0;
  const auto size = static_cast<ssize_t>(text.size());
  errno = ENOSPC;  // a write may be cut short without a word
  if (failure == 0 && ::write(descriptor, text.data(), text.size()) != size) failure = errno;
  if (failure == 0 && ::fsync(descriptor) != 0) failure = errno;
  if (descriptor >= 0 && ::close(descriptor) != 0 && failure == 0) failure = errno;
  if (failure != 0) {
    throw DataError(list.string(), "cannot be written: " + std::generic_category().message(failure),
                    "Check space and permissions");
  }
}

/// A name of this program's for something unfinished, whichever process gave it: NAME.TAG.tmp.
bool is_unfinished_name(const std::string& name) {
  constexpr std::string_view ending = ".tmp";
  if (!name.ends_with(ending)) return false;
  const std::string before = name.substr(0, name.size() - ending.size());
  for (size_t dot = before.find('.'); dot != std::string::npos; dot = before.find('.', dot + 1)) {
    if (is_process_tag(before.substr(dot + 1))) return true;
  }
  return false;
}

/// The folders that are to be made, outermost first.
std::vector<fs::path> missing_of(const fs::path& path) {
  std::vector<fs::path> missing;
  for (fs::path here = path; !here.empty() && !fs::exists(here); here = here.parent_path()) {
    missing.insert(missing.begin(), here);
  }
  return missing;
}

bool is_bookkeeping(const std::string& name) {
  return name == own_list || name == lock_in_folder ||
         name.starts_with(std::string(lock_in_folder) + ".");
}

std::vector<fs::path> entries_of(const fs::path& folder) {
  std::vector<fs::path> entries;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (!is_bookkeeping(entry.path().filename().string())) entries.push_back(entry.path());
  }
  std::sort(entries.begin(), entries.end());  // the same message on every file system
  return entries;
}

/// Empties a folder of this program's, looking at everything before anything is removed.
class Emptying {
 public:
  Emptying(const fs::path& folder, const OwnFolder::Wanted& wanted)
      : folder_(folder), wanted_(wanted) {
    const std::vector<std::string> list = read_list(folder);
    if (list.empty() || list.front() != heading_of(wanted.what)) {
      if (wanted.known_otherwise && wanted.known_otherwise()) {
        made_ = {wanted.entries.begin(), wanted.entries.end()};
        return;
      }
      refuse(wanted.path, "was not made by this program as a " + wanted.what);
    }
    made_ = {list.begin() + 1, list.end()};
  }

  void run() {
    for (const fs::path& entry : entries_of(folder_)) {
      const std::string name = entry.filename().string();
      if (is_unfinished_name(name)) {
        unfinished_.push_back(entry);
        continue;
      }
      if (!made_.contains(name)) refuse(entry, foreign());
      look_at(entry);
    }
    for (const fs::path& entry : found_) fs::remove(entry);
    for (const fs::path& entry : unfinished_) fs::remove_all(entry);
    // None of it may come back among what is made next.
    sync_directory(folder_);
  }

 private:
  /// Contents before the folder that holds them. What a link leads to is somebody's.
  void look_at(const fs::path& entry) {
    const fs::file_status status = fs::symlink_status(entry);
    const bool folder = fs::is_directory(status);
    if (!wanted_.writes(entry.lexically_relative(folder_)) ||
        (!folder && !fs::is_regular_file(status))) {
      refuse(entry, foreign());
    }
    if (folder) {
      for (const auto& within : fs::directory_iterator(entry)) look_at(within.path());
    }
    found_.push_back(entry);
  }
  [[nodiscard]] std::string foreign() const {
    return "was not made by this program as part of a " + wanted_.what;
  }
  [[noreturn]] static void refuse(const fs::path& path, const std::string& problem) {
    throw DataError(path.string(), problem + ", so --overwrite does not remove it",
                    "Remove it, or use another folder");
  }

  fs::path folder_;
  const OwnFolder::Wanted& wanted_;
  std::set<std::string> made_;
  std::vector<fs::path> found_, unfinished_;
};

}  // namespace

OwnFolder::OwnFolder(const Wanted& wanted, const ClaimWait& wait) : path_(real_path(wanted.path)) {
  std::error_code failure;
  const std::vector<fs::path> missing = missing_of(path_);
  made_ = fs::create_directories(path_, failure);
  if (failure || !fs::is_directory(path_)) {
    throw DataError(wanted.path.string(),
                    failure ? "cannot be made: " + failure.message() : "is no folder",
                    "Check the path and its permissions");
  }
  try {
    for (const fs::path& folder : missing) sync_directory(folder.parent_path());
    claim_.emplace(PathClaim::take(path_, wait));
    prepare(wanted);
  } catch (const fs::filesystem_error& error) {
    give_up();
    throw DataError(wanted.path.string(), error.what(), "Check permissions and space");
  } catch (...) {
    give_up();
    throw;
  }
}

void OwnFolder::prepare(const Wanted& wanted) const {
  if (wanted.keeps && wanted.keeps()) return;
  if (!entries_of(path_).empty()) {
    if (!wanted.overwrite) {
      throw DataError(wanted.path.string(), "the " + wanted.what + " exists",
                      "Use --overwrite, or another folder");
    }
    Emptying(path_, wanted).run();
  }
  std::string text = heading_of(wanted.what) + "\n";
  if (wanted.says_when_ended) text += std::string(not_ended) + "\n";
  for (const std::string& entry : wanted.entries) text += entry + "\n";
  write_list(path_ / own_list, text, O_TRUNC);
  sync_directory(path_);
}

void OwnFolder::ended() const {
  std::string text;
  for (const std::string& line : read_list(path_)) {
    if (line != not_ended) text += line + "\n";
  }
  const fs::path next = unfinished_path(path_ / own_list);
  write_list(next, text, O_TRUNC);
  fs::rename(next, path_ / own_list);
  sync_directory(path_);
}

/// Nothing of this stays where nothing else came, and nothing unfinished anywhere.
void OwnFolder::give_up() {
  if (claim_) remove_unfinished_in(path_, {process_tag()});
  claim_.reset();
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(path_, ignored)) {
    if (entry.path().filename() != own_list) return;
  }
  fs::remove(path_ / own_list, ignored);
  if (made_) fs::remove(path_, ignored);
}

OwnFolder::~OwnFolder() { give_up(); }

void OwnFolder::add(const std::string& entry) const {
  write_list(path_ / own_list, entry + "\n", O_APPEND);
}

std::string made_as(const fs::path& folder) {
  const std::vector<std::string> list = read_list(folder);
  const std::string begins = heading_of("");
  if (list.empty() || !list.front().starts_with(begins)) return "";
  return list.front().substr(begins.size());
}

bool is_cut_short(const fs::path& folder) {
  const std::vector<std::string> list = read_list(folder);
  return std::find(list.begin(), list.end(), not_ended) != list.end();
}

}  // namespace explaind
