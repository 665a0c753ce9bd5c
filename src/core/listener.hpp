#pragma once
// What a long computation tells whoever waits for it.

#include <cstdint>
#include <string>

namespace explaind {

/// Told of by the first rank alone. This one lets everything pass.
class Listener {
 public:
  Listener() = default;
  virtual ~Listener() = default;
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  /// Whole lines for people, each with its end.
  virtual void say(const std::string& /*lines*/) {}
  /// A phase of `total` steps begins; the one before has ended. name: a word for it.
  virtual void begin(const std::string& /*name*/, int64_t /*total*/) {}
  /// So many more steps are done. Any thread may call it, one at a time.
  virtual void advance(int64_t /*more*/, const std::string& /*note*/) {}
  virtual void finish() {}
};

}  // namespace explaind
