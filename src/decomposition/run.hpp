#pragma once
// The loop of one rank over the units it is handed.

#include <functional>

#include "comm/dispatcher.hpp"
#include "decomposition/parameter_source.hpp"
#include "decomposition/sweep.hpp"
#include "decomposition/unit_solver.hpp"
#include "scores/tile.hpp"

namespace explaind {

/// Asks the dispatcher for units until there is none, solves each and hands the tile to `keep`
/// (which puts it on disk), then reports it.
///
/// Not collective: ranks do different numbers of units. An error ends the whole job through
/// Dispatcher::fail with rank and unit; what was kept before stays.
void run_units(Dispatcher& dispatcher, const UnitGrid& units, ResidentParameters& parameters,
               Sweep& sweep, const UnitSolver& solver,
               const std::function<void(const ScoreTile&)>& keep);

}  // namespace explaind
