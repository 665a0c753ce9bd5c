#include "machine/control_groups.hpp"

#include <sys/stat.h>

#include <cstdint>
#include <fstream>
#include <sstream>
#include <utility>

namespace explaind {
namespace {

namespace fs = std::filesystem;

/// A line of /proc/self/mountinfo: `ID PARENT MAJOR:MINOR ROOT POINT OPTIONS TAGS… - TYPE DEVICE
/// OPTIONS`.
struct Mount {
  std::string root;   ///< the folder of the file system that is seen…
  std::string point;  ///< …here
  std::string type, options;
};

/// Spaces and the like are written in octal there: \040.
std::string unescaped(const std::string& text) {
  const auto octal = [&](size_t at) {
    return at < text.size() && text[at] >= '0' && text[at] <= '7';
  };
  std::string plain;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\\' && octal(at + 1) && octal(at + 2) && octal(at + 3)) {
      plain += static_cast<char>(std::stoi(text.substr(at + 1, 3), nullptr, 8));
      at += 3;
    } else {
      plain += text[at];
    }
  }
  return plain;
}

std::vector<Mount> mounts(const fs::path& root) {
  std::vector<Mount> found;
  std::ifstream in(root / "proc/self/mountinfo");
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::string skipped;
    Mount mount;
    words >> skipped >> skipped >> skipped >> mount.root >> mount.point;
    while (words >> skipped && skipped != "-") {
    }
    words >> mount.type >> skipped >> mount.options;
    mount.root = unescaped(mount.root);
    mount.point = unescaped(mount.point);
    if (words) found.push_back(std::move(mount));
  }
  return found;
}

bool lists(const std::string& words, const std::string& word) {
  return ("," + words + ",").find("," + word + ",") != std::string::npos;
}

/// The group of this process, and whether a hierarchy of version 1 has the controller.
struct Membership {
  std::string path;
  int version = 2;
};

std::optional<Membership> membership(const std::string& controller, const fs::path& root) {
  std::optional<Membership> unified;
  std::ifstream in(root / "proc/self/cgroup");
  for (std::string line; std::getline(in, line);) {  // `ID:CONTROLLERS:PATH`
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (lists(controllers, controller)) return Membership{line.substr(second + 1), 1};
    if (controllers.empty()) unified = Membership{line.substr(second + 1), 2};
  }
  return unified;
}

/// `path` below `above`, or nothing where it does not lie there.
std::optional<fs::path> below(const fs::path& path, const fs::path& above) {
  const fs::path relative = path.lexically_relative(above);
  if (relative.empty() || *relative.begin() == "..") return std::nullopt;
  return relative == "." ? fs::path() : relative;
}

struct Seen {
  fs::path point, inner;  ///< where the hierarchy is mounted, and the group's folder below it
};

/// Where the group can be seen: of several mounts the one that shows most of its path. A path that
/// no mount shows is another namespace's: then what is mounted is all that is known.
std::optional<Seen> seen_at(const Membership& group, const std::string& controller,
                            const fs::path& root) {
  std::optional<Seen> best;
  size_t shown = 0;
  for (const Mount& mount : mounts(root)) {
    const bool fits = group.version == 2
                          ? mount.type == "cgroup2"
                          : mount.type == "cgroup" && lists(mount.options, controller);
    if (!fits) continue;
    const fs::path point = root / fs::path(mount.point).relative_path();
    const std::optional<fs::path> inner = below(group.path, mount.root);
    if (inner && fs::is_directory(point / *inner)) {
      if (best && mount.root.size() <= shown) continue;
      best = Seen{point, *inner};
      shown = mount.root.size();
    } else if (!best) {
      best = Seen{point, {}};
    }
  }
  return best;
}

std::string identity_of(const fs::path& folder) {
  struct stat found {};
  if (::stat(folder.c_str(), &found) != 0) return folder.string();
  return std::to_string(found.st_dev) + ":" + std::to_string(found.st_ino);
}

}  // namespace

std::vector<ControlGroup> control_groups(Controller controller, const fs::path& root) {
  const std::string name = controller == Controller::memory ? "memory" : "cpu";
  const std::optional<Membership> own = membership(name, root);
  if (!own) return {};
  const std::optional<Seen> seen = seen_at(*own, name, root);
  if (!seen) return {};
  std::vector<ControlGroup> groups;
  for (fs::path inner = seen->inner;; inner = inner.parent_path()) {
    const fs::path folder = inner.empty() ? seen->point : seen->point / inner;
    groups.push_back({.folder = folder,
                      .name = "/" + inner.string(),
                      .version = own->version,
                      .identity = identity_of(folder)});
    if (inner.empty()) return groups;
  }
}

std::optional<int64_t> number_in(const fs::path& file) {
  std::ifstream in(file);
  int64_t value = 0;
  return in >> value ? std::optional(value) : std::nullopt;
}

}  // namespace explaind
