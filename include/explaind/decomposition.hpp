#pragma once
// Decomposing in one process: a Trajectory, a Network, samples, and explaind::UnitSolver, which
// turns a unit into a ScoreTile. Needs LibTorch.

#include "model/network.hpp"
#include "solver/unit_solver.hpp"
