#include "claims/own_folder.hpp"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <set>
#include <sstream>
#include <string_view>
#include <system_error>

#include "claims/leftovers.hpp"
#include "claims/real_path.hpp"
#include "core/error.hpp"
#include "core/unfinished.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;

std::string heading_of(const std::string& what) { return "explaind " + what; }

/// The list's lines that are whole: the last may have been cut off by a crash.
std::vector<std::string> read_list(const fs::path& folder) {
  std::vector<std::string> lines;
  std::istringstream in(read_claim_text(folder / own_list));
  for (std::string line; std::getline(in, line) && !in.eof();) lines.push_back(line);
  return lines;
}

void write_list(const fs::path& folder, const std::string& text, std::ios::openmode how) {
  errno = 0;
  std::ofstream out(folder / own_list, how);
  out << text;
  out.close();
  if (!out) {
    throw DataError((folder / own_list).string(),
                    "cannot be written: " + std::generic_category().message(errno),
                    "Check space and permissions");
  }
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
      if (!made_.contains(entry.filename().string())) refuse(entry, foreign());
      look_at(entry);
    }
    for (const fs::path& entry : found_) fs::remove(entry);
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
  std::vector<fs::path> found_;
};

}  // namespace

OwnFolder::OwnFolder(const Wanted& wanted, const ClaimWait& wait) : path_(real_path(wanted.path)) {
  std::error_code failure;
  made_ = fs::create_directories(path_, failure);
  if (failure || !fs::is_directory(path_)) {
    throw DataError(wanted.path.string(),
                    failure ? "cannot be made: " + failure.message() : "is no folder",
                    "Check the path and its permissions");
  }
  try {
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
  for (const std::string& entry : wanted.entries) text += entry + "\n";
  write_list(path_, text, std::ios::trunc);
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
  write_list(path_, entry + "\n", std::ios::app);
}

}  // namespace explaind
