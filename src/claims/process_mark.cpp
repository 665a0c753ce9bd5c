#include "claims/process_mark.hpp"

#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>
#include <utility>
#include <vector>

#include "core/unfinished.hpp"
#include "core/utc_time.hpp"

namespace explaind {
namespace {

constexpr const char* first_line = "explaind claim";

std::string first_line_of(const std::string& file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  return line;
}

/// Empty unless both are known.
std::string own_place() {
  const std::string boot = first_line_of("/proc/sys/kernel/random/boot_id");
  std::error_code failure;
  const std::string space = std::filesystem::read_symlink("/proc/self/ns/pid", failure).string();
  return boot.empty() || failure ? "" : boot + ":" + space;
}

/// The process's state letter and its start in ticks; empty where there is none.
std::pair<std::string, std::string> state_of(const std::string& pid) {
  const std::string line = first_line_of("/proc/" + pid + "/stat");
  const size_t name_ends = line.rfind(')');  // a program's name may hold blanks and brackets
  if (name_ends == std::string::npos) return {};
  std::istringstream rest(line.substr(name_ends + 1));
  std::string word, state;
  constexpr int start_place = 20;  // field 22, counted from the state, which is field 3
  for (int i = 0; i < start_place && rest >> word; ++i) {
    if (i == 0) state = word;
  }
  return {state, word};
}

}  // namespace

std::string ProcessMark::text() const {
  return std::string(first_line) + "\ntag " + tag + "\nhost " + host + "\npid " + pid + "\nplace " +
         place + "\nstarted " + started + "\nsince " + since + "\n";
}

std::string ProcessMark::words() const {
  return "process " + pid + " on " + host + " since " + since;
}

ProcessMark own_mark() {
  const std::string pid = std::to_string(getpid());
  return {.tag = process_tag(),
          .host = host_name(),
          .pid = pid,
          .place = own_place(),
          .started = state_of("self").second,
          .since = utc_now()};
}

std::optional<ProcessMark> parse_mark(const std::string& text) {
  std::istringstream in(text);
  std::string line;
  if (!std::getline(in, line) || line != first_line) return std::nullopt;
  ProcessMark mark;
  const std::vector<std::pair<std::string, std::string*>> keys{
      {"tag ", &mark.tag},     {"host ", &mark.host},       {"pid ", &mark.pid},
      {"place ", &mark.place}, {"started ", &mark.started}, {"since ", &mark.since}};
  for (const auto& [key, value] : keys) {
    if (!std::getline(in, line) || in.eof() || !line.starts_with(key)) return std::nullopt;
    *value = line.substr(key.size());
  }
  return mark;
}

bool may_be_mark(const std::string& text) {
  const std::string beginning = std::string(first_line) + "\n";
  return text.starts_with(beginning) || beginning.starts_with(text);
}

Life life_of(const ProcessMark& mark) {
  static const std::string here = own_place();
  if (here.empty() || mark.place != here) return Life::unknown;
  pid_t pid = 0;
  const char* end = mark.pid.data() + mark.pid.size();
  if (std::from_chars(mark.pid.data(), end, pid).ptr != end || pid <= 0) return Life::unknown;
  if (kill(pid, 0) != 0 && errno == ESRCH) return Life::dead;
  const auto [state, started] = state_of(mark.pid);
  if (started.empty() || mark.started.empty()) return Life::unknown;
  if (started != mark.started) return Life::dead;  // the number belongs to another process now
  return state == "Z" || state == "X" ? Life::dead : Life::alive;
}

}  // namespace explaind
