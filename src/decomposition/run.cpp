#include "decomposition/run.hpp"

#include <exception>

namespace explaind {

void run_units(Dispatcher& dispatcher, const UnitGrid& units, const std::vector<int64_t>& todo,
               ParameterSource& parameters, Sweep& sweep, const UnitSolver& solver,
               const std::function<void(const ScoreTile&)>& keep) {
  for (UnitRange range = dispatcher.next(); !range.empty(); range = dispatcher.next()) {
    for (int64_t place = range.begin; place < range.end; ++place) {
      const int64_t index = todo[static_cast<size_t>(place)];
      try {
        const Unit unit = units.unit(index);
        parameters.load(unit.segment);
        keep(solver.solve(unit, sweep));
      } catch (const std::exception& error) {
        dispatcher.fail(index, error.what());
      }
      dispatcher.report(index, "");
    }
  }
}

}  // namespace explaind
