#include "store/damage.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <exception>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>

namespace explaind {
namespace {

constexpr char object_line = 'o', complaint_line = 'c';  ///< first letters of what the child says

/// Both ends of a pipe.
class Pipe {
 public:
  Pipe() { made_ = pipe2(ends_.data(), O_CLOEXEC) == 0; }
  ~Pipe() {
    close_end(0);
    close_end(1);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  [[nodiscard]] bool made() const { return made_; }
  [[nodiscard]] int reading() const { return ends_[0]; }
  [[nodiscard]] int writing() const { return ends_[1]; }
  void close_end(size_t end) {
    if (made_ && ends_.at(end) >= 0) close(std::exchange(ends_.at(end), -1));
  }

 private:
  std::array<int, 2> ends_{-1, -1};
  bool made_ = false;
};

void say(int pipe, char kind, std::string text) {
  for (char& letter : text) {
    if (letter == '\n') letter = ' ';
  }
  text = kind + text + "\n";
  std::string_view left = text;
  while (!left.empty()) {
    const ssize_t written = write(pipe, left.data(), left.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) _exit(0);  // nobody listens any more
    left.remove_prefix(static_cast<size_t>(written));
  }
}

/// A crash here is no fault of the program: it leaves no message, no core file, and no process
/// where the parent ends first.
void expect_to_crash(pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(0);
  for (const int number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) std::signal(number, SIG_DFL);
  std::set_terminate([] { std::abort(); });
  const rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);  // NOLINT: variadic in C
  dup2(nowhere, STDOUT_FILENO);
  dup2(nowhere, STDERR_FILENO);
}

[[noreturn]] void walk_and_exit(const std::filesystem::path& file, const WalkOfFile& walk, int pipe,
                                pid_t parent) {
  expect_to_crash(parent);
  try {
    const std::string complaint =
        walk(file, [&](const std::string& object) { say(pipe, object_line, object); });
    if (!complaint.empty()) say(pipe, complaint_line, complaint);
  } catch (const std::exception&) {
    // An error that is reported is no damage of this kind.
  }
  _exit(0);
}

/// What a child said, and how it ended.
struct Ending {
  std::string object, complaint;  ///< the last of each
  bool too_slow = false;
  int status = 0;  ///< as waitpid has it
};

/// Takes whole lines from what has come.
void take_lines(std::string& text, Ending& ending) {
  for (size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n')) {
    if (end > 0)
      (text[0] == complaint_line ? ending.complaint : ending.object) = text.substr(1, end - 1);
    text.erase(0, end + 1);
  }
}

Ending listen(pid_t child, int pipe, std::chrono::milliseconds patience) {
  Ending ending;
  std::string text;
  for (;;) {
    pollfd waiting{.fd = pipe, .events = POLLIN, .revents = 0};
    const int ready = poll(&waiting, 1, static_cast<int>(patience.count()));
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0) {
      ending.too_slow = true;
      kill(child, SIGKILL);
      break;
    }
    std::array<char, 4096> bytes{};
    const ssize_t size = read(pipe, bytes.data(), bytes.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) break;
    text.append(bytes.data(), static_cast<size_t>(size));
    take_lines(text, ending);
  }
  while (waitpid(child, &ending.status, 0) < 0 && errno == EINTR) {
  }
  return ending;
}

/// HDF5's files begin with a signature, at the start or behind a block of a power of two.
bool has_signature(const std::filesystem::path& file) {
  constexpr std::string_view signature("\x89HDF\r\n\x1a\n", 8);
  std::ifstream in(file, std::ios::binary);
  std::array<char, 8> bytes{};
  for (std::streamoff at = 0; in.seekg(at) && in.read(bytes.data(), bytes.size());
       at = at == 0 ? 512 : 2 * at) {
    if (std::string_view(bytes.data(), bytes.size()) == signature) return true;
  }
  return false;
}

std::optional<std::string> damage_in(const Ending& ending, std::chrono::milliseconds patience) {
  const std::string at = ending.object.empty()  ? "at its beginning"
                         : ending.object == "/" ? "at the file's own attributes"
                                                : "at " + ending.object;
  if (ending.too_slow) {
    return fmt::format(
        "damaged, or its disk is very slow: HDF5 does not come to an end {} within "
        "{:.3g} s",
        at, std::chrono::duration<double>(patience).count());
  }
  if (WIFSIGNALED(ending.status)) {
    return fmt::format("damaged: HDF5 crashes {} ({})", at, strsignal(WTERMSIG(ending.status)));
  }
  if (WIFEXITED(ending.status) && WEXITSTATUS(ending.status) != 0) {
    return fmt::format("damaged: HDF5 crashes {}", at);
  }
  if (!ending.complaint.empty()) return "damaged: " + ending.complaint;
  return std::nullopt;
}

}  // namespace

std::optional<DataError> damage_of(const std::filesystem::path& file,
                                   std::chrono::milliseconds patience, const WalkOfFile& walk) {
  if (!std::filesystem::is_regular_file(file) || !has_signature(file)) return std::nullopt;
  Pipe pipe;
  if (!pipe.made()) return std::nullopt;  // without processes to spare it is read all the same
  const pid_t own = getpid(), child = fork();
  if (child < 0) return std::nullopt;
  if (child == 0) walk_and_exit(file, walk, pipe.writing(), own);
  pipe.close_end(1);
  const std::optional<std::string> damage =
      damage_in(listen(child, pipe.reading(), patience), patience);
  if (!damage) return std::nullopt;
  return DataError(file.string(), *damage,
                   "Copy it again from where it is whole. What is left of it other programs may "
                   "show part by part: h5dump -d NAME FILE. To make it anew, remove it and run the "
                   "command that made it");
}

}  // namespace explaind
