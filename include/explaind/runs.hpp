#pragma once
// Recorded runs: explaind::RecordedRun, RunWriter; the format is src/runs/recorded_run.md.

#include "runs/recorded_run.hpp"
#include "runs/run_writer.hpp"
