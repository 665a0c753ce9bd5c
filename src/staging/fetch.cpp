#include "staging/fetch.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <iterator>
#include <thread>
#include <utility>

#include "core/error.hpp"
#include "core/file_kind.hpp"

namespace explaind {
namespace {

constexpr const char* example =
    "For example --stage-command 'hf download ORG/MODEL --revision {revision} --local-dir {dir}'";

/// The last lines of what a command printed, on one line.
std::string tail_of(const std::filesystem::path& log) {
  constexpr size_t most = 300;
  std::ifstream in(log, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) {
    text.pop_back();
  }
  if (text.size() > most) text = "…" + text.substr(text.size() - most);
  for (char& each : text) {
    if (static_cast<unsigned char>(each) < ' ') each = ' ';
  }
  return text.empty() ? "it printed nothing" : text;
}

/// In the child: only what may be called between fork and exec.
[[noreturn]] void become(const char* command, int log, pid_t parent) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) _exit(127);  // it ended before it could be watched
  const int nothing = open("/dev/null", O_RDONLY);
  dup2(nothing, STDIN_FILENO);
  dup2(log, STDOUT_FILENO);
  dup2(log, STDERR_FILENO);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  execl("/bin/sh", "sh", "-c", command, static_cast<char*>(nullptr));
  _exit(127);
}

}  // namespace

FetchCommand::FetchCommand(std::string text) : text_(std::move(text)) {
  for (const char* place : {"{revision}", "{dir}"}) {
    if (text_.find(place) == std::string::npos) {
      throw UsageError("--stage-command", fmt::format("has no {}", place), example);
    }
  }
}

std::string FetchCommand::of(const std::string& revision, int64_t step,
                             const std::filesystem::path& folder) const {
  const std::array<std::pair<std::string, std::string>, 3> places{
      {{"{revision}", shell_word(revision)},
       {"{step}", std::to_string(step)},
       {"{dir}", shell_word(folder.string())}}};
  std::string command;
  for (size_t i = 0; i < text_.size();) {
    bool found = false;
    for (const auto& [place, word] : places) {
      if (text_.compare(i, place.size(), place) != 0) continue;
      command += word;
      i += place.size();
      found = true;
      break;
    }
    if (!found) command += text_[i++];
  }
  return command;
}

std::string run_command(const std::string& command, const std::filesystem::path& log) {
  const int file = open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) {
    throw DataError(log.string(), std::string("cannot be written: ") + std::strerror(errno),
                    "Check --stage, its space and permissions");
  }
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child == 0) become(command.c_str(), file, parent);
  close(file);
  if (child < 0) return std::string("cannot be started: ") + std::strerror(errno);
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return std::string("cannot be waited for: ") + std::strerror(errno);
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return "";
  const std::string how = WIFSIGNALED(status)
                              ? fmt::format("was ended by signal {}", WTERMSIG(status))
                              : fmt::format("exited with {}", WEXITSTATUS(status));
  return how + ": " + tail_of(log);
}

}  // namespace explaind
