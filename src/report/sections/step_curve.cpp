// How much of all change the largest intervals of the series hold, where steps were chosen by it.

#include "report/packed.hpp"
#include "report/section.hpp"

namespace explaind {

nlohmann::json step_curve_section(const ReportSource& source) {
  const StoreReader& store = source.store();
  for (const char* name : {"explained_share", "interval_change", "interval_from", "interval_to"}) {
    if (!store.has(name)) return nullptr;
  }
  const std::vector<double> share = store.read("explained_share"),
                            change = store.read("interval_change");
  const std::vector<int64_t> from = store.numbers("interval_from"),
                             to = store.numbers("interval_to");
  // Of very many the curve keeps its shape with a few hundred.
  const size_t step = share.size() / 400 + 1;
  nlohmann::json rank = nlohmann::json::array(), steps = nlohmann::json::array();
  std::vector<double> kept_share, kept_change;
  for (size_t i = 0; i < share.size(); i += step) {
    rank.push_back(i + 1);
    steps.push_back({from[i], to[i]});
    kept_share.push_back(share[i]);
    kept_change.push_back(change[i]);
  }
  return {{"rank", rank},
          {"steps", steps},
          {"in_all", share.size()},
          {"share", packed({kept_share.size()}, kept_share)},
          {"change", packed({kept_change.size()}, kept_change)}};
}

}  // namespace explaind
