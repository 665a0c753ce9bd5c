#pragma once
// The loop of one rank over the units it is handed.

#include <cstdint>
#include <functional>
#include <vector>

#include "comm/dispatcher.hpp"
#include "parameters/parameter_source.hpp"
#include "path/trajectory.hpp"
#include "scores/tile.hpp"
#include "solver/unit_solver.hpp"
#include "sweeps/sweep.hpp"

namespace explaind {

/// How work on a unit ended: left is what a stop ended before it was done.
enum class UnitEnd { done, left };

/// Asks the dispatcher for work until there is none, calls `act` with every unit (by its number) on
/// all ranks of the group, then reports it where it is done. All ranks of a group end it alike.
/// @collective over group, and over no more, as run_units is
void for_units(Dispatcher& dispatcher, const Communicator& group, const std::vector<int64_t>& todo,
               const std::function<UnitEnd(int64_t)>& act);

/// What units are solved with.
struct UnitWork {
  const UnitGrid& units;
  /// Per segment of the units, the trajectory's segments that are decomposed one after another and
  /// added up.
  const std::vector<PieceRange>& pieces;
  ParameterSource& parameters;
  Sweep& sweep;
  const UnitSolver& solver;
};

/// Asks the dispatcher for work until there is none, solves each unit and hands the tile to `keep`
/// (which puts it on disk), then reports it. todo: the units to do, the same on every rank; the
/// dispatcher hands out places in it to the first rank of every group.
///
/// @collective over group, and over no more: groups do different numbers of units. An error ends
/// the whole job through Dispatcher::fail with rank and unit; what was kept before stays.
void run_units(Dispatcher& dispatcher, const Communicator& group, const std::vector<int64_t>& todo,
               const UnitWork& work, const std::function<void(const ScoreTile&)>& keep);

}  // namespace explaind
