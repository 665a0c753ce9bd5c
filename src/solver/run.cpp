#include "solver/run.hpp"

#include <array>
#include <exception>

#include "core/unexpected.hpp"
#include "scores/tile_sum.hpp"

namespace explaind {
namespace {

/// What the first rank of the group is handed, on all of them.
UnitRange next_of(Dispatcher& dispatcher, const Communicator& group) {
  const UnitRange mine = dispatcher.next();  // empty on the others
  std::array<int64_t, 2> range{mine.begin, mine.end};
  if (group.size() > 1) group.broadcast(std::span<int64_t>(range), 0);
  return {.begin = range[0], .end = range[1]};
}

/// Whether the group leaves the rest of its range: any of its ranks may have been told to stop, and
/// the first one hears of the others.
bool stops(Dispatcher& dispatcher, const Communicator& group) {
  if (group.size() == 1) return dispatcher.stops();
  const bool asked = group.maximum(dispatcher.asked_here() ? 1 : 0) > 0;
  std::array<int64_t, 1> answer{group.rank() == 0 && dispatcher.stops(asked) ? 1 : 0};
  group.broadcast(std::span<int64_t>(answer), 0);
  return answer[0] != 0;
}

}  // namespace

void for_units(Dispatcher& dispatcher, const Communicator& group, const std::vector<int64_t>& todo,
               const std::function<UnitEnd(int64_t)>& act) {
  for (UnitRange mine = next_of(dispatcher, group); !mine.empty();
       mine = next_of(dispatcher, group)) {
    for (int64_t place = mine.begin; place < mine.end; ++place) {
      if (place > mine.begin && stops(dispatcher, group)) break;
      const int64_t index = todo[static_cast<size_t>(place)];
      try {
        if (act(index) == UnitEnd::left) break;
      } catch (const std::exception& error) {
        dispatcher.fail(index, message_of(error), exit_code_of(error));
      }
      if (group.rank() == 0) dispatcher.report(index, "");
    }
  }
}

void run_units(Dispatcher& dispatcher, const Communicator& group, const std::vector<int64_t>& todo,
               const UnitWork& work, const std::function<void(const ScoreTile&)>& keep) {
  for_units(dispatcher, group, todo, [&](int64_t index) {
    const Unit unit = work.units.unit(index);
    const PieceRange& range = work.pieces[static_cast<size_t>(unit.segment)];
    work.parameters.load(range.first);
    ScoreTile tile = work.solver.solve(unit, work.sweep);
    for (int64_t piece = range.first + 1; piece < range.last; ++piece) {
      work.parameters.load(piece);
      add_piece(tile, work.solver.solve(unit, work.sweep));
    }
    keep(tile);
    return UnitEnd::done;
  });
}

}  // namespace explaind
