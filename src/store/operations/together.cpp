#include "store/operations/together.hpp"

#include "core/error.hpp"

namespace explaind {

void require_operations_together(const Query& query) {
  const auto refuse_error = [&](bool asked, const std::string& why) {
    if (!query.error || !asked) return;
    throw UsageError("--error", "is of means over samples, and " + why,
                     "Ask for --bootstrap 1000, which draws the samples of all rows together");
  };
  refuse_error(!query.minus.empty(), "--minus makes differences of them");
  refuse_error(query.minus_store != nullptr, "--minus-store makes differences of them");
  refuse_error(!query.share.empty(), "--share divides them");
  refuse_error(query.cumulative, "--cumulative adds them up along segments");
  if (query.top > 0 && (query.highest > 0 || query.lowest > 0)) {
    throw UsageError("--top", "is by absolute value, --highest and --lowest by signed value",
                     "Give --top, or one or both of the others");
  }
}

}  // namespace explaind
