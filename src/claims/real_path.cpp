#include "claims/real_path.hpp"

#include <system_error>

#include "core/error.hpp"

namespace explaind {

namespace fs = std::filesystem;

fs::path real_path(const fs::path& path) {
  fs::path here = fs::absolute(path);
  if (!here.has_filename()) here = here.parent_path();  // "folder/"
  std::error_code ignored;
  constexpr int most_links = 40;  // as the kernel has it
  for (int i = 0; i < most_links; ++i) {
    if (!fs::is_symlink(here, ignored)) {
      return fs::weakly_canonical(here.parent_path(), ignored) / here.filename();
    }
    const fs::path target = fs::read_symlink(here, ignored);
    here = target.is_absolute() ? target : here.parent_path() / target;
  }
  throw DataError(path.string(), "is a link that leads back to itself", "Remove the link");
}

}  // namespace explaind
