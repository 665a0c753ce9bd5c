#pragma once
// Folders that this program made, told from others by a list of what it put there.

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "claims/path_claim.hpp"

namespace explaind {

/// A folder to write into, claimed. Its list, `.explaind`, says what the folder is and names every
/// entry that was made in it: with --overwrite these are removed and nothing else ever is.
class OwnFolder {
 public:
  struct Wanted {
    std::filesystem::path path;
    std::string what;        ///< "series" or "run": the list's first line, and for messages
    bool overwrite = false;  ///< what is there is removed, where all of it is this program's
    /// Asked once the folder is claimed: whether what is there stays. May be empty.
    std::function<bool()> keeps;
    /// Entries that every such folder may have, and that need not be added one by one.
    std::vector<std::string> entries;
    /// Whether this program writes a file or folder of that path, below `path`, there.
    std::function<bool(const std::filesystem::path& relative)> writes;
    /// The list says that the folder is cut short until ended() is called.
    bool says_when_ended = false;
    /// Whether a folder without a list is one of these all the same. May be empty.
    std::function<bool()> known_otherwise;
  };

  /// Makes the folder where it is missing, claims it, and empties it where that is asked for.
  /// Throws DataError, having removed nothing: in use; not empty; an entry is not this program's.
  OwnFolder(const Wanted& wanted, const ClaimWait& wait = {});
  /// Removes the folder where it was made and nothing came into it.
  ~OwnFolder();
  OwnFolder(const OwnFolder&) = delete;
  OwnFolder& operator=(const OwnFolder&) = delete;

  /// Lists an entry, before it is made.
  void add(const std::string& entry) const;
  /// All that was to be made is there.
  void ended() const;
  /// PathClaim's.
  void require_held() const { claim_->require_held(); }

 private:
  void prepare(const Wanted& wanted) const;
  void give_up();
  std::filesystem::path path_;  ///< real
  bool made_ = false;
  std::optional<PathClaim> claim_;
};

/// What its list says that the folder is, "series" or "run"; empty where it has no list.
std::string made_as(const std::filesystem::path& folder);

/// Whether the folder's list says that its making did not end. False where it has no list.
bool is_cut_short(const std::filesystem::path& folder);

/// The name of the list.
inline constexpr const char* own_list = ".explaind";

}  // namespace explaind
