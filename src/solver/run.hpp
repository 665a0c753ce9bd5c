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

/// Asks the dispatcher for work until there is none, calls `act` with every unit (by its number) on
/// all ranks of the group, then reports it.
/// @collective over group, and over no more, as run_units is
void for_units(Dispatcher& dispatcher, const Communicator& group, const std::vector<int64_t>& todo,
               const std::function<void(int64_t)>& act);

/// Asks the dispatcher for work until there is none, solves each unit and hands the tile to `keep`
/// (which puts it on disk), then reports it. pieces: per segment of the units, the trajectory's
/// segments that are decomposed one after another and added up. todo: the units to do, the same on
/// every rank; the dispatcher hands out places in it to the first rank of every group.
///
/// @collective over group, and over no more: groups do different numbers of units. An error ends
/// the whole job through Dispatcher::fail with rank and unit; what was kept before stays.
void run_units(Dispatcher& dispatcher, const Communicator& group, const UnitGrid& units,
               const std::vector<PieceRange>& pieces, const std::vector<int64_t>& todo,
               ParameterSource& parameters, Sweep& sweep, const UnitSolver& solver,
               const std::function<void(const ScoreTile&)>& keep);

}  // namespace explaind
