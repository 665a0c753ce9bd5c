#pragma once
// The names of a recorded run's files (recorded_run.md).

namespace explaind::run_files {

inline constexpr const char* run = "run.json";
inline constexpr const char* start = "start.safetensors";  ///< θ_0
inline constexpr const char* blocks = "blocks";            ///< folder
inline constexpr const char* data = "data.safetensors";
inline constexpr const char* state = "state.safetensors";  ///< of the recorder, for --resume
inline constexpr const char* complete = "complete.json";   ///< written last

}  // namespace explaind::run_files
