#include "core/unexpected.hpp"

#include <cxxabi.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string_view>
#include <system_error>
#include <typeinfo>

#include "core/error.hpp"
#include "core/revision.hpp"

namespace explaind {
namespace {

std::string version() {
  return fmt::format("explaind {}, revision {}", EXPLAIND_VERSION, revision());
}

std::string type_of(const std::exception& error) {
  const char* mangled = typeid(error).name();
  int status = 0;
  char* readable = abi::__cxa_demangle(mangled, nullptr, nullptr, &status);
  std::string name = status == 0 ? readable : mangled;
  std::free(readable);
  return name;
}

/// One line, without what begins where LibTorch says how it came there.
std::string in_plain_text(std::string_view text) {
  for (const char* const begin : {"Exception raised from", "frame #", "C++ CapturedTraceback"}) {
    text = text.substr(0, text.find(begin));
  }
  std::string line(text);
  std::replace(line.begin(), line.end(), '\n', ' ');
  while (!line.empty() && (line.back() == ' ' || line.back() == '.')) line.pop_back();
  return line;
}

std::string please_report(const std::string& what) {
  return what + fmt::format(
                    ". This is a fault of the program, please report it: this message, the "
                    "command line, and the version, {}. With EXPLAIND_DEBUG=1 in the environment "
                    "the message says where in the code it arose",
                    version());
}

/// LibTorch's own words for it.
bool is_of_memory(const std::exception& error, const std::string& text) {
  return dynamic_cast<const std::bad_alloc*>(&error) != nullptr ||
         text.find("can't allocate memory") != std::string::npos ||
         text.find("CUDA out of memory") != std::string::npos;
}

/// CUDA's words for errors of the device itself, and its driver's. After any of them the process
/// can do nothing with the device any more; another process, or another node, may.
bool is_of_lost_device(std::string_view text) {
  constexpr std::array<std::string_view, 6> words{
      "uncorrectable ECC error", "uncorrectable NVLink error", "hardware stack error",
      "or a hardware error",     "CUDA error: unknown error",  "fallen off the bus"};
  return std::any_of(words.begin(), words.end(), [&](std::string_view each) {
    return text.find(each) != std::string_view::npos;
  });
}

struct FatalSignal {
  int number;
  const char* what;
};
constexpr std::array<FatalSignal, 5> fatal_signals{{
    {SIGSEGV, "it read or wrote memory that is not its own (SIGSEGV)"},
    {SIGBUS,
     "a file it had mapped was cut short, or its disk failed (SIGBUS); if neither happened, it"},
    {SIGFPE, "a whole number was divided by 0 (SIGFPE)"},
    {SIGILL, "this processor lacks an instruction (SIGILL)"},
    {SIGABRT, "a library gave up (SIGABRT)"},
}};

/// Made beforehand: a handler may neither allocate nor format.
std::array<std::string, fatal_signals.size()>& last_words() {
  static std::array<std::string, fatal_signals.size()> words;
  return words;
}

void write_all(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
    if (written <= 0) return;
    text.remove_prefix(static_cast<size_t>(written));
  }
}

extern "C" void speak_and_end(int number) {
  for (size_t i = 0; i < fatal_signals.size(); ++i) {
    if (fatal_signals[i].number == number) write_all(last_words()[i]);
  }
  std::signal(number, SIG_DFL);
  std::raise(number);
}

/// Of std::terminate. Threads that still run are not waited for.
[[noreturn]] void speak_and_leave() {
  std::string message = please_report("the program gave up without an exception");
  if (const std::exception_ptr current = std::current_exception()) {
    try {
      std::rethrow_exception(current);
    } catch (const std::exception& error) {
      message = message_of(error);
    } catch (...) {
      message = please_report("something was thrown that is no exception");
    }
  }
  write_all("error: " + message + "\n");
  std::_Exit(static_cast<int>(ExitCode::failure));
}

}  // namespace

bool wants_frames() {
  const char* value = std::getenv("EXPLAIND_DEBUG");
  return value != nullptr && *value != '\0' && std::strcmp(value, "0") != 0;
}

std::string message_of(const std::exception& error) {
  if (dynamic_cast<const Error*>(&error) != nullptr) return error.what();
  const std::string text = wants_frames() ? error.what() : in_plain_text(error.what());
  if (is_of_memory(error, text)) {
    return fmt::format(
        "not enough memory ({}). Give the ranks of a node less with --memory, run fewer of them, "
        "or take a larger node",
        text);
  }
  if (is_of_lost_device(text)) {
    return fmt::format(
        "a device was lost ({}). Look after it (`nvidia-smi`, `dmesg`), or take another node; what "
        "was finished is kept",
        text);
  }
  if (dynamic_cast<const std::system_error*>(&error) != nullptr) {
    return fmt::format(
        "the operating system refused: {}. Check the path, its permissions and space", text);
  }
  return please_report(fmt::format("unexpected: {} ({})", text, type_of(error)));
}

ExitCode exit_code_of(const std::exception& error) {
  if (is_of_lost_device(error.what())) return ExitCode::lost;
  const auto* own = dynamic_cast<const Error*>(&error);
  return own != nullptr ? own->exit_code() : ExitCode::failure;
}

void speak_before_the_end() {
  if (wants_frames()) return;
  std::set_terminate(speak_and_leave);
  for (size_t i = 0; i < fatal_signals.size(); ++i) {
    last_words()[i] =
        "error: " + please_report(fmt::format("the program ended: {}", fatal_signals[i].what)) +
        "\n";
    struct sigaction action = {};
    action.sa_handler = speak_and_end;
    action.sa_flags = static_cast<int>(SA_RESETHAND | SA_NODEFER);
    sigemptyset(&action.sa_mask);
    sigaction(fatal_signals[i].number, &action, nullptr);
  }
}

}  // namespace explaind
