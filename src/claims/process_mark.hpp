#pragma once
// Who a process is, in words that another process, on this machine or another, can judge by.

#include <optional>
#include <string>

namespace explaind {

/// What a claim says of the process that made it.
struct ProcessMark {
  std::string tag;
  std::string host;
  std::string pid;
  std::string place;    ///< boot and PID namespace; empty where the system does not say
  std::string started;  ///< of the process, in the kernel's ticks: a PID is used again
  std::string since;    ///< UTC, for people alone: clocks differ

  /// Lines `key value` after a first line that says whose they are.
  [[nodiscard]] std::string text() const;
  /// "process 17 on node3 since 2026-11-28T01:02:03Z"
  [[nodiscard]] std::string words() const;
};

/// The mark of this process, now.
ProcessMark own_mark();

/// Nothing where the text is no mark, or the beginning of one alone.
std::optional<ProcessMark> parse_mark(const std::string& text);

/// True for the beginning of a mark's text too, as a killed process leaves it, and for none.
bool may_be_mark(const std::string& text);

enum class Life { alive, dead, unknown };

/// Known of processes of this machine's boot and PID namespace alone.
Life life_of(const ProcessMark& mark);

}  // namespace explaind
