#pragma once
// Names for what is being written: only this process has them, and they say whose they are.

#include <filesystem>
#include <string>

namespace explaind {

/// Of the machine.
std::string host_name();

/// HOST-PID-RANDOM of this process, the same for its whole life.
const std::string& process_tag();

/// HOST-PID-RANDOM of this process, another one at each call.
std::string fresh_tag();

/// True for a name that process_tag() or fresh_tag() may have given.
bool is_process_tag(const std::string& name);

/// PATH.TAG.tmp beside `path`, TAG being this process's: nobody else's file, whatever is there.
std::filesystem::path unfinished_path(const std::filesystem::path& path);

}  // namespace explaind
