#include "checkpoint/layouts/saved_state.hpp"

#include <algorithm>
#include <vector>

#include "checkpoint/layouts/layout.hpp"

namespace explaind {
namespace {

/// In the order in which they are tried.
const std::vector<Layout>& layouts() {
  static const std::vector<Layout> all{torch_distributed(), deepspeed_universal(), deepspeed_zero(),
                                       nanotron(), olmo_unsharded()};
  return all;
}

const Layout* layout_of(const std::filesystem::path& folder) {
  const auto found = std::find_if(layouts().begin(), layouts().end(),
                                  [&](const Layout& each) { return each.holds(folder); });
  return found == layouts().end() ? nullptr : &*found;
}

}  // namespace

std::unique_ptr<SavedState> open_saved_state(const std::filesystem::path& folder) {
  const Layout* layout = layout_of(folder);
  return layout == nullptr ? nullptr : layout->open(folder);
}

bool holds_saved_state(const std::filesystem::path& folder) { return layout_of(folder) != nullptr; }

}  // namespace explaind
